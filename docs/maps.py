"""Draws the maps of `analysts.md` from the answers to the very queries that stand there.

A map is in metres of EPSG:2177, north up; the districts' outlines lie below what the query gave. Colours follow one scale from
low (yellow) to high (dark red), readable without telling red from green.
"""  # noqa: INP001 - a script beside the pages, no package

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import shapely

from broker.geometry import metric

__all__ = ["MAPS", "svg"]

WIDTH, MARGIN = 720, 16
SCALE = ("#ffffb2", "#fed976", "#feb24c", "#fd8d3c", "#f03b20", "#bd0026")
BLUE, GREY, LINE = "#2b6cb0", "#f2f2ee", "#b8b8b0"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A shape in degrees and how it is drawn: fill, outline, a point's radius in pixels, and what it is."""

    shape: Any
    fill: str
    stroke: str = "#555"
    radius: float = 4.0
    title: str = ""


Layers = tuple[list[Drawn], Sequence[tuple[str, str]]]
"""What is drawn, from below to above, and the legend: colour and meaning."""


def svg(name: str, data: dict[str, Any], districts: Sequence[Any]) -> str:
    """The map of a query as SVG, from its answer and the districts' shapes."""
    drawn, legend = MAPS[name](data)
    points = [one.shape for one in drawn if one.shape.geom_type == "Point"]  # around these, where there are any
    bounds = shapely.total_bounds(metric(points or [one.shape for one in drawn]))
    west, south, east, north = shapely.bounds(shapely.box(*bounds).buffer(max(300.0, (bounds[2] - bounds[0]) * 0.04)))
    scale = (WIDTH - 2 * MARGIN) / (east - west)
    height = round((north - south) * scale) + 2 * MARGIN
    frame = shapely.box(west, south, east, north)

    def place(points: Any) -> Any:  # noqa: ANN401 - an array of coordinates
        return (points - (west, north)) * (scale, -scale) + MARGIN

    base = [Drawn(one, GREY, LINE) for one in districts]
    parts = [part for one in (*base, *drawn) for part in _element(one, frame, place)]
    key = [
        f'<g transform="translate({MARGIN} {height + 6 + 18 * n})"><rect width="12" height="12" fill="{colour}" stroke="#555"/>'
        f'<text x="18" y="10">{escape(text)}</text></g>'
        for n, (colour, text) in enumerate(legend)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 18 * len(legend) + 12}" '
        'font-family="sans-serif" font-size="12">'
    )
    return "\n".join((head, '<rect width="100%" height="100%" fill="white"/>', *parts, *key, "</svg>")) + "\n"


def _element(one: Drawn, frame: Any, place: Callable[[Any], Any]) -> Iterator[str]:  # noqa: ANN401 - a shape
    title = f"<title>{escape(one.title)}</title>" if one.title else ""
    for part in shapely.get_parts(shapely.intersection(metric(one.shape), frame)):
        drawn = shapely.transform(part, place)
        if part.geom_type == "Point":
            yield f'<circle cx="{drawn.x:.1f}" cy="{drawn.y:.1f}" r="{one.radius}" fill="{one.fill}" stroke="{one.stroke}">{title}</circle>'
        elif part.geom_type == "LineString":
            yield f'<path d="{_path(drawn)}" fill="none" stroke="{one.stroke}">{title}</path>'
        elif part.geom_type == "Polygon":
            rings = " ".join(f"{_path(ring)}Z" for ring in (drawn.exterior, *drawn.interiors))
            yield f'<path d="{rings}" fill="{one.fill}" fill-rule="evenodd" stroke="{one.stroke}" stroke-width="0.7">{title}</path>'


def _path(line: Any) -> str:  # noqa: ANN401 - a line
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(line))


def _colour(value: float, least: float, most: float) -> str:
    share = 0.0 if most == least else (value - least) / (most - least)
    return SCALE[min(len(SCALE) - 1, max(0, int(share * len(SCALE))))]


def _point(location: dict[str, float]) -> Any:  # noqa: ANN401 - a shape
    return shapely.Point(location["lon"], location["lat"])


def _shape(one: dict[str, Any]) -> Any:  # noqa: ANN401 - a shape
    return shapely.geometry.shape(one["geometry"])


def _steps(least: float, most: float, unit: str) -> list[tuple[str, str]]:
    width = (most - least) / len(SCALE)
    return [
        (colour, f"{least + n * width:.0f} to {least + (n + 1) * width:.0f} {unit}") for n, colour in enumerate(SCALE)
    ]


def noise(data: dict[str, Any]) -> Layers:
    """Zones and addresses by their level."""
    zones = sorted(data["noiseZones"]["nodes"], key=lambda one: one["level"])
    drawn = [Drawn(_shape(one), _colour(one["level"], 50, 80), "none", title=f"{one['level']:.0f} dB") for one in zones]
    for one in data["addresses"]["nodes"]:
        level = one["related"]["noiseZones"]["aggregate"][0]["max"]["level"]
        colour = "white" if level is None else _colour(level, 50, 80)
        drawn.append(Drawn(_point(one["location"]), colour, radius=3.5, title=f"{one['name']}: {level} dB"))
    return drawn, _steps(50, 80, "dB")


def stops(data: dict[str, Any]) -> Layers:
    """Districts by stops for every thousand addresses."""

    def density(one: dict[str, Any]) -> float:
        return 1000 * float(one["related"]["stops"]["totalCount"]) / max(1, one["related"]["addresses"]["totalCount"])

    found = data["districts"]["nodes"]
    least, most = min(map(density, found)), max(map(density, found))
    drawn = [
        Drawn(_shape(one), _colour(density(one), least, most), title=f"{one['name']}: {density(one):.0f}")
        for one in found
    ]
    return drawn, _steps(least, most, "stops for 1 000 addresses")


def offices(data: dict[str, Any]) -> Layers:
    """Offices where their address was found."""
    found = [one for one in data["procedures"]["nodes"] if one["location"]]
    drawn = [
        Drawn(_point(one["location"]), BLUE, radius=6, title=f"{one['office']}, {one['address']}") for one in found
    ]
    return drawn, [(BLUE, "an office, placed by its address")]


def places(data: dict[str, Any]) -> Layers:
    """Places, and a line to the nearest stop."""
    drawn, red = [], SCALE[-1]
    for one in data["places"]["nodes"]:
        (stop,) = one["related"]["stops"]["nodes"]
        here, there = _point(one["location"]), _point(stop["location"])
        drawn += [
            Drawn(shapely.LineString([here, there]), "none", "#888"),
            Drawn(there, BLUE, radius=3, title=stop["name"]),
        ]
        drawn.append(Drawn(here, red, radius=3.5, title=one["name"]))
    return drawn, [(red, "a place"), (BLUE, "its nearest tram stop")]


def zoning(data: dict[str, Any]) -> Layers:
    """Plans, and parcels by the share that lies in plans."""
    drawn = [Drawn(_shape(one), "#dbe9f6", BLUE) for one in data["zoningPlans"]["nodes"]]
    for one in data["parcels"]["nodes"]:
        share = max((plan["intersection"]["share"] for plan in one["related"]["zoningPlans"]["nodes"]), default=0)
        drawn.append(Drawn(_shape(one), _colour(share, 0, 1), title=f"{one['number']}: {share:.0%}"))
    return drawn, [
        ("#dbe9f6", "a zoning plan"),
        (SCALE[0], "a parcel little of which lies in one"),
        (SCALE[-1], "one most of which does"),
    ]


def legal_aid(data: dict[str, Any]) -> Layers:
    """Addresses by the distance to the nearest point."""
    points = {one["number"]: one for one in data["legalAidPoints"]["nodes"]}
    drawn = []
    for one in data["addresses"]["nodes"]:
        nearest = one["related"]["legalAidPoints"]["nodes"][0]
        colour = _colour(nearest["distance"], 0, 3000)
        drawn.append(Drawn(_point(one["location"]), colour, "none", 2.5, f"{one['name']}: {nearest['distance']:.0f} m"))
    drawn += [Drawn(_point(one["location"]), BLUE, radius=5, title=number) for number, one in points.items()]
    return drawn, [*_steps(0, 3000, "m to the nearest point"), (BLUE, "a point of free legal aid")]


MAPS: dict[str, Callable[[dict[str, Any]], Layers]] = {
    one.__name__: one for one in (noise, stops, offices, places, zoning, legal_aid)
}
"""How the answer to each query is drawn."""
