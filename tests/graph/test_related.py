"""Any collection asked about any other, compared record by record with what shapely says of the same geometries."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import shapely

from broker.geometry import metric

Ask = Callable[..., Awaitable[Any]]


async def shapes(ask: Ask, root: str, fields: str = "", size: int = 1000) -> dict[str, tuple[Any, dict[str, Any]]]:
    """The first records of a collection by id: their geometry, in degrees, and the fields asked for."""
    found = (await ask(f"{{ {root}(first: {size}) {{ nodes {{ id geometry {fields} }} }} }}"))[root]["nodes"]
    return {one["id"]: (shapely.geometry.shape(one["geometry"]), one) for one in found if one["geometry"]}


PREDICATES = ["INTERSECTS", "WITHIN", "CONTAINS", "DISJOINT", "TOUCHES", "CROSSES", "OVERLAPS"]


@pytest.mark.parametrize("predicate", PREDICATES)
@pytest.mark.parametrize(
    ("parents", "children"), [("districts", "routes"), ("zoningPlans", "districts"), ("routes", "zoningPlans")]
)
async def test_related_records_are_those_of_the_predicate(
    ask: Ask, parents: str, children: str, predicate: str
) -> None:
    given, others = await shapes(ask, parents), await shapes(ask, children)
    data = await ask(
        f"{{ {parents}(first: 1000) {{ nodes {{ id related {{ {children}(predicate: {predicate}, first: 1000) "
        "{ totalCount nodes { id } } } } } }"
    )
    for one in data[parents]["nodes"]:
        place = given[one["id"]][0]
        # rounded to seven digits on the way out, borders that meet exactly in the store may be off by a centimetre here
        expected = {id for id, (shape, _) in others.items() if getattr(shapely, predicate.lower())(shape, place)}
        got = {other["id"] for other in one["related"][children]["nodes"]}
        assert one["related"][children]["totalCount"] == len(got)
        clear = {
            id
            for id, (shape, _) in others.items()
            if abs(shapely.distance(shape.boundary if shape.geom_type.endswith("Polygon") else shape, place.boundary))
            > 1e-6
        }
        assert got & clear == expected & clear


async def test_the_nearest_of_all_come_in_order_with_their_distance(ask: Ask) -> None:
    points = await shapes(ask, "legalAidPoints")
    data = await ask(
        "{ addresses(first: 200) { nodes { geometry related { legalAidPoints(first: 5, orderBy: DISTANCE) "
        "{ totalCount nodes { id distance } } } } } }"
    )
    for one in data["addresses"]["nodes"]:
        place = metric(shapely.geometry.shape(one["geometry"]))
        expected = sorted((round(place.distance(metric(shape)), 1), id) for id, (shape, _) in points.items())[:5]
        got = one["related"]["legalAidPoints"]
        assert got["totalCount"] == 33
        assert [round(other["distance"], 1) for other in got["nodes"]] == pytest.approx(
            [far for far, _ in expected], abs=0.11
        )
        assert {other["id"] for other in got["nodes"]} == {id for _, id in expected}


async def test_within_a_distance_with_a_filter_and_a_page_each(ask: Ask) -> None:
    places = await shapes(ask, "places", "name", 500)
    data = await ask(
        """{ stops(first: 50) { nodes { geometry related {
               all: places(distance: 300, first: 1000) { totalCount nodes { id } }
               two: places(distance: 300, first: 2, orderBy: DISTANCE) { totalCount nodes { id distance } }
               some: places(distance: 300, filter: {name: {contains: "szkola"}}) { totalCount nodes { name } } } } } }"""
    )
    assert any(one["related"]["all"]["totalCount"] for one in data["stops"]["nodes"])
    for one in data["stops"]["nodes"]:
        place = metric(shapely.geometry.shape(one["geometry"]))
        near = {id for id, (shape, _) in places.items() if place.distance(metric(shape)) < 299.9}
        related = one["related"]
        got = {other["id"] for other in related["all"]["nodes"]}
        assert near <= got
        assert related["all"]["totalCount"] == related["two"]["totalCount"] == len(got)
        assert [other["distance"] for other in related["two"]["nodes"]] == sorted(
            other["distance"] for other in related["two"]["nodes"]
        )
        assert len(related["two"]["nodes"]) == min(2, len(got))
        assert all("szko" in other["name"].lower() for other in related["some"]["nodes"])


async def test_figures_of_related_records_are_those_of_the_records(ask: Ask) -> None:
    data = await ask(
        """{ districts(first: 50) { nodes { id name related { noiseZones(predicate: INTERSECTS, first: 1000) {
               totalCount nodes { cause level } one: aggregate { count max { level } avg { level } }
               by: aggregate(groupBy: [CAUSE]) { key count sum { level } } } } } } }"""
    )
    found = [one["related"]["noiseZones"] for one in data["districts"]["nodes"]]
    assert any(one["totalCount"] for one in found)
    for one in found:
        levels = [zone["level"] for zone in one["nodes"]]
        assert one["one"] == [
            {
                "count": len(levels),
                "max": {"level": max(levels, default=None)},
                "avg": {"level": sum(levels) / len(levels) if levels else None},
            }
        ]
        sums: dict[str, int] = {}
        for zone in one["nodes"]:
            sums[zone["cause"]] = sums.get(zone["cause"], 0) + zone["level"]
        assert {group["key"][0]: group["sum"]["level"] for group in one["by"]} == sums
        assert sum(group["count"] for group in one["by"]) == one["totalCount"]


async def test_the_share_of_a_district_in_noise_counts_overlaps_once(ask: Ask) -> None:
    zones = await shapes(ask, "noiseZones", "level")
    data = await ask(
        """{ districts(first: 10) { nodes { area geometry related { noiseZones(predicate: INTERSECTS, filter: {level: {gte: 65}}, first: 1000) {
               intersection { area share } nodes { id intersection { area share } } } } } } }"""
    )
    for one in data["districts"]["nodes"]:
        district = metric(shapely.geometry.shape(one["geometry"]))
        loud = [metric(shape) for shape, zone in zones.values() if zone["level"] >= 65]
        expected = district.intersection(shapely.union_all(loud)).area
        got = one["related"]["noiseZones"]
        if not got["nodes"]:
            assert (got["intersection"]["area"], expected) == (0, 0)
            continue
        assert got["intersection"]["area"] == pytest.approx(expected, rel=1e-3, abs=1)
        assert got["intersection"]["share"] == pytest.approx(got["intersection"]["area"] / one["area"], rel=1e-6)
        for zone in got["nodes"]:
            shared = district.intersection(metric(zones[zone["id"]][0])).area
            assert zone["intersection"]["area"] == pytest.approx(shared, rel=1e-3, abs=1)


async def test_a_collection_is_filtered_by_another(ask: Ask) -> None:
    data = await ask(
        """{ near: stops(where: {relatedTo: {places: {distance: 100}}}) { totalCount }
             far: stops(where: {not: {relatedTo: {places: {distance: 100}}}}) { totalCount }
             all: stops { totalCount }
             inPlans: parcels(where: {and: [{relatedTo: {zoningPlans: {predicate: WITHIN, filter: {name: {isNull: false}}}}},
                                            {inDistrict: "Jeżyce"}]}, first: 1000) { totalCount nodes { id district { name } } }
             within: districts(where: {relatedTo: {zoningPlans: {predicate: CONTAINS}}}) { totalCount } }"""
    )
    assert data["near"]["totalCount"] + data["far"]["totalCount"] == data["all"]["totalCount"]
    assert 0 < data["near"]["totalCount"] < data["all"]["totalCount"]
    assert {one["district"]["name"] for one in data["inPlans"]["nodes"]} <= {"Jeżyce"}
    plans, parcels = await shapes(ask, "zoningPlans"), await shapes(ask, "parcels", "district { name }", 1000)
    expected = sum(
        any(shape.within(plan) for plan, _ in plans.values())
        for shape, one in parcels.values()
        if one["district"] and one["district"]["name"] == "Jeżyce"
    )
    total = (await ask('{ parcels(where: {inDistrict: "Jeżyce"}) { totalCount } }'))["parcels"]["totalCount"]
    assert expected <= data["inPlans"]["totalCount"] <= total


async def test_a_geometry_of_ones_own_in_any_system(ask: Ask) -> None:
    data = await ask(
        """{ a: stops(where: {geometry: {wkt: "POLYGON((16.9 52.4,16.95 52.4,16.95 52.42,16.9 52.42,16.9 52.4))", predicate: WITHIN}}) { totalCount }
             b: stops(where: {bbox: {west: 16.9, south: 52.4, east: 16.95, north: 52.42}}) { totalCount }
             c: stops(where: {geometry: {geojson: {type: "Point", coordinates: [6427497.84, 5808862.52]}, crs: "EPSG:2177", predicate: DISJOINT}}) { totalCount }
             all: stops { totalCount }
             here: districts(where: {geometry: {geojson: {type: "Point", coordinates: [6427497.84, 5808862.52]}, crs: "EPSG:2177", predicate: CONTAINS}}) { nodes { name } } }"""
    )
    assert data["a"]["totalCount"] == data["b"]["totalCount"] > 0
    assert data["c"]["totalCount"] == data["all"]["totalCount"]
    assert data["here"]["nodes"] == [{"name": "Stare Miasto"}]


async def test_groups_by_district_are_the_records_in_it(ask: Ask) -> None:
    data = await ask(
        """{ stops { totalCount aggregate(groupBy: [DISTRICT]) { key count } }
             one: stops(where: {inDistrict: "Jeżyce"}) { totalCount } }"""
    )
    groups = {one["key"][0]: one["count"] for one in data["stops"]["aggregate"]}
    assert groups["Jeżyce"] == data["one"]["totalCount"]
    assert sum(groups.values()) == data["stops"]["totalCount"]


async def test_related_below_related_and_one_statement_for_all(ask: Ask) -> None:
    data = await ask(
        """{ districts(first: 5) { nodes { name related { stops(predicate: WITHIN, first: 3) { nodes { name distance
               related { districts(predicate: CONTAINS) { nodes { name } } } } } } } } }"""
    )
    for one in data["districts"]["nodes"]:
        for stop in one["related"]["stops"]["nodes"]:
            assert stop["distance"] == 0
            assert [other["name"] for other in stop["related"]["districts"]["nodes"]] == [one["name"]]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("{ stops(first: 1) { nodes { related { places { totalCount } } } } }", "related.places: give `predicate`, `distance`, or `orderBy: DISTANCE`"),
        ("{ stops(first: 1) { nodes { related { places(distance: -1) { totalCount } } } } }", "related.places.distance: -1.0 is not above 0 and at most 50000 metres"),
        ("{ stops(first: 1) { nodes { related { places(distance: 60000) { totalCount } } } } }", "is not above 0 and at most 50000 metres"),
        ("{ stops(first: 1) { nodes { distance } } }", "distance: give `to`"),
        ("{ stops(where: {relatedTo: {places: {}}}) { totalCount } }", "where.relatedTo.places: say how they lie to one another"),
        ('{ stops(where: {geometry: {wkt: "POLYGON((", predicate: WITHIN}}) { totalCount } }', "where.geometry: wkt: 'POLYGON((' cannot be read"),
        ('{ stops(where: {geometry: {wkt: "POINT(1 2)", crs: "EPSG:1", predicate: WITHIN}}) { totalCount } }', "where.geometry: crs: 'EPSG:1' is no name"),
        ("{ stops(where: {geometry: {predicate: WITHIN}}) { totalCount } }", "give the geometry once"),
        ('{ stops(where: {geometry: {geojson: {type: "Polygon", coordinates: []}, predicate: WITHIN}}) { totalCount } }', "where.geometry: the geometry is empty"),
    ],
)  # fmt: skip
async def test_what_is_not_accepted_is_said(refused: Ask, query: str, text: str) -> None:
    code, given = await refused(query)
    assert code == "BAD_ARGUMENT"
    assert text in given
