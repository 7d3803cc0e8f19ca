"""The graph: turns arguments into a `broker.query.Query`, and what the store answers into types. It knows no source."""
