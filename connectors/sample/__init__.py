"""A plausible Poznań, answered in the upstreams' own wire forms, so that the real connectors read it."""
