"""The engine: from a city's systems to versioned, queryable data sets."""
