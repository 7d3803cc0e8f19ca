"""The city's theatres, for the broker."""
