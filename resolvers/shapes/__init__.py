"""How the fields of the graph are answered as columns: a module for each kind of field, `pages` for what holds them."""
