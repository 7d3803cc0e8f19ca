"""Pages read as columns by statements made once hold what `select` reads, in the form of an answer; short ones may be given up."""

import random
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import shapely

from broker.catalog import Catalog
from broker.errors import TooMuch
from broker.limits import Budget
from broker.model import CITY_TIME, Localized
from broker.query import (
    AREA,
    DISTRICT,
    LENGTH,
    And,
    Bbox,
    Compare,
    Condition,
    InDistrict,
    Link,
    Near,
    Not,
    Operator,
    Or,
    Order,
    Predicate,
    Query,
    RelatedTo,
    Shape,
    Version,
    Window,
)
from broker.store import SqlStore, open_store, sqlite
from broker.store.columns import Reading
from broker.store.dialect import Slow
from broker.store.prepared import form
from tests.stores.town import QUARTERS, SHOPS, Quarter, Shop, put, shop

SHOP, QUARTER = Shop.__dataset__, Quarter.__dataset__
NAMES = frozenset(one.name for one in SHOP.fields) | {AREA, LENGTH, DISTRICT}
SEEN, SINCE = datetime(2017, 3, 1, 12, tzinfo=UTC), date(2017, 1, 1)


@pytest.fixture
def street(store: SqlStore) -> SqlStore:
    """The store with the town and a street of shops, of which many have no value here or there."""
    dice = random.Random(7)

    def some(*values: Any) -> Any:
        return dice.choice([None, *values])

    more = [
        shop(
            f"s{n:03}",
            name=some("Ala", "Ąla", "Zoo", "żaba", f"Sklep {n}"),
            rent=some(Decimal(n % 7), Decimal("0.05"), Decimal("-3.5"), Decimal(123456789)),
            staff=some(1, 2, 3, 2**40),
            rating=some(0.5, 4.5, 1 / 3),
            open=dice.choice([None, True, False]),
            since=some(SINCE, SINCE + timedelta(days=n)),
            seen=some(SEEN, SEEN + timedelta(hours=n, microseconds=n), datetime(2017, 8, 1, tzinfo=UTC)),
            tags=some((), ("tea",), ('"quoted"', "żółw")),
            motto=some(Localized(pl="Dobra kawa"), Localized(en="Tea"), Localized(pl="Herbata", en="Tea", de="Tee")),
            story=some("<p>Stary <b>dom</b></p>", "<i>nowy</i>", ""),
            geometry=some(shapely.Point(16.9 + n / 1000, 52.4), shapely.box(16.9, 52.3, 16.9 + n / 500, 52.4)),
        )
        for n in range(1, 140)
    ]
    put(store, QUARTER, *QUARTERS)
    put(store, SHOP, *SHOPS, *more)
    return store


def written(name: str, value: Any) -> Any:
    """A value that `select` gives, as an answer has it."""
    match value:
        case Decimal():
            return f"{value:.2f}"
        case datetime():
            return value.astimezone(CITY_TIME).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case Localized():
            return value.best()
    return bytes(value) if name == "geometry" and value is not None else value


def read(one: Any) -> Any:
    """A value in the form of an answer, as a client reads it."""
    return bytes(one) if isinstance(one, bytes | memoryview) else orjson.loads(orjson.dumps(one))


def page(store: SqlStore, query: Query, *, positions: bool = False) -> Any:
    with store.driver() as connection:
        return store.columns.page(query, Reading(connection, lambda _: None), positions=positions)


def agrees(store: SqlStore, query: Query, *, positions: bool = False) -> int:
    """Check that a page read as columns is the one that `select` reads; how many records it has."""
    expected = store.select(query)
    found = page(store, query, positions=positions)
    assert (found.size, found.more) == (len(expected.rows), expected.more)
    for name in sorted(query.columns | {"code"}):
        values = [read(one) for one in found.values[name]]
        assert values == [written(name, row[name]) for row in expected.rows], name
    assert list(found.positions) == (expected.positions if positions else [])
    return len(expected.rows)


def question(where: Condition | None = None, window: Window | None = None, order: tuple[Order, ...] = ()) -> Query:
    return Query(SHOP, Version(1), NAMES, window or Window(1000), where, order)


VALUES: dict[str, tuple[Any, Any, Any]] = {
    "code": ("s040", "b", "zz"),
    "name": ("Ąla", "żaba", "Lis"),
    "motto": ("Dobra kawa", "Herbata", "Tea"),
    "story": ("<i>nowy</i>", "", "x"),
    "rent": (Decimal("0.05"), Decimal("-3.50"), Decimal("4.001")),
    "staff": (2, 2**40, 0),
    "rating": (4.5, 1 / 3, -1.0),
    "since": (SINCE, date(2017, 3, 1), date(2000, 2, 29)),
    "seen": (SEEN, datetime(2017, 8, 1, tzinfo=UTC), datetime(2017, 3, 5, 1, 2, 3, 40, tzinfo=UTC)),
}
COMPARISONS = [Operator.EQ, Operator.NE, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE]


@pytest.mark.parametrize("field", VALUES)
def test_every_comparison_of_every_kind(street: SqlStore, field: str) -> None:
    for operator in COMPARISONS:
        for value in VALUES[field]:
            agrees(street, question(Compare(field, operator, value)))
    agrees(street, question(Compare(field, Operator.IN, list(VALUES[field]))))
    assert agrees(street, question(Compare(field, Operator.IN, []))) == 0
    nothing = agrees(street, question(Compare(field, Operator.IS_NULL, value=True)))
    assert nothing + agrees(street, question(Compare(field, Operator.IS_NULL, value=False))) == 144


@pytest.mark.parametrize(
    "where",
    [
        Compare("open", Operator.EQ, value=True),
        Compare("open", Operator.NE, value=True),
        Compare("open", Operator.EQ, value=False),
        Compare("name", Operator.CONTAINS, "la"),
        Compare("name", Operator.STARTS_WITH, "SKLEP 1"),
        Compare("motto", Operator.CONTAINS, "herb"),
        Compare("story", Operator.CONTAINS, "dom"),
        Compare("tags", Operator.HAS, "żółw"),
        Compare("tags", Operator.HAS, '"quoted"'),
        InDistrict("W"),
        Not(InDistrict("E")),
        InDistrict("nowhere"),
        Bbox(16.9, 52.35, 16.95, 52.45),
        Near(16.95, 52.4, 700),
        Shape(shapely.box(16.9, 52.2, 17.0, 52.5), Predicate.WITHIN),
        RelatedTo(QUARTER, Version(1), Link(Predicate.WITHIN), Compare("code", Operator.EQ, "W")),
        And(()),
        Or(()),
        And((Compare("staff", Operator.GT, 1), Compare("rating", Operator.LT, 4.5), InDistrict("W"))),
        Or((Compare("staff", Operator.EQ, 3), Not(Compare("since", Operator.GT, SINCE)), Compare("name", Operator.IS_NULL, value=True))),
        Not(And((Compare("open", Operator.EQ, value=True), Or((InDistrict("W"), Compare("rent", Operator.GT, Decimal(1))))))),
        And((Near(16.95, 52.4, 5000), Compare("name", Operator.NE, "Ala"))),
    ],
    ids=str,
)  # fmt: skip
def test_every_condition(street: SqlStore, where: Condition) -> None:
    for window in (Window(1000), Window(10), Window(10, backward=True), Window(0)):
        agrees(street, question(where, window))
        agrees(street, question(where, window, (Order("name"),)), positions=True)


ORDERS = [
    (),
    (Order("code", descending=True),),
    (Order("name"),),
    (Order("rent", descending=True),),
    (Order("staff"), Order("name", descending=True)),
    (Order("since"), Order("rating", descending=True)),
    (Order("seen", descending=True),),
    (Order("motto"), Order("story")),
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("where", [None, Compare("staff", Operator.NE, 1)], ids=["all", "some"])
def test_pages_after_every_position_both_ways(
    street: SqlStore, order: tuple[Order, ...], where: Condition | None
) -> None:
    whole = street.select(question(where, order=order))
    assert any(None in position for position in whole.positions) or order in ORDERS[:2]
    for backward in (False, True):
        for place, position in enumerate(whole.positions):
            found = page(street, question(where, Window(4, position, backward), order))
            there = whole.rows[max(0, place - 4) : place] if backward else whole.rows[place + 1 : place + 5]
            assert list(found.values["code"]) == [row["code"] for row in there]
            assert found.more == (place > 4 if backward else place + 5 < len(whole.rows))
    for place in (0, 20, len(whole.rows) - 1):
        for backward in (False, True):
            query = question(where, Window(6, whole.positions[place], backward), order)
            agrees(street, query)
            agrees(street, query, positions=True)


@pytest.mark.parametrize("descending", [False, True])
def test_pages_by_a_yes_or_no(street: SqlStore, *, descending: bool) -> None:
    order = (Order("open", descending=descending), Order("rating"))
    for position in street.select(question(order=order)).positions[::20]:
        for backward in (False, True):
            agrees(street, question(None, Window(6, position, backward), order), positions=True)
            agrees(street, question(None, Window(6, position, backward), order))


def test_a_statement_is_made_once_for_a_form(street: SqlStore) -> None:
    orders = ((), (Order("name"),))

    def ask(version: int, text: str, number: int, district: str, position: tuple[Any, ...] | None) -> list[int]:
        where = And(
            (Compare("name", Operator.GTE, text), Or((Compare("staff", Operator.EQ, number), InDistrict(district))))
        )
        sizes = []
        for order in orders:
            own = None if position is None else position[: len(order)] + position[-1:]
            query = Query(SHOP, Version(version), NAMES, Window(30, own), where, order)
            assert form(query) is not None
            sizes.append(agrees(street, query))
        return sizes

    put(street, SHOP, *SHOPS)
    first = ask(1, "A", 2, "W", None)
    made = len(street.columns._kept)
    answers = [
        first,
        ask(1, "Z", 3, "E", None),
        ask(2, "A", 3, "W", None),
        ask(2, "łoś", 0, "E", None),
        ask(1, "A", 2, "W", None),
    ]
    assert len(street.columns._kept) == made == 2
    assert answers[-1] == first
    assert len({tuple(one) for one in answers}) > 2
    after = [ask(1, "A", 2, "W", (name, code)) for name, code in (("ala", "s001"), ("zoo", "s100"), ("", ""))]
    assert len(street.columns._kept) == made + 2
    assert len({tuple(one) for one in after}) > 1
    ask(1, "A", 2, "W", (None, "s050"))  # a position without a value is another form
    assert len(street.columns._kept) == made + 3


def test_forms_hold_no_values_and_some_questions_have_none() -> None:
    one, other = (
        form(
            question(
                And((Compare("name", Operator.LT, text), InDistrict(text))), Window(5, (text, 7)), (Order("name"),)
            )
        )
        for text in ("a", "b")
    )
    assert one is not None
    assert other is not None
    assert one[0] == other[0]
    assert hash(one[0].where) == hash(other[0].where)
    assert (one[1], other[1]) == (
        {"slot_0": 1, "slot_1": one[1]["slot_1"], "slot_2": "a", "slot_3": "a", "slot_4": 7},
        {"slot_0": 1, "slot_1": other[1]["slot_1"], "slot_2": "b", "slot_3": "b", "slot_4": 7},
    )
    for where in (
        Compare("rent", Operator.EQ, Decimal(1)),
        Compare("name", Operator.IN, ["a"]),
        Compare("name", Operator.CONTAINS, "a"),
        Compare("tags", Operator.HAS, "a"),
        Near(17, 52, 1),
        Or((Compare("name", Operator.EQ, "a"), Not(Bbox(1, 2, 3, 4)))),
    ):
        assert form(question(where)) is None


def test_records_by_key_and_by_row(street: SqlStore) -> None:
    rows = street.select(Query(SHOP, Version(1), NAMES, Window(1000))).rows
    wanted = ["a", "s007", "zz", "s100", "it's"]
    with street.driver() as connection:
        how = Reading(connection, lambda _: None)
        for keys in (wanted, ["b"], [], ["a", "a"]):
            found = street.columns.by_key(SHOP, Version(1), keys, frozenset({"rent", "seen"}), how)
            there = {
                row["code"]: (written("", row["rent"]), written("", row["seen"])) for row in rows if row["code"] in keys
            }
            codes, values = found.values["code"], zip(found.values["rent"], found.values["seen"], strict=True)
            assert dict(zip(codes, values, strict=True)) == there
            assert found.size == len(there)
        assert street.columns.by_key(SHOP, Version(0), wanted, frozenset(), how).size == 0
        numbers = street.by_row(SHOP, Version(1), range(1, 20), frozenset({"name"}))
        by_row = street.columns.by_row(SHOP, range(1, 20), frozenset({"name"}), how)
        assert dict(zip(by_row.values["_row"], by_row.values["name"], strict=True)) == {
            number: row["name"] for number, row in numbers.items()
        }


def test_what_is_read_is_spent_as_it_comes(store: SqlStore) -> None:
    put(store, SHOP, *(shop(f"{n:04}", story="ż" * 10_000) for n in range(600)))
    query = Query(SHOP, Version(1), frozenset({"story"}), Window(1000))
    spent: list[int] = []
    with store.driver() as connection:
        store.columns.page(query, Reading(connection, spent.append), positions=False)
        assert spent == [250 * 10_100, 250 * 10_100, 100 * 10_100]
        for form_ in (
            query,
            Query(SHOP, Version(1), query.columns, query.window, Compare("code", Operator.STARTS_WITH, "0")),
        ):
            budget = Budget(3 << 20)
            with pytest.raises(TooMuch, match=r"^the answer reads more than 3 MiB, the limit limits.answer_mib; "):
                store.columns.page(form_, Reading(connection, budget.spend), positions=False)
            assert (budget.taken, budget.spent) == (250 * 10_100, True)
            budget.spend(10_000)  # what is left is there for others
        assert store.columns.page(query, Reading(connection, lambda _: None), positions=False).size == 600


# short statements


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less of it, so that a small table will do."""
    monkeypatch.setattr(sqlite, "QUICK_STEPS", 600)


def short(store: SqlStore, query: Query) -> Any:
    with store.quick_driver() as connection:
        return store.columns.page(query, Reading(connection, lambda _: None, quick=True), positions=False)


@pytest.mark.usefixtures("patience")
def test_a_statement_that_takes_long_is_given_up_and_the_next_one_is_answered(street: SqlStore) -> None:
    everything = question(order=(Order("motto"),))
    few = Query(SHOP, Version(1), frozenset({"name"}), Window(1), Compare("code", Operator.EQ, "b"))
    if street.dialect.quick(street.engine) is None:  # a server is waited for
        with pytest.raises(Slow):
            short(street, few)
        return
    for _ in range(3):
        with pytest.raises(Slow):
            short(street, everything)
        assert list(short(street, few).values["name"]) == ["Lis"]
        assert agrees(street, everything) == 144
    with pytest.raises(Slow):  # one that is made for its values is not tried at all
        short(street, question(Compare("name", Operator.CONTAINS, "a")))
    with street.quick_driver() as connection, pytest.raises(Slow), street.quick_driver():
        pytest.fail(f"{connection} is used by two at once")
    assert list(short(street, few).values["name"]) == ["Lis"]


def test_a_short_statement_is_short_however_often_it_is_asked(tmp_path: Path, catalog: Catalog) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/store.sqlite", catalog)) as store:
        put(store, SHOP, *(shop(f"{n:03}") for n in range(200)))
        for _ in range(200):
            assert short(store, question()).size == 200
