"""Feature types of a WFS, version 2.0.0 or 1.1.0, as GeoJSON or GML: read page by page to the true end.

Servers cap a page without telling and count wrongly, so neither a short page nor a stated number is the end: an empty page is,
or one that brings nothing new. A row is the feature's properties with these names added: ``id`` (the feature's own),
``geometry`` (shapely, EPSG:4326, longitude first; `Unplaced` when it cannot be read; None when there is none),
``asked.layer``, and `REPAIRED` when the axes did not come in the order that the name of the system means. Which order they came
in is found out from the city's extent; which one a name means, `connectors.protocols.gml.means_north_first` says. GeoJSON has one order,
east before north, whatever system it states (RFC 7946, section 4).

    geometry: Geometry = field("Its area", read=required_place)
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import orjson
import shapely

from broker.errors import RowError, Suspicious, Unreadable
from broker.geometry import WGS84, Geometry, east_first, from_geojson
from broker.model import REPAIRED, Row
from broker.upstream import Page, Upstream
from connectors.protocols import gml
from connectors.protocols.geojson import features as geojson_features
from connectors.protocols.xml import Element, children, name, parse

__all__ = [
    "GEOJSON",
    "GML2",
    "GML31",
    "GML32",
    "Layer",
    "Layers",
    "Unplaced",
    "place",
    "required_place",
    "whole_number",
]

GEOJSON = "application/json"
GML2 = "GML2"
GML31 = "text/xml; subtype=gml/3.1.1"
GML32 = "application/gml+xml; version=3.2"

LONGEST = 18  # digits of a number that anybody could have counted to
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True, slots=True, repr=False)
class Unplaced:
    """Stands for a geometry that cannot be read, so that it rejects its own row and no other."""

    reason: str

    def __repr__(self) -> str:
        return "unreadable"  # the reason stands beside it in the row's rejection


def place(value: object) -> Geometry | None:
    """Read a row's ``geometry``; none when there is none. Raises `RowError` with what is wrong with it."""
    if isinstance(value, Unplaced):
        raise RowError(value.reason)
    return value


def required_place(value: object) -> Geometry:
    """As `place`, for a record that makes no sense without one. Raises `RowError`."""
    if (found := place(value)) is None:
        raise RowError("the geometry is missing")
    return found


@dataclass(frozen=True, slots=True)
class Layer:
    """Reads one feature type.

    Args:
        path: of the service, relative to the source's base URL.
        type_name: the feature type with its workspace.
        version: of WFS.
        format: of the answer: `GEOJSON`, `GML2`, `GML31` or `GML32`.
        srs: the coordinate system asked for, in the form the server is to read; its own when empty.
        properties: those asked for, the geometry's name among them; all when empty.
        withhold: properties that never leave this reader, whatever the server sends; case does not matter.
        sort: the property the server is to sort by, for feature types without a primary key.
        page_size: features asked for at once.
        most_pages: the bound on pages; a source that goes beyond it never ends.
        id_as: the name for the feature's own id, where properties may have any name.
    """

    path: str
    type_name: str
    version: Literal["2.0.0", "1.1.0"] = "2.0.0"
    format: str = GEOJSON
    srs: str = ""
    properties: tuple[str, ...] = ()
    withhold: frozenset[str] = frozenset()
    sort: str = ""
    page_size: int = 5000
    most_pages: int = 1000
    id_as: str = "id"

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for page after page until one brings nothing new.

        Raises `Suspicious` when there are more pages than can be, and when the source stops before the number it states: what
        was read would be a part that looks like the whole.
        """
        seen: set[int] = set()
        received, stated = 0, 0
        for number in count():
            if number == self.most_pages:
                raise Suspicious(f"{self.type_name}: still no end after {number} pages and {received} features")
            asked = {"layer": self.type_name, "srs": self.srs}
            page = await upstream.get(self.path, self._query(received), asked=asked)
            found, stated_now = await asyncio.to_thread(_contents, page)
            stated = max(stated, stated_now) if number else stated_now
            fresh = set(found) - seen
            if not fresh and number:
                break
            yield page  # the first one also when it is empty: the refresh decides what that means
            seen |= fresh
            received += len(found)
            if not fresh:
                break
        if received < stated:
            raise Suspicious(
                f"{self.type_name}: the source states {stated} features but gives {received}; "
                "its pages end early, or it does not turn them"
            )

    def rows(self, page: Page) -> Iterator[Row]:
        """The page's features as rows (see the module); raises `Unreadable` when it holds no feature collection."""
        hidden = {one.casefold() for one in self.withhold}
        found = list(_features(page, self.id_as))
        for (own, properties, _), (placed, done) in zip(found, _placed(found), strict=True):
            kept = {key: value for key, value in properties.items() if key.casefold() not in hidden}
            row = {**kept, self.id_as: own, "geometry": placed, "asked.layer": self.type_name}
            yield {**row, REPAIRED: done} if done else row

    def _query(self, start: int) -> dict[str, str]:
        newer = self.version == "2.0.0"
        query = {
            "service": "WFS",
            "version": self.version,
            "request": "GetFeature",
            "typeNames" if newer else "typeName": self.type_name,
            "outputFormat": self.format,
            "count" if newer else "maxFeatures": str(self.page_size),
        }
        if start:  # WFS 1.1.0 does not know it; most servers do, and the others send the first page again
            query["startIndex"] = str(start)
        optional = {"srsName": self.srs, "propertyName": ",".join(self.properties), "sortBy": self.sort}
        return query | {key: value for key, value in optional.items() if value}


@dataclass(frozen=True, slots=True)
class Layers:
    """Reads several feature types one after another as one data set; the ``asked.layer`` of a row says which."""

    parts: tuple[Layer, ...]

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for every page of every part."""
        for part in self.parts:
            async for page in part.fetch(upstream):
                yield page

    def rows(self, page: Page) -> Iterator[Row]:
        """The page's features as rows of the part that asked for it."""
        asked = page.asked.get("layer", self.parts[0].type_name)
        for part in self.parts:
            if part.type_name == asked:
                return part.rows(page)
        raise Unreadable(f"{page.url or 'the answer'}: nobody here asks for {asked!r}")


Feature = tuple[str, Mapping[str, Any], tuple[object, str]]
"""The feature's own id, its properties, its geometry as it came and the coordinate system stated for it."""


def _features(page: Page, id_as: str) -> Iterator[Feature]:
    if page.body.lstrip()[:1] in (b"{", b"["):
        for row in geojson_features(page, id_as):
            properties = {key: value for key, value in row.items() if key != "crs" and not key.startswith("asked.")}
            yield row[id_as], properties, (row["geometry"], _geojson_crs(row, page))
        return
    root = parse(page)
    if name(root) != "FeatureCollection":
        raise Unreadable(f"{page.url or 'the answer'} is not a feature collection but a {name(root)} document")
    default = next((gml.stated_crs(one) for one in children(root, "boundedBy")), "") or page.asked.get("srs", "")
    for member in _members(root):
        yield _of_gml(member, default)


def _geojson_crs(row: Mapping[str, Any], page: Page) -> str:
    """What the envelope states. A server that states nothing means degrees, or what was asked when these are none."""
    stated, asked = int(row["crs"]), str(page.asked.get("srs", ""))
    if stated == WGS84 and asked and not _in_degrees(row["geometry"]):
        return asked
    return f"EPSG:{stated}"


def _in_degrees(geometry: object) -> bool:
    first = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
    while isinstance(first, list) and first and isinstance(first[0], list):
        first = first[0]
    return not (isinstance(first, list) and first and isinstance(first[0], int | float) and abs(first[0]) > 180)  # noqa: PLR2004 - longitudes end there


def _members(root: Element) -> Iterator[Element]:
    """The features: in ``member`` (WFS 2.0.0), ``featureMember`` or ``featureMembers`` (before)."""
    for holder in root.iterchildren("{*}member", "{*}featureMember", "{*}featureMembers"):
        yield from holder.iterchildren("{*}*")


def _of_gml(member: Element, default: str) -> Feature:
    own = next((str(value) for key, value in member.attrib.items() if key == "fid" or str(key).endswith("}id")), "")
    properties: dict[str, Any] = {}
    placed: tuple[object, str] = (None, "")
    for one in member.iterchildren("{*}*"):
        if name(one) == "boundedBy":
            continue
        inside = next(one.iterchildren("{*}*"), None)
        if inside is not None and gml.is_geometry(inside):
            if placed[0] is None:
                placed = inside, gml.stated_crs(inside) or default
        elif one.get(XSI_NIL) == "true":
            properties[name(one)] = None
        else:
            properties[name(one)] = "".join(map(str, one.itertext())).strip()
    return own, properties, placed


def _contents(page: Page) -> tuple[list[int], int]:
    """A print of each feature, and the number of features the source states, 0 when it states none.

    Feature ids are left out of the prints: for a view without a primary key a server makes new ones for every answer.
    """
    if page.body.lstrip()[:1] in (b"{", b"["):
        list(geojson_features(page))  # raises for what is no feature collection
        prints = [
            hash(orjson.dumps([one.get("properties"), one.get("geometry")], option=orjson.OPT_SORT_KEYS))
            for one in page.json["features"]
        ]
        return prints, whole_number(page.json.get("numberMatched") or page.json.get("totalFeatures"))
    root = parse(page)
    if name(root) != "FeatureCollection":
        raise Unreadable(f"{page.url or 'the answer'} is not a feature collection but a {name(root)} document")
    prints = [hash("\0".join(map(str, one.itertext()))) for one in _members(root)]
    return prints, whole_number(root.get("numberMatched"))


def whole_number(stated: object) -> int:
    """A stated number; ``unknown`` and the like are no number."""
    written = str(stated)
    return int(written) if written.isdecimal() and len(written) <= LONGEST else 0


def _placed(found: Sequence[Feature]) -> list[tuple[Geometry | Unplaced | None, str]]:
    """The places of a page's features in EPSG:4326, and what was wrong with the order of the axes; empty when nothing was."""
    answer: list[tuple[Geometry | Unplaced | None, str]] = [(None, "")] * len(found)
    by_crs: dict[tuple[int, str], list[tuple[int, Geometry]]] = {}
    for position, (_, _, (written, stated)) in enumerate(found):
        try:
            made = gml.geometry(written) if isinstance(written, Element) else _of_geojson(written)
            if made is not None:
                named = stated.strip() if isinstance(written, Element) else ""
                by_crs.setdefault((_required(gml.epsg(stated)), named), []).append((position, made))
        except RowError as error:
            answer[position] = Unplaced(_reason(error)), ""
    for (crs, stated), group in by_crs.items():
        for (position, _), (turned, swapped) in zip(group, _turned([made for _, made in group], crs), strict=True):
            answer[position] = turned, "" if isinstance(turned, Unplaced) else _contradiction(stated, swapped=swapped)
    return answer


def _contradiction(stated: str, *, swapped: bool) -> str:
    """What contradicts the name of a system, empty for GeoJSON, in the order its axes came in."""
    if swapped == gml.means_north_first(stated):
        return ""
    if swapped:
        return f"axes came north before east although {stated or 'GeoJSON'} means east first and were swapped"
    return f"axes came east before north although {stated} means north first"


def _turned(made: list[Geometry], crs: int) -> list[tuple[Geometry | Unplaced, bool]]:
    """Every geometry with the longitude first: all at once, and one by one when one of them leads elsewhere."""
    try:
        together, swapped = east_first(shapely.GeometryCollection(made), crs)
        return [(one, swapped) for one in shapely.get_parts(together)]
    except RowError:
        pass
    answer: list[tuple[Geometry | Unplaced, bool]] = []
    for one in made:
        try:
            answer.append(east_first(one, crs))
        except RowError as error:
            answer.append((Unplaced(_reason(error)), False))
    return answer


def _of_geojson(written: object) -> Geometry | None:
    if written is not None and not isinstance(written, Mapping):
        raise RowError(f"expected a GeoJSON geometry, got {type(written).__name__}")
    return from_geojson(written)


def _required(code: int | None) -> int:
    if code is None:
        raise RowError("no coordinate system is stated for it")
    return code


def _reason(error: RowError) -> str:
    return str(error).removeprefix("geometry: ")
