"""A small town of shops and quarters, whose records a test puts into a store by hand."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import shapely

from broker.model import (
    CC0,
    Dataset,
    Geometry,
    Localized,
    Page,
    Record,
    Rejected,
    Repaired,
    Row,
    Source,
    Upstream,
    dataset,
    every,
    field,
)
from broker.store import SqlStore

TOWN = Source("town", "A small town", "http://127.0.0.1:9", "Shops and quarters.")


class Nothing:
    """A reader for records that tests put in by hand."""

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """No pages."""
        del upstream
        for page in ():
            yield page

    def rows(self, page: Page) -> Iterator[Row]:
        """No rows."""
        del page
        yield from ()


@dataset(TOWN, "quarters", key="code", reader=Nothing(), refresh=every(days=1), licence=CC0, partition=True)
class Quarter(Record):
    """A quarter of the town."""

    code: str = field("Code")
    name: str = field("Name", search="title")
    geometry: Geometry = field("Outline")


@dataset(TOWN, "shops", key="code", reader=Nothing(), refresh=every(days=1), licence=CC0)
class Shop(Record):
    """A shop."""

    code: str = field("Code")
    name: str | None = field("Name", search="title")
    rent: Decimal | None = field("Rent", unit="PLN")
    staff: int | None = field("People", unit="people")
    rating: float | None = field("Rating", unit="stars")
    open: bool | None = field("Whether it is open")
    since: date | None = field("First day")
    seen: datetime | None = field("Last seen")
    tags: tuple[str, ...] | None = field("Tags")
    motto: Localized | None = field("Motto", search="text")
    story: str | None = field("Story", html=True, search="text")
    geometry: Geometry | None = field("Place")


def shop(code: str, **given: Any) -> Shop:
    """A shop with nothing but what is given."""
    nothing = dict.fromkeys(one.name for one in Shop.__dataset__.fields)
    return Shop(**{**nothing, "code": code, **given})


SHOPS = (
    shop("a", name="Łoś", rent=Decimal("10.10"), staff=3, rating=4.5, open=True, since=date(2017, 1, 31), tags=("tea", "books"),
         seen=datetime(2017, 1, 31, 23, 30, tzinfo=UTC), motto=Localized(pl="Dobra herbata", en="Good tea"),
         geometry=shapely.Point(16.90, 52.40)),
    shop("b", name="Lis", rent=Decimal("-0.05"), staff=0, open=False, since=date(2017, 2, 1), story="<p>Stary <b>dom</b></p>",
         geometry=shapely.Point(16.95, 52.40)),
    shop("c", name="łabędź", rent=Decimal("20.20"), staff=12, rating=4.5, since=date(2016, 12, 31),
         geometry=shapely.box(16.92, 52.39, 16.96, 52.41)),
    shop("d", name="Żaba 50%", rent=None, staff=None, open=True, tags=("books",)),
    shop("e", name=None, rent=Decimal("1234567.89"), geometry=shapely.LineString([(16.80, 52.30), (16.90, 52.31)])),
)  # fmt: skip
QUARTERS = (
    Quarter(code="W", name="Zachód", geometry=shapely.box(16.7, 52.2, 16.93, 52.6)),
    Quarter(code="E", name="Wschód", geometry=shapely.box(16.93, 52.2, 17.2, 52.6)),
)


def put(store: SqlStore, declared: Dataset, *records: Record | Repaired | Rejected) -> Any:
    """Publish a version that holds exactly these records; gives what was published and what changed."""
    draft = store.draft(declared, sample=False)
    try:
        draft.add(records)
        return draft.publish(), draft.changes
    finally:
        draft.close()
