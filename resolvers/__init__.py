"""The graph: types, connections, filters and fields, derived from the catalogue."""
