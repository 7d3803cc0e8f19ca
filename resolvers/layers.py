"""`layers` and `layer`: every collection with places as map servers know them, with a schema and features."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any

import strawberry
from strawberry.types.field import StrawberryField

from broker.model import Dataset
from broker.query import DISTRICT, And, Condition
from broker.store import Published
from resolvers.aggregates import feature_aggregate
from resolvers.connections import PAGING, connection_type, read_page
from resolvers.context import Context, Info, RecordValue
from resolvers.derive import argument, many, maybe, object_type, resolved
from resolvers.properties import (
    WORDS,
    PropertyFilter,
    PropertyOrder,
    layer_dataset,
    properties,
    property_name,
    read_properties,
    read_property_order,
)
from resolvers.provenance import provenance_columns
from resolvers.records import RecordType, Types, place_columns
from resolvers.related import related_makers
from resolvers.scalars import JSON
from resolvers.shapes.features import feature_makers
from resolvers.shapes.fields import reference
from resolvers.shapes.related import related
from resolvers.sources import DatasetInfo, LicenceInfo, known_dataset
from resolvers.where import read_where

__all__ = ["FeatureType", "LayerProperty", "feature_type", "layer_fields"]


@strawberry.type(description="One property of a layer.")
class LayerProperty:
    """A property and its type."""

    name: str = strawberry.field(description="Its name: in `properties`, in `filter` and in `orderBy`.")
    type: str = strawberry.field(
        description="text, whole number, number, decimal, yes or no, day, moment or list of texts."
    )
    description: str = strawberry.field(description="What it is.")
    unit: str | None = strawberry.field(description="The unit of a number.")


class FeatureType(RecordType):
    """What the graph knows of a layer's features, whichever layer it is: their conditions are on properties by name."""

    async def condition(self, context: Context, given: Mapping[str, Any]) -> Condition | None:
        """The arguments ``filter`` and ``where`` as one condition."""
        parts: list[Condition] = []
        if given.get("filter"):
            parts.append(read_properties(self.dataset, given["filter"]))
        if given.get("where") is not None:
            parts.append(await read_where(context, given["where"]))
        return And(tuple(parts)) if parts else None


def feature_type(types: Types, partition: Dataset | None) -> tuple[Any, Callable[[Dataset], FeatureType]]:
    """The type ``Feature``, and what makes of a layer's data set that which is asked for its records."""

    def own(root: strawberry.Parent[RecordValue]) -> Any:  # noqa: ANN401 - JSON
        return properties(root)

    feature = object_type(
        "Feature",
        "A feature of a layer: a record whose properties are known only from the layer's `schema`.",
        {"properties": resolved(own, JSON, "Its properties by name, as JSON.")},
        interfaces=(types.located,),
        is_type_of=lambda value, _info: isinstance(value, RecordValue),
    )

    @cache
    def of(dataset: Dataset) -> FeatureType:
        plain = frozenset(one.name for one in dataset.fields if one.name != dataset.geometry)
        columns = {"properties": plain, "provenance": provenance_columns(dataset), **place_columns(dataset)}
        shapes = feature_makers(dataset)
        if partition is not None:
            shapes["district"] = reference(DISTRICT, partition, types.records[partition.id].shapes)
        shapes["related"] = related(dataset, related_makers(types, of))
        filter, order = many(PropertyFilter), many(PropertyOrder)
        return FeatureType(dataset, feature, filter, types.where, order, None, columns, shapes)

    return feature, of


def layer_fields(feature: Any, where: Any, of: Callable[[Dataset], FeatureType]) -> dict[str, StrawberryField]:  # noqa: ANN401 - derived types
    """The root fields ``layers`` and ``layer``."""
    kind = _layer_type(feature, where, of)

    async def layers(info: Info) -> Any:  # noqa: ANN401 - derived types
        located = [one for one in info.context.catalog.datasets.values() if one.located]
        return [await _layer(info.context, one) for one in located]

    async def layer(
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The layer's id, such as `sip.noise_zones`.")],
    ) -> Any:  # noqa: ANN401 - a derived type
        return await _layer(info.context, layer_dataset(info.context.catalog, id))

    return {
        "layers": resolved(
            layers,
            maybe(many(kind)),
            "Every collection with places, as a layer: those of the sources and those added by configuration.",
        ),
        "layer": resolved(layer, maybe(kind), "One layer by its id."),
    }


async def _layer(context: Context, dataset: Dataset) -> dict[str, Any]:
    about: DatasetInfo = await known_dataset(context, dataset)
    return {"dataset": dataset, "about": about}


def _schema(root: strawberry.Parent[Any]) -> Any:  # noqa: ANN401 - typed where it is used
    dataset: Dataset = root["dataset"]
    return [
        LayerProperty(
            name=property_name(dataset, one),
            type=WORDS[one.kind],
            description=f"{one.description}.",
            unit=None if one.unit == "1" else one.unit,
        )
        for one in dataset.fields
        if one.name != dataset.geometry
    ]


def _layer_type(feature: Any, where: Any, of: Callable[[Dataset], FeatureType]) -> Any:  # noqa: ANN401 - derived types
    async def features(root: strawberry.Parent[Any], info: Info, **given: Any) -> Any:  # noqa: ANN401 - typed below
        dataset: Dataset = root["dataset"]
        order = read_property_order(dataset, given.get("order_by"))
        return await read_page(info.context, info._raw_info, of(dataset), given, order)  # noqa: SLF001 - Strawberry keeps graphql-core's own there

    async def geometry_type(root: strawberry.Parent[Any], info: Info) -> Any:  # noqa: ANN401 - a text
        dataset: Dataset = root["dataset"]
        published: Published = (await info.context.snapshot())[dataset.id]
        return await info.context.run(info.context.store.geometry_type, dataset, published.version)

    arguments = {
        "filter": argument(maybe(many(PropertyFilter)), "Conditions on the properties; all must hold."),
        "where": argument(maybe(where), "A condition on the place."),
        "order_by": argument(
            maybe(many(PropertyOrder)), "What to order by; features equal in all of it are ordered by their key."
        ),
        **PAGING,
    }
    connection = connection_type("Feature", feature, "features", {"aggregate": feature_aggregate()})
    fields: dict[str, StrawberryField] = {
        name: resolved(_about(name), kind, about) for name, (kind, about) in ABOUT.items()
    }
    fields["schema"] = resolved(_schema, many(LayerProperty), "The properties of its features, with their types.")
    fields["geometry_type"] = resolved(
        geometry_type,
        str | None,
        "What its features are: Point, LineString, Polygon, a Multi- of these, or Geometry when they differ; null when it is empty.",
    )
    fields["features"] = resolved(features, maybe(connection), "Its features.", arguments=arguments)
    return object_type("Layer", "A collection with places, as map servers know it.", fields)


ABOUT: Mapping[str, tuple[Any, str]] = {
    "id": (strawberry.ID, "Its id: that of its data set."),
    "title": (str, "What people call it."),
    "description": (str, "What one feature of it is."),
    "source": (str, "The source it belongs to, by id."),
    "licence": (LicenceInfo, "Terms of use."),
    "record_count": (int, "How many features it holds."),
    "fetched_at": (datetime | None, "When its server was last asked and answered well."),
    "stale": (bool, "Whether it has not been confirmed for twice its refresh interval."),
    "last_error": (str | None, "Why the last refresh failed; null when it went well."),
}


def _about(name: str) -> Callable[..., Any]:
    def read(root: strawberry.Parent[Any]) -> Any:  # noqa: ANN401 - a figure or a text
        return getattr(root["about"], name)

    return read
