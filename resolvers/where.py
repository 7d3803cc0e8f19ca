"""`where`: conditions on a record's place, and on what any other collection has there."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Self

import shapely
import strawberry

from broker.catalog import Catalog
from broker.errors import BadArgument, NotFound, TooMuch
from broker.given import given_geometry, seem_swapped
from broker.model import Dataset
from broker.query import And, Bbox, Condition, InDistrict, Link, Near, Not, Or, Predicate, RelatedTo, Shape
from broker.text import fold, nearest
from resolvers.context import Context
from resolvers.derive import Member, input_type
from resolvers.filters import read_filter
from resolvers.node import decode_id
from resolvers.properties import PropertyFilter, layer_dataset, read_properties
from resolvers.scalars import GeoJSON

__all__ = [
    "DISTANCE",
    "PREDICATE",
    "BboxInput",
    "GeometryInput",
    "NearInput",
    "PredicateName",
    "degrees",
    "read_link",
    "read_where",
    "where_input",
]

MAX_DISTANCE = 50_000
MAX_NESTING = 12


@strawberry.enum(
    name="Predicate", description="How the selected record lies to another geometry (OGC Simple Features)."
)
class PredicateName(Enum):
    """The predicates, as the graph names them."""

    INTERSECTS = strawberry.enum_value(Predicate.INTERSECTS, description="They have at least a point in common.")
    WITHIN = strawberry.enum_value(
        Predicate.WITHIN, description="The record lies within the other, and not only on its edge."
    )
    CONTAINS = strawberry.enum_value(
        Predicate.CONTAINS, description="The other lies within the record, and not only on its edge."
    )
    DISJOINT = strawberry.enum_value(Predicate.DISJOINT, description="They have no point in common.")
    TOUCHES = strawberry.enum_value(Predicate.TOUCHES, description="They meet at their edges and nowhere else.")
    CROSSES = strawberry.enum_value(
        Predicate.CROSSES, description="They cross: a line goes through an area, or lines meet in points inside both."
    )
    OVERLAPS = strawberry.enum_value(
        Predicate.OVERLAPS,
        description="Both of one kind, they share a part of that kind, and each has a part of its own.",
    )


PREDICATE = "How the selected record lies to it."
DISTANCE = f"Metres between the nearest parts of both: at most so many, above 0 and at most {MAX_DISTANCE}."


@strawberry.input(description="A rectangle in WGS 84 (EPSG:4326), in degrees.")
class BboxInput:
    """A rectangle in degrees."""

    west: float = strawberry.field(description="Least longitude.")
    south: float = strawberry.field(description="Least latitude.")
    east: float = strawberry.field(description="Greatest longitude.")
    north: float = strawberry.field(description="Greatest latitude.")


@strawberry.input(description="The surroundings of a point.")
class NearInput:
    """A point in degrees and a distance in metres."""

    lon: float = strawberry.field(description="Longitude in degrees.")
    lat: float = strawberry.field(description="Latitude in degrees.")
    distance: float = strawberry.field(description=f"Metres around the point, above 0 and at most {MAX_DISTANCE}.")


@strawberry.input(description="A geometry of your own, as GeoJSON or as WKT, and how a record has to lie to it.")
class GeometryInput:
    """A geometry as text or GeoJSON, its coordinate system, and a predicate."""

    geojson: GeoJSON | None = strawberry.field(
        description="The geometry as a GeoJSON geometry object; give this or `wkt`.", default=strawberry.UNSET
    )
    wkt: str | None = strawberry.field(
        description="The geometry as well-known text; give this or `geojson`.", default=strawberry.UNSET
    )
    crs: str = strawberry.field(
        description="The coordinate system it is given in, by its EPSG code; east before north in every one.",
        default="EPSG:4326",
    )
    predicate: PredicateName = strawberry.field(description="How a record has to lie to it.")


def where_input(filters: Mapping[Dataset, Any]) -> Any:  # noqa: ANN401 - a class, used as an annotation
    """The input type ``Where``; the filters are those of the data sets whose records have a place."""
    related = {
        dataset.name: Member(_related_to(dataset, one), f"At least one of `{dataset.root}` that matches.")
        for dataset, one in filters.items()
    }
    layer = {
        "id": Member(strawberry.ID, "The layer's id, as `layers` shows it.", required=True),
        "filter": Member(list[PropertyFilter], "Which of its features count; all when it is left out."),
        "predicate": Member(PredicateName, f"{PREDICATE} This, `distance` or both."),
        "distance": Member(float, DISTANCE),
    }
    about = "Features of a layer that lie to a record in some way: by a predicate, within a distance, or both."
    related["layer"] = Member(
        input_type("LayerRelatedTo", about, layer), "At least one feature of this layer that matches."
    )
    related_to = input_type(
        "RelatedTo",
        "A collection of which at least one record that matches lies to a record in some way: exactly one of these.",
        related,
        one_of=True,
    )
    members = {
        "bbox": Member(BboxInput, "Whose geometry meets this rectangle."),
        "near": Member(NearInput, "Whose geometry comes within this distance of the point."),
        "geometry": Member(GeometryInput, "Whose geometry lies in this way to one of your own."),
        "in_district": Member(
            str, "Which lies in this district, given by its name (case and Polish marks are ignored) or id."
        ),
        "related_to": Member(related_to, "Which lies in this way to at least one record of another collection."),
        "and_": Member(list[Self], "All of these hold.", "and"),  # type: ignore[misc]  # stands for `Where`
        "or_": Member(list[Self], "At least one of these holds.", "or"),  # type: ignore[misc]
        "not_": Member(Self, "This does not hold.", "not"),
    }
    return input_type("Where", "A condition on a record's place: exactly one of these.", members, one_of=True)


def _related_to(dataset: Dataset, filter: Any) -> Any:  # noqa: ANN401 - derived types
    members = {
        "filter": Member(filter, "Which of them count; all when it is left out."),
        "predicate": Member(PredicateName, f"{PREDICATE} This, `distance` or both."),
        "distance": Member(float, DISTANCE),
    }
    about = f"Records of `{dataset.root}` that lie to a record in some way: by a predicate, within a distance, or both."
    return input_type(f"{dataset.type_name}RelatedTo", about, members)


async def read_where(context: Context, where: Any, nesting: int = 0) -> Condition:  # noqa: ANN401 - a `Where`
    """A `Where` as a condition. Raises `BadArgument` or `TooMuch`, naming what is wrong, and `Unavailable`."""
    if nesting > MAX_NESTING:
        raise TooMuch(f"where: nested more than {MAX_NESTING} deep")
    key, value = _given(where)
    match key:
        case "bbox":
            return _bbox(value)
        case "near":
            return Near(*degrees("where.near", value.lon, value.lat), _metres("where.near.distance", value.distance))
        case "geometry":
            return Shape(_geometry(context, value), value.predicate.value)
        case "in_district":
            return InDistrict(_district_key(context.catalog, await context.districts(), value))
        case "related_to":
            return await _relation(context, *_given(value))
    parts: Sequence[Any] = value if isinstance(value, list) else [value]
    read = tuple([await read_where(context, one, nesting + 1) for one in parts])
    if key == "not_":
        return Not(read[0])
    return And(read) if key == "and_" else Or(read)


def _given(one_of: Any) -> tuple[str, Any]:  # noqa: ANN401 - an input of which exactly one field is given
    names = [one.python_name for one in one_of.__strawberry_definition__.fields]
    return next((name, value) for name in names if (value := getattr(one_of, name)) is not strawberry.UNSET)


async def _relation(context: Context, name: str, value: Any) -> RelatedTo:  # noqa: ANN401 - a derived input
    if name == "layer":
        where, dataset = "where.relatedTo.layer", layer_dataset(context.catalog, value.id)
        filter = read_properties(dataset, value.filter) if value.filter else None
    else:
        dataset = context.catalog.by_name(name)
        where = f"where.relatedTo.{dataset.root}"
        filter = read_filter(dataset, value.filter) if value.filter else None
    link = read_link(where, value.predicate or None, value.distance)
    if link == Link():
        raise BadArgument(f"{where}: say how they lie to one another: give `predicate`, `distance` or both")
    published = await context.published(dataset)
    return RelatedTo(dataset, published.version, link, filter)


def read_link(where: str, predicate: Any, distance: Any) -> Link:  # noqa: ANN401 - as the graph gives them
    """What joins two records; neither is the empty link. Raises `BadArgument` for a distance beyond the city."""
    far = None if distance in (None, strawberry.UNSET) else _metres(f"{where}.distance", distance)
    return Link(predicate.value if predicate else None, far)


def _metres(where: str, distance: float) -> float:
    if not 0 < distance <= MAX_DISTANCE:
        raise BadArgument(f"{where}: {distance} is not above 0 and at most {MAX_DISTANCE} metres")
    return distance


def _geometry(context: Context, value: GeometryInput) -> Any:  # noqa: ANN401 - a shape in EPSG:4326
    """The client's geometry; what was repaired in it stands in the answer's extensions, once however often it is given."""
    geojson = None if value.geojson is strawberry.UNSET else value.geojson
    wkt = None if value.wkt is strawberry.UNSET else value.wkt
    try:
        shape, repair = given_geometry(geojson, wkt, value.crs)
    except (BadArgument, TooMuch) as error:
        raise type(error)(f"where.geometry: {error}") from error
    told = context.extensions.setdefault("repaired", []) if repair else []
    if repair and (note := f"where.geometry: {repair}") not in told:
        told.append(note)
    return shape


def _bbox(box: BboxInput) -> Bbox:
    west, south = _on_earth("where.bbox", box.west, box.south)
    east, north = _on_earth("where.bbox", box.east, box.north)
    if west > east or south > north:
        raise BadArgument(f"where.bbox: west {west} and south {south} must not be beyond east {east} and north {north}")
    if seem_swapped(shapely.box(west, south, east, north)):
        raise BadArgument(
            f"where.bbox: west {west}, south {south}, east {east}, north {north} is far from the city, but "
            f"west {south}, south {west}, east {north}, north {east} is not: the axes seem swapped"
        )
    return Bbox(west, south, east, north)


def degrees(where: str, lon: float, lat: float) -> tuple[float, float]:
    """The point, when it is one on earth whose axes do not seem swapped. Raises `BadArgument`."""
    point = _on_earth(where, lon, lat)
    if seem_swapped(shapely.Point(point)):
        raise BadArgument(
            f"{where}: lon {lon}, lat {lat} is far from the city, but lon {lat}, lat {lon} is not: the axes seem swapped"
        )
    return point


def _on_earth(where: str, lon: float, lat: float) -> tuple[float, float]:
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - the whole earth
        raise BadArgument(f"{where}: lon {lon}, lat {lat} is no place on earth in degrees (EPSG:4326)")
    return lon, lat


def _district_key(catalog: Catalog, districts: Mapping[Any, str], text: str) -> Any:  # noqa: ANN401 - a key
    wanted = fold(text.strip())
    for key, name in districts.items():
        if fold(name) == wanted:
            return key
    try:
        dataset, key = decode_id(catalog, text)
    except (BadArgument, NotFound):
        dataset = None
    if isinstance(dataset, Dataset) and dataset.partition:
        return key
    near = ", ".join(nearest(text, districts.values()))
    names = f"did you mean {near}?" if near else f"give a name such as {', '.join(sorted(districts.values())[:5])}"
    raise BadArgument(f"where.inDistrict: no district {text[:60]!r}; {names}, or a district's id")
