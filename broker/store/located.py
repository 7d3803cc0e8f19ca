"""Where a row lies: the columns that every located row has beside its geometry, worked out for many rows at once."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
import shapely
from sqlalchemy import Boolean, Float, Text

from broker.geometry import PLANE, Geometry, areas, geojson, lengths, metric
from broker.query import AREA, DISTRICT, GEOJSON, LENGTH, MENDED

__all__ = ["IN_METRES", "PLACE", "placed", "unplaceable"]

MEASURED: tuple[tuple[str, Any], ...] = tuple(
    (name, Float) for name in ("_west", "_south", "_east", "_north", "_lon", "_lat", "_x", "_y", AREA, LENGTH)
)
PLACE: tuple[tuple[str, Any], ...] = (
    *MEASURED,
    ("_point", Boolean),
    (GEOJSON, Text),
    (DISTRICT, Text),
    (MENDED, Text),
)
"""The columns: extent and point in degrees, point in metres, measures, whether it is a point, its GeoJSON in degrees, its district, what was repaired."""


IN_METRES = "_metric"
"""The key of the column of a record's shape in EPSG:2177, where the database has one."""


def unplaceable(geometries: Iterable[Geometry | None]) -> list[str | None]:
    """Why no store can place a geometry (degrees, longitude first), for each of them; None where each can."""
    shapes = np.array(list(geometries), dtype=object)
    west, south, east, north = shapely.bounds(shapes).T
    in_plane = (west >= PLANE.west) & (east <= PLANE.east) & (south >= PLANE.south) & (north <= PLANE.north)
    reasons: list[str | None] = [None] * len(shapes)
    for number in np.flatnonzero(~shapely.is_missing(shapes) & (~in_plane | shapely.has_z(shapes))).tolist():
        if shapely.is_empty(shapes[number]):
            reasons[number] = "the shape is empty"
        else:
            reasons[number] = (
                "the shape has heights" if in_plane[number] else "the shape lies too far off to be measured"
            )
    return reasons


def placed(geometries: Iterable[Geometry | None]) -> list[dict[str, Any]]:
    """The place columns but the district for each geometry: extent, location, metric point, area, length."""
    shapes = np.array(list(geometries), dtype=object)
    in_metres = metric(shapes)
    inside = shapely.point_on_surface(shapes)
    measured = [
        *shapely.bounds(shapes).T,
        shapely.get_x(inside),
        shapely.get_y(inside),
        *shapely.get_coordinates(_present(metric(inside))).T,
        areas(in_metres),
        lengths(in_metres),
    ]
    names = [name for name, _ in MEASURED]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*(one.tolist() for one in measured), strict=True)]
    for row, shape in zip(rows, shapes, strict=True):
        if shape is None:
            row.update(dict.fromkeys(names))
        row["_point"] = shape is not None and shape.geom_type == "Point"
        row[GEOJSON] = None if shape is None else orjson.dumps(geojson(shape)).decode()
        row[DISTRICT] = row[MENDED] = None
    return rows


def _present(points: Any) -> Any:  # noqa: ANN401 - an array of points, some None
    """Points with a stand-in for the absent, so that coordinates stay in step."""
    return np.where(shapely.is_missing(points), shapely.Point(0, 0), points)
