"""The whole graph, built from a catalogue: a root field per data set, and the questions over all of them."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from broker.catalog import Catalog
from resolvers.connections import collection
from resolvers.context import RecordValue
from resolvers.derive import object_type
from resolvers.history import changes
from resolvers.layers import feature_type, layer_fields
from resolvers.lookups import add_lookups
from resolvers.node import node, nodes
from resolvers.records import add_district, record_types
from resolvers.related import add_related
from resolvers.scalars import SCALARS
from resolvers.search import search, suggest
from resolvers.sources import dataset, datasets, sources

__all__ = ["build"]

FEDERATED = (search, suggest, node, nodes, sources, datasets, dataset, changes)


def build(catalog: Catalog) -> strawberry.Schema:
    """The schema over these data sets; its context is a `resolvers.context.Context`."""
    types = record_types(catalog)
    feature, of = feature_type(types, catalog.partition)
    add_district(catalog, types, feature)
    add_related(types, feature, of)
    add_lookups(catalog, types)
    query = object_type(
        "Query",
        "The city's systems as one graph.",
        {
            **{one.dataset.name: collection(one) for one in types.records.values()},
            **layer_fields(feature, types.where, of),
            **{one.__name__: _root(one) for one in FEDERATED},
        },
    )
    return strawberry.Schema(
        query,
        types=[types.located, feature, *(one.type for one in types.records.values())],
        config=StrawberryConfig(default_resolver=_read, scalar_map=SCALARS),
    )


def _root(resolver: Callable[..., Any]) -> StrawberryField:
    """A root field, described by its resolver's docstring."""
    field: StrawberryField = strawberry.field(resolver=resolver, description=" ".join((resolver.__doc__ or "").split()))
    return field


def _read(value: Any, name: str) -> Any:  # noqa: ANN401 - whatever the graph holds
    """A field without a resolver of its own: a record's column, a figure by name, or an attribute."""
    if isinstance(value, RecordValue):
        return value.value(name)
    return value.get(name) if isinstance(value, dict) else getattr(value, name)
