"""Shapes of a layer's features: what every located record has, and its properties as one object."""

from broker.execution.plan import Selected
from broker.execution.shape import Batch, Shape
from broker.model import Dataset, Geometry
from resolvers.properties import property_name
from resolvers.shapes.fields import Maker, field_makers
from resolvers.shapes.places import place_makers

__all__ = ["feature_makers"]


def feature_makers(dataset: Dataset) -> dict[str, Maker]:
    """The makers of a feature's fields, but for those that lead to other records."""
    own = field_makers(dataset)
    properties = _properties(dataset)
    common: dict[str, Maker] = {"id": own["id"], "provenance": own["provenance"], **place_makers(dataset)}

    def make(_selected: Selected) -> Shape:
        return properties

    return {**common, "properties": make}


def _properties(dataset: Dataset) -> Shape:
    fields = [one for one in dataset.fields if one.kind is not Geometry]
    names, keys = [one.name for one in fields], [property_name(dataset, one) for one in fields]

    def values(batch: Batch) -> list[dict[str, object]]:
        return [dict(zip(keys, row, strict=True)) for row in zip(*(batch[name] for name in names), strict=True)]

    return Shape(frozenset(names), values)
