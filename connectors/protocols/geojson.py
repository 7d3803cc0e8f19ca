"""GeoJSON over GET, as city map servers send it: one page a request, one row a feature.

A row is the feature's properties with these names added: ``id`` (the feature's own, as text), ``geometry`` (the geometry
member as it came), ``crs`` (the EPSG code the envelope states), and what was asked, ``asked.<parameter>``. The geometry is
turned by the field that reads it, so that a bad one rejects its own row and no other:

    geometry: Geometry | None = field("Where it stands", of=("geometry", "crs"), read=shape)
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.errors import RowError, Unreadable
from broker.geometry import WGS84, Geometry, east_first, from_geojson
from broker.upstream import Page, Upstream

__all__ = ["FeatureCollection", "features", "shape"]


@dataclass(frozen=True, slots=True)
class FeatureCollection:
    """Reads feature collections: ``path`` once for each of ``queries``.

    Args:
        path: relative to the source's base URL.
        queries: the parameters of each request; a page each.
    """

    path: str
    queries: tuple[Mapping[str, str], ...]

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for every page in turn."""
        for query in self.queries:
            yield await upstream.get(self.path, query, asked=query)

    def rows(self, page: Page) -> Iterator[Mapping[str, Any]]:
        """The page's features as rows; raises `Unreadable` when it is no feature collection."""
        return features(page)


def features(page: Page, id_as: str = "id") -> Iterator[dict[str, Any]]:
    """The rows of a feature collection (see the module). Raises `Unreadable` that says what the page was instead.

    ``id_as`` is where the feature's own id goes, for features that may have a property called ``id`` too.
    """
    where = page.url or "the answer"
    document = page.json
    if not isinstance(document, Mapping):
        raise Unreadable(f"{where} is not a GeoJSON object but a JSON {type(document).__name__}")
    if document.get(
        "error_msg"
    ):  # how the city's map service says that it does not know what was asked, with status 200
        raise Unreadable(f"{where} answered with an error: {document['error_msg']}")
    members = document.get("features")
    if not isinstance(members, list):
        raise Unreadable(f"{where} is not a feature collection: it has no list of features")
    crs = _crs(document.get("crs"), where)
    asked = {f"asked.{name}": value for name, value in page.asked.items()}
    for position, member in enumerate(members, 1):
        if not isinstance(member, Mapping):
            raise Unreadable(f"{where}: feature {position} is not an object")
        properties = member.get("properties") or {}
        if not isinstance(properties, Mapping):
            raise Unreadable(f"{where}: the properties of feature {position} are not an object")
        own = member.get("id", properties.get("id"))
        yield {
            **properties,
            id_as: "" if own is None else str(own),
            "geometry": member.get("geometry"),
            "crs": crs,
            **asked,
        }


def shape(geometry: Mapping[str, Any] | None, crs: int = WGS84) -> Geometry | None:
    """A geometry member in ``crs`` as a shapely geometry in EPSG:4326, longitude first; none when it is missing.

    Raises `RowError` when it is no geometry, is broken, or lies away from the city. In EPSG:4326 RFC 7946 leaves no doubt of
    the axis order, so a latitude before the longitude is an error too; in other systems the order that leads to the city counts.
    """
    if geometry is not None and not isinstance(geometry, Mapping):
        raise RowError(f"expected a GeoJSON geometry, got {type(geometry).__name__}")
    made = from_geojson(geometry)
    if made is None:
        return None
    turned, swapped = east_first(made, crs)
    if swapped and crs == WGS84:
        raise RowError("the latitude stands before the longitude")
    return turned


def _crs(member: object, where: str) -> int:
    """The EPSG code of a ``crs`` member, in the forms seen: a code, a name, a URN; RFC 7946 has none and means 4326."""
    if member is None:
        return WGS84
    properties = member.get("properties") if isinstance(member, Mapping) else None
    if isinstance(properties, Mapping):
        stated = str(properties.get("code") or properties.get("name") or "")
        if stated.upper().endswith("CRS84"):
            return WGS84
        if found := re.search(r"(\d{4,6})$", stated):
            return int(found[1])
    raise Unreadable(f"{where}: its coordinate system is not understood: crs={str(member)[:80]}")
