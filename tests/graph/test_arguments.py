"""What a client may give, and the sentence it gets when it gives something else."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from broker.app import Engine

Ask = Callable[..., Awaitable[Any]]


async def codes(ask: Ask, root: str, arguments: str, field: str = "id") -> list[Any]:
    data = await ask(f"{{ {root}({arguments}) {{ nodes {{ {field} }} }} }}")
    return [one[field] for one in data[root]["nodes"]]


async def test_filters_of_every_kind(ask: Ask) -> None:
    assert set(await codes(ask, "stops", 'filter: {kind: {eq: "tram"}}', "kind")) == {"tram"}
    assert set(await codes(ask, "stops", 'filter: {not: {kind: {eq: "tram"}}}', "kind")) == {"bus"}
    assert all(
        one > "2017-05-31"
        for one in await codes(ask, "contracts", 'filter: {signedOn: {gt: "2017-05-31"}}', "signedOn")
    )
    both = 'filter: {and: [{amount: {gte: "1000"}}, {or: [{signedOn: {lt: "2016-01-01"}}, {amount: {isNull: true}}]}]}'
    assert all(one < "2016-01-01" for one in await codes(ask, "contracts", both, "signedOn"))
    assert all(
        "ż" in one.lower() or "z" in one.lower()
        for one in await codes(ask, "districts", 'filter: {name: {contains: "zegrze"}}', "name")
    )
    assert await codes(ask, "districts", 'filter: {name: {startsWith: "ŻEG"}}', "name") == ["Żegrze"]


async def test_places_by_box_circle_and_district(ask: Ask) -> None:
    box = "west: 16.90, south: 52.39, east: 16.95, north: 52.42"
    inside = await ask(
        f"{{ stops(first: 1000, where: {{bbox: {{{box}}}}}) {{ totalCount nodes {{ location {{ lon lat }} }} }} }}"
    )
    for one in inside["stops"]["nodes"]:
        assert 16.90 <= one["location"]["lon"] <= 16.95
        assert 52.39 <= one["location"]["lat"] <= 52.42
    outside = await ask(
        f"{{ stops(where: {{not: {{bbox: {{{box}}}}}}}) {{ totalCount }} all: stops {{ totalCount }} }}"
    )
    assert inside["stops"]["totalCount"] + outside["stops"]["totalCount"] == outside["all"]["totalCount"]
    near = await ask(
        """{ places(first: 100, where: {near: {lon: 16.9335, lat: 52.4084, distance: 700}}) {
               nodes { distance(to: {lon: 16.9335, lat: 52.4084}) } } }"""
    )
    distances = [one["distance"] for one in near["places"]["nodes"]]
    assert len(distances) > 5
    assert max(distances) <= 700
    by_name = await ask(
        '{ addresses(first: 5, where: {inDistrict: "jezyce"}) { totalCount nodes { district { id name } } } }'
    )
    assert {one["district"]["name"] for one in by_name["addresses"]["nodes"]} == {"Jeżyce"}
    id = by_name["addresses"]["nodes"][0]["district"]["id"]
    by_id = await ask("query ($id: String!) { addresses(where: {inDistrict: $id}) { totalCount } }", id=id)
    assert by_id["addresses"]["totalCount"] == by_name["addresses"]["totalCount"]


async def test_texts_in_languages_fall_back_to_polish(ask: Ask) -> None:
    data = await ask('{ events(first: 200) { nodes { pl: name en: name(lang: "en") xx: name(lang: "xx") } } }')
    events = data["events"]["nodes"]
    assert any(one["pl"] != one["en"] for one in events)
    assert any(one["pl"] == one["en"] for one in events)
    assert all(one["xx"] == one["pl"] for one in events)


async def test_markup_is_offered_safe_and_as_plain_text(ask: Ask) -> None:
    data = await ask("{ places(first: 1000, orderBy: [{classTitle: DESC}]) { nodes { description descriptionText } } }")
    some = [one for one in data["places"]["nodes"] if one["description"]]
    assert any("<" in one["description"] for one in some)
    assert not any("<script" in one["description"].lower() or "onerror" in one["description"] for one in some)
    assert all("<p>" not in one["descriptionText"] for one in some)


async def test_geometry_in_both_systems(ask: Ask) -> None:
    data = await ask(
        """{ districts(filter: {name: {eq: "Wilda"}}) { nodes { area length location { lon lat }
               degrees: geometry metres: geometry(crs: "epsg:2177") coarse: geometry(simplify: 200) } } }"""
    )
    (wilda,) = data["districts"]["nodes"]
    ring = wilda["degrees"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert 16.7 < ring[0][0] < 17.1
    assert wilda["metres"]["coordinates"][0][0][0] > 6_000_000
    assert len(wilda["coarse"]["coordinates"][0]) < len(ring)
    assert wilda["area"] > 1e6
    assert wilda["length"] > 4e3


async def test_paging_backwards_gives_the_same_order(ask: Ask) -> None:
    query = "query ($first: Int, $last: Int, $before: String) { stops(first: $first, last: $last, before: $before, orderBy: [{name: DESC}]) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor } } }"
    forward = await ask(query, first=1000)
    last = await ask(query, last=4)
    before = await ask(query, last=4, before=last["stops"]["pageInfo"]["startCursor"])
    assert last["stops"]["pageInfo"] | {"startCursor": None} == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
    }
    assert before["stops"]["pageInfo"]["hasNextPage"] is True
    ids = [one["id"] for one in (*before["stops"]["nodes"], *last["stops"]["nodes"])]
    assert len(set(ids)) == 8
    assert forward["stops"]["nodes"][0]["id"] not in ids


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("{ stops(first: 5000) { nodes { id } } }", "TOO_MUCH", "first: 5000 records; at most 1000 a page"),
        ("{ stops(first: -1) { nodes { id } } }", "BAD_ARGUMENT", "first: -1 is below 0"),
        ("{ stops(first: 1, last: 1) { nodes { id } } }", "BAD_ARGUMENT", "not a mixture"),
        ('{ stops(first: 1, before: "x") { nodes { id } } }', "BAD_ARGUMENT", "`before` goes with `last`"),
        ('{ stops(after: "nonsense") { nodes { id } } }', "BAD_ARGUMENT", "after: 'nonsense' is not a cursor"),
        ("{ stops(where: {bbox: {west: 17, south: 52, east: 16, north: 53}}) { totalCount } }", "BAD_ARGUMENT", "must not be beyond"),
        ("{ stops(where: {bbox: {west: 1700, south: 52, east: 16, north: 53}}) { totalCount } }", "BAD_ARGUMENT", "is no place on earth"),
        ("{ stops(where: {near: {lon: 16.9, lat: 52.4, distance: -5}}) { totalCount } }", "BAD_ARGUMENT", "distance: -5.0 is not above 0"),
        ("{ stops(where: {near: {lon: 16.9, lat: 52.4, distance: 90000}}) { totalCount } }", "BAD_ARGUMENT", "at most 50000 metres"),
        ("{ stops(where: {near: {lon: 52.4, lat: 16.9, distance: 500}}) { totalCount } }", "BAD_ARGUMENT", "where.near: lon 52.4, lat 16.9 is far from the city, but lon 16.9, lat 52.4 is not: the axes seem swapped"),
        ("{ stops(where: {bbox: {west: 52.3, south: 16.8, east: 52.5, north: 17.0}}) { totalCount } }", "BAD_ARGUMENT", "where.bbox: west 52.3, south 16.8, east 52.5, north 17.0 is far from the city, but west 16.8, south 52.3, east 17.0, north 52.5 is not: the axes seem swapped"),
        ("{ stops(first: 1) { nodes { distance(to: {lon: 52.4, lat: 16.9}) } } }", "BAD_ARGUMENT", "to: lon 52.4, lat 16.9 is far from the city"),
        ('{ stops(where: {geometry: {wkt: "POINT (52.4 16.9)", predicate: INTERSECTS}}) { totalCount } }', "BAD_ARGUMENT", "where.geometry: in EPSG:4326 it is far from the city"),
        ('{ stops(where: {geometry: {wkt: "POINT (5808862 6427497)", crs: "2177", predicate: INTERSECTS}}) { totalCount } }', "BAD_ARGUMENT", "where.geometry: in EPSG:2177 it is far from the city"),
        ('{ stops(where: {geometry: {wkt: "", predicate: INTERSECTS}}) { totalCount } }', "BAD_ARGUMENT", "where.geometry: wkt: the text is empty"),
        ("{ stops(where: {geometry: {predicate: INTERSECTS}}) { totalCount } }", "BAD_ARGUMENT", "where.geometry: give the geometry once"),
        ('{ stops(where: {geometry: {geojson: {type: "Feature"}, predicate: INTERSECTS}}) { totalCount } }', "BAD_ARGUMENT", "where.geometry: geojson: a Feature is no geometry; give its `geometry` member"),
        ('{ stops(where: {geometry: {geojson: {type: "Polygon", coordinates: [[[16.9, 52.4], [17, 52.4], [17, 52.5]]]}, predicate: INTERSECTS}}) { totalCount } }', "BAD_ARGUMENT", "where.geometry: geojson: a ring of the polygon is not closed"),
        ('{ stops(where: {geometry: {geojson: "POINT (16.9 52.4)", predicate: INTERSECTS}}) { totalCount } }', "BAD_REQUEST", "GeoJSON takes a geometry object"),
        ('{ stops(where: {inDistrict: "Atlantyda"}) { totalCount } }', "BAD_ARGUMENT", "no district 'Atlantyda'; give a name such as "),
        ('{ stops(where: {inDistrict: "Jezycee"}) { totalCount } }', "BAD_ARGUMENT", "no district 'Jezycee'; did you mean Jeżyce?, or a district's id"),
        ("{ stops(where: {relatedTo: {layer: {predicate: WITHIN}}}) { totalCount } }", "BAD_REQUEST", "to include required field 'id'"),
        ('{ stops(where: {relatedTo: {layer: {id: "sip.noise", predicate: WITHIN}}}) { totalCount } }', "NOT_FOUND", "no layer 'sip.noise'; did you mean sip.noise_zones"),
        ('{ layer(id: "bip.contracts") { id } }', "NOT_FOUND", "has no places, so it is no layer"),
        ('{ layer(id: "bip.contract") { id } }', "NOT_FOUND", "no layer 'bip.contract'; did you mean "),
        ('{ layer(id: "sip.noise_zones") { features(filter: [{property: "level"}]) { totalCount } } }', "BAD_ARGUMENT", "filter.level: say how to compare it: give one of eq, ne, in, gt, gte, lt, lte, contains, startsWith, isNull"),
        ('{ layer(id: "sip.noise_zones") { features(filter: [{eq: 5}]) { totalCount } } }', "BAD_ARGUMENT", "filter: name the `property` to compare"),
        ('{ layer(id: "sip.noise_zones") { features(filter: [{property: "level", eq: null}]) { totalCount } } }', "BAD_ARGUMENT", "filter.level.eq: null is no value; use {isNull: true}"),
        ('{ layer(id: "sip.noise_zones") { features(filter: [{property: "level", gt: "NaN"}]) { totalCount } } }', "BAD_ARGUMENT", "filter.level.gt: 'NaN' is not of type number; give a value such as 12.5"),
        ('{ layer(id: "sip.noise_zones") { features(filter: [{property: "cause", eq: 5}]) { totalCount } } }', "BAD_ARGUMENT", "filter.cause.eq: '5' is not of type text; give a value such as \"lipa\""),
        ('{ layer(id: "mim.events") { features(filter: [{property: "startsAt", gt: "0001-01-01"}]) { totalCount } } }', "BAD_ARGUMENT", "filter.startsAt.gt: '0001-01-01' is not of type moment; give a value such as \"2017-09-01T18:30:00+02:00\""),
        ('{ layer(id: "nowhere") { id } }', "NOT_FOUND", "no layer 'nowhere'; there are bip.interpellations, "),
        ('{ layer(id: "sip.noise_zones") { features(orderBy: [{property: "x"}]) { totalCount } } }', "BAD_ARGUMENT", "orderBy: sip.noise_zones has no property 'x'"),
        ('{ districts(first: 1) { nodes { geometry(crs: "EPSG:9999") } } }', "BAD_ARGUMENT", "there is no EPSG:9999; the city uses EPSG:4326, 3857, 2177 and 2180"),
        ("{ districts(first: 1) { nodes { geometry(simplify: -1) } } }", "BAD_ARGUMENT", "between 0 and"),
        ('{ node(id: "???") { id } }', "BAD_ARGUMENT", "is not an id of this graph"),
        ('{ dataset(id: "bip.contract") { id } }', "NOT_FOUND", "did you mean bip.contracts"),
        ('{ events(filter: {startsAt: {lt: "0001-01-01"}}) { totalCount } }', "BAD_REQUEST", "beyond the calendar"),
        ('{ events(filter: {startsAt: {lt: "soon"}}) { totalCount } }', "BAD_REQUEST", "give a day or an ISO 8601 moment"),
        ('{ contracts(filter: {signedOn: {lt: "2017-13-01"}}) { totalCount } }', "BAD_REQUEST", "give YYYY-MM-DD"),
        ('{ contracts(filter: {amount: {lt: "NaN"}}) { totalCount } }', "BAD_REQUEST", "give a number or a text"),
        ('{ stops(filter: {name: {contains: "\\u0000"}}) { totalCount } }', "BAD_ARGUMENT", "a NUL character"),
        ('{ stops(filter: {name: {in: ["' + "x" * 2000 + '"]}}) { totalCount } }', "TOO_MUCH", "2000 characters; at most 1000"),
        ("{ stops(where: {}) { totalCount } }", "BAD_REQUEST", "must specify exactly one key"),
        ("{ contracts(filter: {amount: null}) { totalCount } }", "BAD_ARGUMENT", "use {isNull: true}"),
        ("{ contracts(orderBy: [{amount: ASC}, {amount: DESC}]) { nodes { id } } }", "BAD_ARGUMENT", "named twice"),
        ('{ search(text: " ? ") { totalCount } }', "BAD_ARGUMENT", "holds no word"),
        ('{ search(text: "x", datasets: ["bip.nothing"]) { totalCount } }', "NOT_FOUND", "no data set 'bip.nothing'"),
        ('{ suggest(text: "x", first: 900) { text } }', "BAD_ARGUMENT", "not between 1 and 50"),
    ],
)  # fmt: skip
async def test_what_is_not_accepted_is_said(refused: Ask, query: str, code: str, text: str) -> None:
    given_code, given_text = await refused(query)
    assert (given_code, text in given_text) == (code, True), given_text


async def test_a_cursor_of_another_order_is_refused(ask: Ask, refused: Ask) -> None:
    cursor = (await ask("{ stops(first: 1) { pageInfo { endCursor } } }"))["stops"]["pageInfo"]["endCursor"]
    code, text = await refused(
        "query ($a: String) { stops(after: $a, orderBy: [{name: ASC}]) { nodes { id } } }", a=cursor
    )
    assert (code, "belongs to another collection or another `orderBy`" in text) == ("BAD_ARGUMENT", True)


async def test_one_fields_trouble_leaves_the_others_alone(answer: Ask) -> None:
    given = await answer("{ bad: stops(first: -1) { totalCount } good: stops { totalCount } }")
    assert given["data"]["bad"] is None
    assert given["data"]["good"]["totalCount"] > 1_500
    assert [one["path"] for one in given["errors"]] == [["bad"]]


async def test_a_wrong_geojson_leaves_the_other_fields_alone(answer: Ask) -> None:
    given = await answer(
        "query ($g: GeoJSON) { bad: stops(where: {geometry: {geojson: $g, predicate: WITHIN}}) { totalCount } good: stops { totalCount } }",
        g={"type": "Feature", "geometry": None},
    )
    assert given["data"]["bad"] is None
    assert given["data"]["good"]["totalCount"] > 1_500


async def test_a_repair_of_a_given_shape_is_told_once(answer: Ask) -> None:
    crossing = "POLYGON ((16.9 52.4, 16.92 52.42, 16.92 52.4, 16.9 52.42, 16.9 52.4))"
    query = """query ($wkt: String!) { stops(where: {geometry: {wkt: $wkt, predicate: WITHIN}}) { totalCount }
        places(where: {not: {geometry: {wkt: $wkt, predicate: WITHIN}}}) { totalCount } }"""
    given = await answer(query, wkt=crossing)
    assert "errors" not in given
    assert given["extensions"]["repaired"] == ["where.geometry: shape repaired: Self-intersection"]
    sound = await answer(query, wkt="POLYGON ((16.9 52.4, 16.92 52.4, 16.92 52.42, 16.9 52.4))")
    assert "repaired" not in sound.get("extensions", {})


async def test_nested_records_are_read_in_one_statement(ask: Ask, engine: Engine) -> None:
    from sqlalchemy import event  # noqa: PLC0415

    statements: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine.store.engine, "before_cursor_execute", heard)
    try:
        await ask("{ events(first: 200) { nodes { name district { name } place { name district { name } } } } }")
    finally:
        event.remove(engine.store.engine, "before_cursor_execute", heard)
    reads = [one for one in statements if one.startswith("SELECT")]
    assert len(reads) <= 6, reads
