"""Whatever a source sends, a store takes the version: a value that cannot be kept costs its own row, with a reason, and no other."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broker.catalog import Catalog
from broker.language import LONGEST_WORD, stem, words
from broker.model import Dataset, Localized, Page, Rejected, Row
from broker.query import Compare, Find, Operator, Order, Query, Term, Version, Window
from broker.store import SqlStore, open_store
from tests.city.postgres import Cluster
from tests.faults.extent import WHOLE
from tests.stores.town import Nothing, Quarter, Shop, put, shop

SHOP = Shop.__dataset__
LONG = [2046, 2047, 2704, 8192, 70_000]
letters = st.characters() | st.sampled_from("ąłżßǽ𝒵\u0301\x7f\0\ud800\udfff\n\u2028'\"\\%_")
texts = st.one_of(
    st.text(letters, max_size=40),
    st.builds(lambda letter, size: letter * size, letters, st.sampled_from(LONG)),
    st.builds(
        lambda word, many: " ".join(f"{word}{n}" for n in range(many)),
        st.text(letters, max_size=5),
        st.sampled_from([1, 900]),
    ),
)
moments = st.datetimes(timezones=st.none() | st.just(UTC)) | st.sampled_from(
    [datetime.min, datetime.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]  # noqa: DTZ901
)
numbers = st.one_of(st.integers(), st.sampled_from([2**63 - 1, 2**63, -(2**63), 2**70]))
decimals = st.decimals() | st.sampled_from(
    list(map(Decimal, ("NaN", "1E-1000000", "1E+400", "0.125", "92233720368547758.07")))
)
places = st.one_of(
    st.builds(shapely.Point, st.floats(), st.floats()),
    st.builds(shapely.Point, st.floats(-180, 180), st.floats(-90, 90)),
    st.sampled_from(
        [shapely.Point(), shapely.Polygon(), shapely.Point(16.9, 52.4, 80), shapely.box(-180, -90, 180, 90)]
    ),
    st.sampled_from([shapely.LineString([(-180, 0), (180, 0)]), shapely.Point(106, 0), shapely.Point(-73, 89.999999)]),
)
rows = st.fixed_dictionaries(
    {"code": texts},
    optional={
        "name": texts,
        "rent": decimals,
        "staff": numbers,
        "rating": st.floats(),
        "open": st.sampled_from([None, "tak", "nie", "?"]),
        "since": st.dates() | st.sampled_from([date.min, date.max]),
        "seen": moments,
        "tags": st.lists(texts, max_size=3).map(tuple),
        "motto": st.dictionaries(st.sampled_from(["pl", "en", "\ud800"]), texts).map(Localized),
        "story": texts,
        "geometry": places,
    },
)  # fmt: skip


def instance(value: Any) -> Any:
    return value


class Rows(Nothing):
    """Gives rows that a test holds."""

    def __init__(self) -> None:
        self.held: list[Row] = []

    def rows(self, page: Page) -> Iterator[Row]:
        del page
        yield from self.held


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[list[SqlStore]]:
    folder: Path = tmp_path_factory.mktemp("values")
    catalog = Catalog.of([Quarter.__dataset__, SHOP])
    stores = [open_store(url, catalog) for url in (f"sqlite:///{folder}/store.sqlite", cluster.database())]
    yield stores
    for one in stores:
        one.close()


def as_given(declared: Dataset) -> Dataset:
    """The data set read from rows that hold values as a connector's own functions make them."""
    from dataclasses import replace  # noqa: PLC0415

    fields = tuple(
        replace(one, read=instance) if one.kind in (Decimal, datetime, date, float, int) else one
        for one in declared.fields
    )
    return replace(declared, reader=Rows(), fields=fields)


@settings(
    max_examples=1500 if WHOLE else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(some=st.lists(rows, max_size=6))
@example(
    some=[
        {"code": "a", "name": "x" * 5000, "story": "y" * 3000},
        {"code": "b" * 3000},
        {"code": "c\ud800"},
        {"code": "d", "staff": 2**70},
    ]
)
@example(
    some=[
        {
            "code": "a",
            "story": " ".join(f"słowo{n}" for n in range(150_000)),
            "name": " ".join(f"tytuł{n}" for n in range(40_000)),
        }
    ]
)
def test_no_value_makes_a_store_refuse_a_version(both: list[SqlStore], some: list[Row]) -> None:
    declared = as_given(SHOP)
    reader = declared.reader
    assert isinstance(reader, Rows)
    reader.held = [{"code": "whole", "name": "Cały"}, *some]
    kept = []
    for store in both:
        names: Counter[str] = Counter()
        read = list(declared.records(Page(b""), names))
        draft = store.draft(SHOP, sample=False)
        draft.fields.update({f"{name}\ud800\0": count for name, count in names.items()})
        try:
            draft.add(read)
            published = draft.publish()
        finally:
            draft.close()
        assert draft.changes.records + draft.changes.rejected + draft.changes.repeated == len(some) + 1
        query = Query(
            SHOP, published.version, frozenset({"name", "rent", "seen", "since"}), Window(100), None, (Order("name"),)
        )
        page = store.select(query)
        assert len(page.rows) == published.records >= 1
        assert all(reason and row for reason, row in store.rejected(SHOP, 100))
        kept.append((page.rows, [reason for reason, _ in store.rejected(SHOP, 100)]))
    assert kept[0] == kept[1]


@pytest.mark.parametrize("size", [LONGEST_WORD - 1, LONGEST_WORD, LONGEST_WORD + 1, 2046, 2047, 5000])
@pytest.mark.parametrize("letter", ["a", "ł", "ж", "𝒳"])
def test_a_long_word_is_found(store: SqlStore, letter: str, size: int) -> None:
    put(store, SHOP, shop("long", name=letter * size), shop("other", name="Lis"))
    (word,) = words(letter * size)
    for term in (Term((stem(word),), None), Term((), word), Term((), word[:10])):
        hits, _ = store.find(Find((term,), {SHOP.id: Version(1)}, 10))
        assert [one.key for one in hits] == ["long"]


def test_long_titles_are_ordered_and_compared_whole(store: SqlStore) -> None:
    ends = "abc"
    put(store, SHOP, *(shop(end, name="x" * 20_000 + end) for end in ends))
    query = Query(SHOP, Version(1), frozenset({"name"}), Window(2), None, (Order("name", descending=True),))
    page = store.select(query)
    assert [row["code"] for row in page.rows] == ["c", "b"]
    rest = store.select(Query(SHOP, Version(1), frozenset(), Window(2, page.positions[-1]), None, query.order))
    assert [row["code"] for row in rest.rows] == ["a"]
    found = store.select(
        Query(SHOP, Version(1), frozenset(), Window(9), Compare("name", Operator.GT, "x" * 20_000 + "a"))
    )
    assert [row["code"] for row in found.rows] == ["b", "c"]


def test_a_reason_holds_what_no_text_of_a_store_can(store: SqlStore) -> None:
    put(store, SHOP, shop("a"), Rejected({"\ud800": "\0", "n": 2**70}, "half \ud800 and \0"))
    assert store.rejected(SHOP, 1) == [
        ("half \ufffd and \ufffd", '{"\'\\\\ud800\'":"\'\\\\x00\'","\'n\'":"1180591620717411303424"}')
    ]
