"""Sample of SIP: a small WFS of an invented Poznań, in both versions and in every form the real one speaks.

Its manners are kept: a silent cap on the features of a page, an exception report with status 200 for an unknown layer, the
northing first in GML of the URN form of EPSG:2177 and the easting first in GeoJSON, owners in the cadastre unless properties are chosen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import orjson
import shapely

from broker.geometry import METRIC, WGS84, metric, transform
from broker.upstream import Request
from connectors.sample import city

__all__ = ["Features", "answer"]

CAP = 1000
NAMESPACES = (
    'xmlns:wfs="{wfs}" xmlns:gml="{gml}" xmlns:sip_wfs="http://sip_wfs" xmlns:egib="http://egib" '
    'xmlns:akustyka="http://akustyka" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
SPACES = {
    "1.1.0": NAMESPACES.format(wfs="http://www.opengis.net/wfs", gml="http://www.opengis.net/gml"),
    "2.0.0": NAMESPACES.format(wfs="http://www.opengis.net/wfs/2.0", gml="http://www.opengis.net/gml/3.2"),
}


@dataclass(frozen=True, slots=True)
class Features:
    """A feature type: the name of its geometry, a property mapping and a shape in EPSG:2177 (easting first) a feature."""

    column: str
    properties: Sequence[Mapping[str, Any]]
    shapes: Any


def answer(request: Request) -> bytes:
    """The body for a GetFeature request; raises `LookupError` for a path that is no service."""
    if not request.url.endswith("/wfs"):
        raise LookupError("no such service")
    asked = {key.lower(): value for key, value in request.params.items()}
    version = asked.get("version", "2.0.0")
    wanted = asked.get("typenames") or asked.get("typename", "")
    if wanted not in LAYERS or version not in SPACES:
        return _report(f"Feature type {wanted} unknown" if version in SPACES else f"Version {version} unknown")
    start = int(asked.get("startindex", "0"))
    stop = start + min(CAP, int(asked.get("count") or asked.get("maxfeatures") or CAP))
    features = LAYERS[wanted]()
    chosen = frozenset(asked["propertyname"].split(",")) if "propertyname" in asked else None
    part = Features(
        features.column,
        [{k: v for k, v in one.items() if chosen is None or k in chosen} for one in features.properties[start:stop]],
        features.shapes[start:stop],
    )
    ids = [f"{wanted.partition(':')[2]}.{number}" for number in range(start + 1, start + 1 + len(part.properties))]
    crs = WGS84 if asked.get("srsname", "").endswith("4326") else METRIC
    form = asked.get("outputformat", "")
    if "json" in form:
        return _geojson(part, ids, crs, len(features.properties))
    return _gml(part, ids, wanted, version, "urn" in asked.get("srsname", ""), len(features.properties))


def _report(text: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">'
        f'<ows:Exception exceptionCode="InvalidParameterValue" locator="typeName"><ows:ExceptionText>{escape(text)}'
        "</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
    ).encode()


def _geojson(part: Features, ids: Sequence[str], crs: int, total: int) -> bytes:
    shapes = part.shapes
    if crs != METRIC and len(shapes):
        shapes = shapely.transform(transform(shapes, METRIC, crs), lambda points: np.round(points, 7))
    members = ",".join(
        f'{{"type":"Feature","id":"{own}","geometry":{shape},"geometry_name":"{part.column}",'
        f'"properties":{orjson.dumps(properties).decode()}}}'
        for own, shape, properties in zip(ids, shapely.to_geojson(shapes), part.properties, strict=True)
    )
    return (
        f'{{"type":"FeatureCollection","features":[{members}],"totalFeatures":{total},"numberMatched":{total},'
        f'"numberReturned":{len(ids)},"crs":{{"type":"name","properties":{{"name":"urn:ogc:def:crs:EPSG::{crs}"}}}}}}'
    ).encode()


def _gml(part: Features, ids: Sequence[str], layer: str, version: str, northing: bool, total: int) -> bytes:  # noqa: FBT001 - which axis comes first
    stated = "urn:ogc:def:crs:EPSG::2177" if northing else "http://www.opengis.net/gml/srs/epsg.xml#2177"
    workspace = layer.partition(":")[0]
    members = [
        f'<{layer} gml:id="{own}">'
        + "".join(f"<{workspace}:{key}>{escape(str(value))}</{workspace}:{key}>" for key, value in properties.items())
        + f"<{workspace}:{part.column}>{_surface(shape, stated, northing)}</{workspace}:{part.column}></{layer}>"
        for own, shape, properties in zip(ids, part.shapes, part.properties, strict=True)
    ]
    if version == "1.1.0":
        count, inside = f'numberOfFeatures="{len(ids)}"', f"<gml:featureMembers>{''.join(members)}</gml:featureMembers>"
    else:
        count = f'numberMatched="{total}" numberReturned="{len(ids)}"'
        inside = "".join(f"<wfs:member>{one}</wfs:member>" for one in members)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<wfs:FeatureCollection {SPACES[version]} {count}>{inside}</wfs:FeatureCollection>".encode()


def _surface(shape: Any, stated: str, northing: bool) -> str:  # noqa: ANN401, FBT001 - a shapely polygon; which axis comes first
    polygons = "".join(
        f"<gml:surfaceMember><gml:Polygon>{_ring('exterior', one.exterior, northing)}"
        f"{''.join(_ring('interior', hole, northing) for hole in one.interiors)}</gml:Polygon></gml:surfaceMember>"
        for one in shapely.get_parts(shape)
    )
    return f'<gml:MultiSurface srsName="{stated}" srsDimension="2">{polygons}</gml:MultiSurface>'


def _ring(place: str, ring: Any, northing: bool) -> str:  # noqa: ANN401, FBT001 - as above
    points = shapely.get_coordinates(ring)
    numbers = " ".join(map(str, (points[:, ::-1] if northing else points).round(2).ravel().tolist()))
    return f"<gml:{place}><gml:LinearRing><gml:posList>{numbers}</gml:posList></gml:LinearRing></gml:{place}>"


def _rounded(shapes: Any) -> Any:  # noqa: ANN401 - an array of shapes
    return shapely.transform(np.asarray(shapes, dtype=object), lambda points: np.round(points, 2))


@lru_cache(maxsize=1)
def _addresses() -> Features:
    found = city.addresses()
    points = metric(shapely.points([(one.lon, one.lat) for one in found]))
    properties = [{"ULICA": one.street, "NUMER": one.number, "KOD": one.postcode} for one in found]
    return Features("geom", properties, _rounded(points))


NOISE = {"dr": (48, 55.0), "tr": (6, 22.0), "ko": (3, 90.0), "prz": (4, 120.0), "lo": (1, 900.0)}
"""By cause: how many sources of noise there are, and how far in metres the loudest band reaches."""
LEVELS = (75, 70, 65, 60, 55)


def _noise(cause: str) -> Callable[[], Features]:
    @lru_cache(maxsize=1)
    def made() -> Features:
        count, reach = NOISE[cause]
        lines = city.streets()
        chosen = [lines[(number * 37 + len(cause) * 11) % len(lines)].line for number in range(count)]
        middles = metric(np.array(chosen, dtype=object))
        wide = [shapely.buffer(middles, reach * 1.7**step, quad_segs=4) for step in range(len(LEVELS))]
        bands = [wide[0], *(shapely.difference(outer, inner) for inner, outer in pairwise(wide))]
        properties = [{"LDWN": level} for level in LEVELS for _ in range(count)]
        return Features("the_geom", properties, _rounded(np.concatenate(bands)))

    return made


@lru_cache(maxsize=1)
def _parcels() -> Features:
    """Plots around every eighth house; each has an owner, whom the reader must not keep."""
    precincts = {one.name: number for number, one in enumerate(city.districts(), 1)}
    houses = city.addresses()[::8]
    places = shapely.get_coordinates(metric(shapely.points([(one.lon, one.lat) for one in houses])))
    half = np.array([city.rng("sip.parcels").uniform(6.0, 10.5) for _ in houses])
    x, y = places.T
    shapes = _rounded(shapely.box(x - half, y - half * 1.1, x + half, y + half * 1.1))
    numbers: dict[int, int] = {}
    properties = []
    for house, size in zip(houses, shapely.area(shapes).tolist(), strict=True):
        precinct = precincts[house.district]
        numbers[precinct] = order = numbers.get(precinct, 0) + 1
        number = f"{order}/{1 + order % 3}" if order % 4 == 0 else str(order)
        properties.append(
            {
                "OZN_DZ": f"306401_1.{precinct:04d}.AR_{1 + order // 20:02d}.{number}",
                "NRD": number,
                "POW_EWD": round(size),
                "WLASC": "WŁAŚCICIEL ZMYŚLONY",
                "WLAD": "WŁADAJĄCY ZMYŚLONY",
            }
        )
    return Features("GEOM", properties, shapes)


USES = (
    ("MW", "tereny zabudowy mieszkaniowej wielorodzinnej"),
    ("MN", "tereny zabudowy mieszkaniowej jednorodzinnej"),
    ("U", "tereny zabudowy usługowej"),
    ("ZP", "tereny zieleni urządzonej"),
    ("US", "tereny sportu i rekreacji"),
    ("KD-Z", "tereny dróg publicznych, klasa zbiorcza"),
)


@lru_cache(maxsize=1)
def _land_use() -> Features:
    """Squares of a grid that hold houses, cut at the border of their district."""
    cell, tiles = 400.0, {one.name: one.polygon for one in city.districts()}
    houses = city.addresses()[::7]
    places = shapely.get_coordinates(metric(shapely.points([(one.lon, one.lat) for one in houses])))
    squares = {tuple(at): house.district for at, house in zip((places // cell).tolist(), houses, strict=True)}
    ordered = sorted(squares.items())
    taken = [ordered[number * len(ordered) // 300] for number in range(300)]
    west, south = np.array([at for at, _ in taken]).T * cell
    borders = metric(np.array([tiles[district] for _, district in taken], dtype=object))
    shapes = shapely.intersection(shapely.box(west, south, west + cell, south + cell), borders)
    return Features("geom", list(_uses([district for _, district in taken])), _rounded(shapes))


def _uses(districts: Sequence[str]) -> Iterator[dict[str, str]]:
    for number, district in enumerate(districts, 1):
        symbol, words = USES[number % len(USES)]
        yield {"SYMBOL": f"{number % 9 + 1}{symbol}", "FUNKCJA": words, "PLAN": f"{district}, część {number % 3 + 1}"}


LAYERS: dict[str, Callable[[], Features]] = {
    "sip_wfs:punkty_adresowe_sql_wfs": _addresses,
    "sip_wfs:mpzp_funkcje_pow_g_sql_wfs": _land_use,
    "egib:dzialki_ewidencyjne": _parcels,
    **{f"akustyka:v_v17_{cause}_imisja_ldwn_sql": _noise(cause) for cause in NOISE},
}
