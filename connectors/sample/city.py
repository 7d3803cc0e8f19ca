"""The invented city every sample shares: districts, streets and addresses, the same each time.

The districts tile the city without gap or overlap, vertex by vertex, 261.9 km² in EPSG:2177. Everything given out is in
EPSG:4326, longitude first, rounded to a centimetre; every street and address lies strictly inside its district.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import hypot

import numpy as np
import shapely

from broker.geometry import METRIC, WGS84, metric, transform
from connectors.sample.gazetteer import DISTRICTS, OUTLINE, POSTCODES, WARTA_LON

__all__ = ["Address", "District", "Street", "addresses", "districts", "rng", "streets"]

AREA = 261.9e6  # m²
GRID = 0.01  # m
SETBACK = 12.0  # m from the middle of the street to a house
PLOT = 32.0  # m of street to a house on either side
FORMS = ("ul. ", "al. ", "os. ", "pl. ", "rynek ", "rondo ", "Stary Rynek", "Ostrów Tumski")


@dataclass(frozen=True, slots=True)
class District:
    """A district of the city: its name, its polygon in EPSG:4326, its area in km² (EPSG:2177)."""

    name: str
    polygon: shapely.Polygon
    area_km2: float


@dataclass(frozen=True, slots=True)
class Street:
    """A street: its full name, its middle line in EPSG:4326, the district it lies in."""

    name: str
    line: shapely.LineString
    district: str


@dataclass(frozen=True, slots=True)
class Address:
    """A house: street, number, postcode, place in degrees (EPSG:4326), district."""

    street: str
    number: str
    postcode: str
    lon: float
    lat: float
    district: str


def rng(name: str) -> random.Random:
    """A generator seeded by a name: the same numbers in every run, others for another name."""
    return random.Random(f"Poznań {name}")


@lru_cache(maxsize=1)
def districts() -> tuple[District, ...]:
    """The 42 districts in the order of the Polish list."""
    shapes = _tiles()
    in_degrees = shapely.transform(transform(list(shapes.values()), METRIC, WGS84), lambda points: np.round(points, 7))
    sizes = shapely.area(metric(in_degrees)) / 1e6
    return tuple(
        District(name, polygon, round(float(size), 4))
        for name, polygon, size in zip(shapes, in_degrees, sizes, strict=True)
    )


@lru_cache(maxsize=1)
def streets() -> tuple[Street, ...]:
    """The streets, district by district."""
    drawn = _streets()
    lines = shapely.transform(
        transform([line for _, _, line in drawn], METRIC, WGS84), lambda points: np.round(points, 7)
    )
    return tuple(Street(name, line, district) for (name, district, _), line in zip(drawn, lines, strict=True))


@lru_cache(maxsize=1)
def addresses() -> tuple[Address, ...]:
    """The addresses, street by street, odd numbers on one side and even ones on the other."""
    numbers, places = [], []
    for order, (name, district, line) in enumerate(_streets()):
        west = DISTRICTS[district][0] < WARTA_LON
        postcode = POSTCODES.get(name) or f"{60 if west else 61}-{101 + order * 3:03d}"
        for number, point in _houses(name, line):
            numbers.append((name, number, postcode, district))
            places.append(point)
    degrees = shapely.get_coordinates(transform(shapely.points(places), METRIC, WGS84))
    return tuple(
        Address(street, number, postcode, lon, lat, district)
        for (street, number, postcode, district), (lon, lat) in zip(numbers, np.round(degrees, 7).tolist(), strict=True)
    )


@lru_cache(maxsize=1)
def _tiles() -> dict[str, shapely.Polygon]:
    """The districts in metres: cells around their middles, cut at the city's border, their edges made to wander."""
    middles = metric(shapely.points([(lon, lat) for lon, lat, _ in DISTRICTS.values()]))
    outline = metric(shapely.Polygon(OUTLINE))
    factor = (AREA / outline.area) ** 0.5
    outline = shapely.affinity.scale(outline, factor, factor)
    cells = shapely.voronoi_polygons(shapely.multipoints(middles), extend_to=outline, only_edges=True)
    inside = shapely.intersection(cells, outline, grid_size=GRID)
    edges = shapely.union_all([inside, outline.boundary], grid_size=GRID).geoms
    border = outline.boundary.buffer(1.0)
    shapely.prepare(border)
    wander = rng("edges")
    network = [edge if border.covers(edge) else _wandering(edge, wander) for edge in edges]
    faces = shapely.get_parts(shapely.polygonize(network))
    # A face belongs to the middle nearest to a point inside it: where the border bends inwards, a cell may fall in parts.
    nearest = shapely.STRtree(middles).nearest(shapely.point_on_surface(faces))
    return {
        name: shapely.coverage_union_all(faces[nearest == order]).normalize() for order, name in enumerate(DISTRICTS)
    }


def _wandering(edge: shapely.LineString, wander: random.Random) -> shapely.LineString:
    """The edge between its two ends with bends in between, so that no district looks ruled."""
    (x0, y0), (x1, y1) = edge.coords[0], edge.coords[-1]
    bends = max(1, int(edge.length // 250))
    points = [(x0, y0)]
    for bend in range(1, bends + 1):
        along = bend / (bends + 1)
        aside = wander.uniform(-0.06, 0.06) * min(edge.length, 900.0) / edge.length
        points.append((x0 + along * (x1 - x0) - aside * (y1 - y0), y0 + along * (y1 - y0) + aside * (x1 - x0)))
    return shapely.LineString([*points, (x1, y1)])


@lru_cache(maxsize=1)
def _streets() -> list[tuple[str, str, shapely.LineString]]:
    """Name, district and line in metres; a line with room for the houses on both sides."""
    pick, drawn = rng("streets"), []
    for district, tile in _tiles().items():
        room = tile.buffer(-4 * SETBACK)
        shapely.prepare(room)
        west, south, east, north = room.bounds
        reach = min(900.0, 0.55 * min(east - west, north - south))
        for bare in DISTRICTS[district][2].split(", "):
            name = bare if bare.startswith(FORMS) else f"ul. {bare}"
            while True:
                x, y = pick.uniform(west, east), pick.uniform(south, north)
                dx, dy = pick.uniform(-1, 1), pick.uniform(-1, 1)
                length = reach * pick.uniform(0.6, 1.0) / hypot(dx, dy)
                bend = pick.uniform(-0.08, 0.08)
                middle = (x + length * (dx / 2 - bend * dy), y + length * (dy / 2 + bend * dx))
                line = shapely.LineString([(x, y), middle, (x + length * dx, y + length * dy)])
                if room.contains(line):
                    break
            drawn.append((name, district, line))
    return drawn


def _houses(name: str, line: shapely.LineString) -> Iterator[tuple[str, tuple[float, float]]]:
    """House numbers and places in metres along a street; every ninth plot was divided and has a letter."""
    corners = list(line.coords)
    pick, step, number = rng(name), 0, 0
    for (x0, y0), (x1, y1) in pairwise(corners):
        length = hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        for plot in range(int(length // PLOT)):
            along = PLOT * plot + pick.uniform(8.0, 16.0)
            for side in (1, -1):
                step, number = step + 1, number + 1
                place = (x0 + along * ux - side * SETBACK * uy, y0 + along * uy + side * SETBACK * ux)
                yield str(number), place
                if step % 9 == 0:
                    yield f"{number}a", (place[0] + 5.0 * ux, place[1] + 5.0 * uy)
