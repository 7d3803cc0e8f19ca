"""Shapes of what every record with a place has: its shape, measures, distances, and how its place was found."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely
from orjson import Fragment

from broker.errors import BadArgument
from broker.execution.plan import Selected
from broker.execution.shape import Batch, NotShaped, Shape
from broker.geometry import WGS84, epsg, geojson_text, metric
from broker.model import Dataset
from broker.query import AREA, GEOCODING, GEOJSON, LENGTH
from resolvers.shapes.fields import Maker, as_it_is, plan, taken
from resolvers.spatial import DEGREE, MAX_SIMPLIFY, METRE, GeocodingMethod, rounded, share
from resolvers.where import degrees

__all__ = ["geocoding", "place_makers"]


def place_makers(dataset: Dataset) -> dict[str, Maker]:
    """The makers of a place's fields, but for those that lead to other records."""
    shape = str(dataset.geometry)
    return {
        "geometry": lambda one: _geometry(shape, one),
        "location": _location,
        "area": lambda _: _rounded(AREA, METRE),
        "length": lambda _: _rounded(LENGTH, METRE),
        "distance": lambda one: _distance(shape, one),
        "intersection": _intersection,
    }


def _geometry(shape: str, selected: Selected) -> Shape:
    crs, simplify = selected.arguments["crs"], selected.arguments["simplify"]
    if crs is None or simplify is None or not 0 <= simplify <= MAX_SIMPLIFY:
        raise NotShaped("simplify")
    try:
        code = epsg(crs)
    except BadArgument as error:
        raise NotShaped(str(error)) from error
    if code == WGS84 and simplify == 0:
        return taken(GEOJSON)

    def values(batch: Batch) -> list[Any]:
        return [None if one is None else Fragment(geojson_text(one, code, simplify)) for one in batch[shape]]

    return Shape(frozenset({shape}), values)


def _location(selected: Selected) -> Shape:
    inner = plan(
        selected.below(), {"lon": lambda _: _rounded("_lon", DEGREE), "lat": lambda _: _rounded("_lat", DEGREE)}
    )
    return _or_null(inner.columns | {"_lon"}, inner.records, "_lon")


def _or_null(columns: frozenset[str], values: Callable[[Batch], Sequence[Any]], column: str) -> Shape:
    """The values, null where a column is null."""

    def present(batch: Batch) -> list[Any]:
        return [None if one is None else value for one, value in zip(batch[column], values(batch), strict=True)]

    return Shape(columns, present)


def _rounded(column: str, parts: int) -> Shape:
    return Shape(
        frozenset({column}),
        lambda batch: [None if one is None else rounded(one, parts) for one in batch[column]],
    )


def _distance(shape: str, selected: Selected) -> Shape:
    to = selected.arguments.get("to")
    if to is None:
        return Shape(frozenset(), _apart, frozenset({"distance"}))
    try:
        point = metric(shapely.Point(*degrees("to", to["lon"], to["lat"])))
    except BadArgument as error:
        raise NotShaped(str(error)) from error

    def values(batch: Batch) -> list[float | None]:
        there = shapely.from_wkb(np.array(batch[shape], dtype=object))
        apart = shapely.distance(metric(there), point).tolist()
        return [None if one is None else rounded(far, METRE) for one, far in zip(batch[shape], apart, strict=True)]

    return Shape(frozenset({shape}), values)


def _apart(batch: Batch) -> list[float | None]:
    if "distance" not in batch.beside:
        raise NotShaped("distance without `to`, and not below `related`")
    return [None if one is None else rounded(one, METRE) for one in batch.beside["distance"]]


def _intersection(selected: Selected) -> Shape:
    names = [(one.key, one.name) for one in selected.below()]
    kind = selected.below()[0].parent.name if names else ""

    def common(shared: float | None, area: float | None) -> dict[str, Any] | None:
        found = share(shared, area)
        if found is None:
            return None
        return {key: kind if name == "__typename" else getattr(found, name) for key, name in names}

    def values(batch: Batch) -> list[Any]:
        if "shared" not in batch.beside:
            return [None] * batch.size
        pairs = zip(batch.beside["shared"], batch.beside["area"], strict=True)
        return [common(shared, area) for shared, area in pairs]

    return Shape(frozenset(), values, frozenset({"shared"}))


METHODS = {one.value: one.name for one in GeocodingMethod}


def geocoding(selected: Selected) -> Shape:
    """How a place was found by an address, or why it was not."""
    column = {"confidence": "confidence", "matchedAddress": "address", "reason": "reason"}
    makers: dict[str, Maker] = {name: as_it_is(f"{GEOCODING}_{own}") for name, own in column.items()}
    method, reason = f"{GEOCODING}_method", f"{GEOCODING}_reason"
    makers["method"] = lambda _: Shape(
        frozenset({method}), lambda batch: [None if one is None else METHODS[one] for one in batch[method]]
    )
    inner = plan(selected.below(), makers)

    def values(batch: Batch) -> list[Any]:
        found = zip(batch[method], batch[reason], inner.records(batch), strict=True)
        return [None if how is None and why is None else value for how, why, value in found]

    return Shape(inner.columns | {method, reason}, values)
