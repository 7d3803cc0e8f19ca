"""What a store answers: conditions, order, pages, places, figures; each against the same worked out in Python."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import shapely
from pyproj import Geod

from broker.errors import TooMuch
from broker.geometry import metric
from broker.query import (
    Aggregation,
    And,
    Bbox,
    Compare,
    Condition,
    GroupBy,
    InDistrict,
    Measure,
    Near,
    Not,
    Operator,
    Or,
    Order,
    Query,
    Version,
    Window,
)
from broker.store import SqlStore
from tests.stores.town import Shop, put, shop

SHOP = Shop.__dataset__


def codes(store: SqlStore, where: Condition | None = None, order: tuple[Order, ...] = ()) -> str:
    version = store.version(SHOP).version
    query = Query(SHOP, version, frozenset(), Window(1000), where, order)
    found = [row["code"] for row in store.select(query).rows]
    assert store.count(query) == len(found)
    return " ".join(found)


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("code", "eq", "a", "a"),
        ("code", "in", ["a", "d", "zz"], "a d"),
        ("name", "eq", "Lis", "b"),
        ("name", "eq", "lis", ""),
        ("name", "ne", "Lis", "a c d e"),
        ("name", "contains", "LOS", "a"),
        ("name", "contains", "0%", "d"),
        ("name", "contains", "%", "d"),
        ("name", "startsWith", "Ł", "a b c"),
        ("name", "startsWith", "zab", "d"),
        ("name", "isNull", True, "e"),
        ("name", "isNull", False, "a b c d"),
        ("name", "gt", "Lis", "a c d"),
        ("name", "lte", "Łabędź", "b c"),
        ("rent", "eq", Decimal("10.1"), "a"),
        ("rent", "gt", Decimal("10.10"), "c e"),
        ("rent", "gte", Decimal("10.10"), "a c e"),
        ("rent", "lt", Decimal(0), "b"),
        ("rent", "gt", Decimal("20.199"), "c e"),
        ("rent", "lt", Decimal("20.201"), "a b c"),
        ("rent", "eq", Decimal("20.201"), ""),
        ("rent", "ne", Decimal("20.201"), "a b c d e"),
        ("rent", "lt", Decimal("1e300"), "a b c e"),
        ("rent", "gt", Decimal("-1e300"), "a b c e"),
        ("rent", "in", [Decimal("-0.05"), Decimal("20.2"), Decimal("20.201")], "b c"),
        ("staff", "eq", 0, "b"),
        ("staff", "gte", 3, "a c"),
        ("rating", "eq", 4.5, "a c"),
        ("open", "eq", True, "a d"),
        ("open", "ne", True, "b c e"),
        ("since", "gte", date(2017, 1, 31), "a b"),
        ("since", "lt", date(2017, 1, 1), "c"),
        ("seen", "eq", datetime(2017, 1, 31, 23, 30, tzinfo=UTC), "a"),
        ("seen", "lt", datetime(2017, 2, 1, tzinfo=UTC), "a"),
        ("tags", "has", "books", "a d"),
        ("tags", "has", "book", ""),
        ("motto", "contains", "HERBATA", "a"),
        ("story", "contains", "stary dom", "b"),
    ],
)  # fmt: skip
def test_a_comparison(town: SqlStore, field: str, operator: str, value: object, expected: str) -> None:
    assert codes(town, Compare(field, Operator(operator), value)) == expected


def test_conditions_combine_and_not_takes_in_what_has_no_value(town: SqlStore) -> None:
    rich, open_ = Compare("rent", Operator.GT, Decimal(10)), Compare("open", Operator.EQ, value=True)
    assert codes(town, And((rich, open_))) == "a"
    assert codes(town, Or((rich, open_))) == "a c d e"
    assert codes(town, Not(rich)) == "b d"
    assert codes(town, And((Not(rich), Not(open_)))) == "b"
    assert codes(town, And(())) == "a b c d e"
    assert codes(town, Or(())) == ""


def test_order_is_polish_and_puts_what_has_no_value_first(town: SqlStore) -> None:
    assert codes(town, order=(Order("name"),)) == "e b c a d"
    assert codes(town, order=(Order("name", descending=True),)) == "d a c b e"
    assert codes(town, order=(Order("rent"),)) == "d b a c e"
    assert codes(town, order=(Order("rating", descending=True), Order("rent"))) == "a c d b e"


@pytest.mark.parametrize(
    "order",
    [(), (Order("name"),), (Order("rent", descending=True),), (Order("staff"), Order("name", descending=True)), (Order("since"), Order("rating"))],
)  # fmt: skip
def test_pages_meet_without_gap_or_overlap_both_ways(store: SqlStore, order: tuple[Order, ...]) -> None:
    dice = random.Random(7)
    people = [None, 1, 2, 3]
    put(
        store,
        SHOP,
        *(
            shop(
                f"{n:03}",
                name=dice.choice([None, "Ala", "Ąla", "Zoo", "żaba"]),
                staff=dice.choice(people),
                rent=dice.choice([None, Decimal(n % 7)]),
                since=dice.choice([None, date(2017, 1, 1 + n % 3)]),
                rating=dice.choice([None, 0.5]),
            )
            for n in range(137)
        ),
    )
    whole = codes(store, order=order).split()
    assert len(whole) == 137
    for backward in (False, True):
        seen: list[str] = []
        position, more = None, True
        while more:
            page = store.select(Query(SHOP, Version(1), frozenset(), Window(10, position, backward), None, order))
            some = [row["code"] for row in page.rows]
            seen = some + seen if backward else seen + some
            position, more = page.positions[0 if backward else -1], page.more
        assert seen == whole


def test_places_are_exact(store: SqlStore) -> None:
    dice = random.Random(11)

    def somewhere() -> tuple[float, float]:
        return dice.uniform(16.75, 17.05), dice.uniform(52.30, 52.50)

    def shape(n: int) -> shapely.Geometry | None:
        lon, lat = somewhere()
        size = dice.uniform(0.0001, 0.02)
        bent = shapely.LineString([(lon, lat), (lon + size, lat), (lon + size, lat + size)])
        return [None, shapely.Point(lon, lat), shapely.Point(lon, lat), bent, bent.convex_hull][n % 5]

    shops = {f"{n:03}": shape(n) for n in range(400)}
    put(store, SHOP, *(shop(code, geometry=place) for code, place in shops.items()))
    for _ in range(40):
        (west, south), (east, north) = (somewhere(), somewhere())
        box = Bbox(min(west, east), min(south, north), max(west, east), max(south, north))
        area = shapely.box(box.west, box.south, box.east, box.north)
        assert codes(store, box).split() == [c for c, place in shops.items() if place and place.intersects(area)]
        lon, lat = somewhere()
        radius = dice.uniform(10, 6000)
        centre = metric(shapely.Point(lon, lat))
        near = [c for c, place in shops.items() if place and metric(place).distance(centre) <= radius]
        assert codes(store, Near(lon, lat, radius)).split() == near


def test_a_distance_is_metres_on_the_ground(town: SqlStore) -> None:
    _, _, metres = Geod(ellps="WGS84").inv(16.91, 52.41, 16.90, 52.40)
    assert "a" not in codes(town, Near(16.91, 52.41, metres * 0.999)).split()
    assert "a" in codes(town, Near(16.91, 52.41, metres * 1.001)).split()
    assert codes(town, Near(16.94, 52.40, 1)) == "c"  # inside the box


def test_in_a_district_beside_other_conditions(town: SqlStore) -> None:
    assert codes(town, InDistrict("W")) == "a e"
    assert codes(town, And((InDistrict("E"), Compare("name", Operator.CONTAINS, "lis")))) == "b"
    assert codes(town, Not(InDistrict("W"))) == "b c d"


def test_figures_are_exact_and_by_group(town: SqlStore) -> None:
    total, mean = Measure("sum", "rent"), Measure("avg", "rent")
    low, high = Measure("min", "since"), Measure("max", "rent")
    (everything,) = town.aggregate(Aggregation(SHOP, Version(1), None, (), (total, mean, low, high)))
    assert (everything.key, everything.count) == ((), 5)
    assert everything.measures == {
        total: Decimal("1234598.14"), mean: Decimal("308649.5350"), low: date(2016, 12, 31), high: Decimal("1234567.89"),
    }  # fmt: skip
    groups = town.aggregate(
        Aggregation(SHOP, Version(1), None, (GroupBy("open"),), (Measure("sum", "staff"), Measure("avg", "rating")))
    )
    assert [(one.key, one.count, *one.measures.values()) for one in groups] == [
        ((None,), 2, 12, 4.5), (("true",), 2, 3, 4.5), (("false",), 1, 0, None),
    ]  # fmt: skip
    years = town.aggregate(Aggregation(SHOP, Version(1), None, (GroupBy("since", "year"), GroupBy("since", "month"))))
    assert [(one.key, one.count) for one in years] == [
        ((None, None), 2), (("2016", "2016-12"), 1), (("2017", "2017-01"), 1), (("2017", "2017-02"), 1),
    ]  # fmt: skip
    seen = town.aggregate(Aggregation(SHOP, Version(1), Compare("code", Operator.EQ, "a"), (GroupBy("seen", "month"),)))
    assert [one.key for one in seen] == [("2017-02",)]  # half past midnight in Poznań, though January still in UTC
    some = Aggregation(SHOP, Version(1), Compare("rent", Operator.LT, Decimal(0)), (), (total,))
    assert town.aggregate(some)[0].measures == {total: Decimal("-0.05")}


def test_too_many_groups_are_refused(town: SqlStore) -> None:
    with pytest.raises(TooMuch, match="more than 3 groups"):
        town.aggregate(Aggregation(SHOP, Version(1), None, (GroupBy("name"),), limit=3))


def test_records_by_their_keys(town: SqlStore) -> None:
    found = town.by_key(SHOP, Version(1), ["a", "zz", "e", "a"], frozenset({"name"}))
    assert {key: row["name"] for key, row in found.items()} == {"a": "Łoś", "e": None}
    many = town.by_key(SHOP, Version(1), [f"{n}" for n in range(2000)], frozenset({"name"}))
    assert many == {}


def test_questions_of_a_version_agree_while_others_are_published(town: SqlStore) -> None:
    before = codes(town)
    query = Query(SHOP, Version(1), frozenset(), Window(1000))
    for n in range(5):
        put(town, SHOP, *(shop(f"x{n}{k}") for k in range(10)))
        assert " ".join(row["code"] for row in town.select(query).rows) == before
        assert town.count(query) == 5
