"""The declaration of a data set: what it derives, what it refuses, how rows become records, and what mypy sees of it."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import shapely

from broker.errors import DeclarationError, RowError
from broker.model import (
    CC0,
    CC_BY,
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
    live,
)

CITY = Source("city", "Miasto", "https://city.example", "A city system")


class Given:
    """Reads rows that a test writes as JSON."""

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        yield await upstream.get()

    def rows(self, page: Page) -> Iterator[Row]:
        yield from page.json


def kept(**options: Any) -> Callable[[type[Any]], type[Any]]:
    return dataset(
        CITY,
        options.pop("name", "things"),
        key=options.pop("key", "number"),
        reader=Given(),
        refresh=every(hours=1),
        licence=CC0,
        **options,
    )


def total(net: str, tax: str) -> Decimal:
    return Decimal(net) + Decimal(tax)


@dataset(
    CITY,
    "tree_permits",
    key="number",
    reader=Given(),
    refresh=every(days=1, hours=2, minutes=3),
    licence=CC_BY,
    page="https://city.example/{number}",
)
class TreePermit(Record):
    """A permit
    to fell a tree.
    """

    number: str = field("Number", of="nr", search="title")
    trees: int = field("Trees", unit="trees")
    height: float | None = field("Height of the tallest", unit="m")
    fee: Decimal | None = field("Fee with tax", of=("net", "tax"), read=total, unit="PLN", scale=2)
    granted: bool | None = field("Whether it was granted")
    day: date | None = field("Day of the decision")
    at: datetime | None = field("Moment of the decision")
    reasons: str | None = field("Reasons", html=True, search="text")
    texts: Localized | None = field("Texts", html=True, of="texts", read=lambda value: value and Localized(value))
    tags: tuple[str, ...] | None = field("Tags", read=lambda value: tuple(value) if value else None)
    place: Geometry | None = field("Where", of=("lon", "lat"), read=lambda x, y: shapely.Point(x, y) if x else None)


DECLARED = TreePermit.__dataset__
LEAST = {"nr": "1", "trees": "2", "net": "1", "tax": "0"}


def read(*rows: Row) -> list[Record | Rejected]:
    page = Page(b"")
    page.__dict__["json"] = rows  # as if read from the body, which JSON could not hold for every row here
    return list(DECLARED.records(page))


def one(**row: object) -> TreePermit:
    (made,) = read({**LEAST, **row})
    assert isinstance(made, TreePermit), made
    return made


def reason(**row: object) -> str:
    (made,) = read({**LEAST, **row})
    assert isinstance(made, Rejected), made
    return made.reason


def test_everything_else_follows_from_the_declaration() -> None:
    assert DECLARED.id == "city.tree_permits"
    assert DECLARED.root == "treePermits"
    assert DECLARED.type_name == "TreePermit"
    assert DECLARED.title == "Tree permits"
    assert DECLARED.description == "A permit to fell a tree."
    assert (DECLARED.geometry, DECLARED.located) == ("place", True)
    assert DECLARED.refresh.interval == timedelta(days=1, hours=2, minutes=3)
    assert DECLARED.refresh.live is False
    assert (live(seconds=30).interval, live(seconds=30).live) == (timedelta(seconds=30), True)
    assert DECLARED.partition is False


def test_a_field_knows_its_kind_and_where_it_comes_from() -> None:
    kinds = {one.name: (one.kind, one.optional) for one in DECLARED.fields}

    assert kinds["number"] == (str, False)
    assert kinds["fee"] == (Decimal, True)
    assert kinds["tags"] == (tuple, True)
    assert kinds["place"] == (Geometry, True)
    assert DECLARED.field("number").of == ("nr",)
    assert DECLARED.field("trees").of == ("trees",)
    assert DECLARED.field("fee").of == ("net", "tax")
    assert DECLARED.field("texts").localized
    assert (DECLARED.field("fee").unit, DECLARED.field("fee").scale) == ("PLN", 2)
    with pytest.raises(KeyError):
        DECLARED.field("nr")


def test_a_row_becomes_a_record() -> None:
    made = one(
        nr=" 7/2017 ",
        height="12.5",
        net="100.10",
        tax="23",
        granted="tak",
        day="2017-03-01",
        at="2017-03-01T10:00:00+00:00",
        reasons="<p onclick='x()'>dry</p>",
        texts={"pl": "<b>tak</b><script>x</script>"},
        tags=["a", "b"],
        lon=16.9,
        lat=52.4,
    )

    assert made.number == "7/2017"
    assert made.trees == 2
    assert made.height == 12.5
    assert made.fee == Decimal("123.10")
    assert made.granted is True
    assert made.day == date(2017, 3, 1)
    assert made.at == datetime(2017, 3, 1, 10, tzinfo=UTC)
    assert made.reasons == "<p>dry</p>"
    assert made.texts == {"pl": "<b>tak</b>"}
    assert isinstance(made.texts, Localized)
    assert made.tags == ("a", "b")
    assert made.place == shapely.Point(16.9, 52.4)
    with pytest.raises(AttributeError):
        made.trees = 3  # type: ignore[misc]  # a record is frozen


def test_what_is_absent_is_none_where_it_may_be() -> None:
    made = one(height="", granted=None, day="  ", reasons="")

    assert (made.height, made.granted, made.day, made.reasons, made.place, made.tags) == (None,) * 6


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"nr": ""}, "number: missing (nr)"),
        ({"trees": None}, "trees: missing (trees)"),
        ({"trees": "two"}, "trees: invalid literal for int() with base 10: 'two' (trees='two')"),
        ({"height": "nan"}, "height: 'nan' is not a number (height='nan')"),
        ({"height": "-inf"}, "height: '-inf' is not a number (height='-inf')"),
        ({"granted": "perhaps"}, "granted: 'perhaps' is not yes or no (granted='perhaps')"),
        ({"day": "2017-02-30"}, "day: day is out of range for month (day='2017-02-30')"),
        ({"tags": 5}, "tags: 'int' object is not iterable (tags=5)"),
        ({"texts": [1]}, "texts: "),
        ({"nr": "1\0"}, "number: a text with a NUL in it (nr)"),
        ({"tags": ["a", "\0"]}, "tags: a text with a NUL in it (tags)"),
        ({"trees": "9" * 19}, "trees: a number beyond 64 bits (trees)"),
        ({"net": "9" * 18}, "fee: a number beyond 64 bits (net, tax)"),
        ({"net": "x" * 99}, f"fee: [<class 'decimal.ConversionSyntax'>] (net='{'x' * 56}..., tax='0')"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_with_field_and_value(row: dict[str, object], why: str) -> None:
    assert reason(**row).startswith(why)


def test_a_bad_row_takes_no_other_with_it_and_is_kept() -> None:
    bad = {**LEAST, "nr": "2", "trees": "?"}
    made = read({**LEAST, "nr": "1"}, bad, {**LEAST, "nr": "3"})

    assert [type(one) for one in made] == [TreePermit, Rejected, TreePermit]
    assert isinstance(made[1], Rejected)
    assert made[1].row == bad


def test_a_record_may_read_its_row_as_a_whole() -> None:
    @kept()
    class Span(Record):
        """A span of days."""

        number: str = field("Number")
        days: int = field("Length", unit="days")

        @classmethod
        def from_row(cls, row: Row) -> dict[str, Any]:
            if row["to"] < row["from"]:
                raise RowError("it ends before it begins")
            return {"number": row["n"], "days": row["to"] - row["from"]}

    made = list(Span.__dataset__.records(Page(b'[{"n": "a", "from": 1, "to": 4}, {"n": "b", "from": 4, "to": 1}]')))
    assert made == [Span(number="a", days=3), Rejected({"n": "b", "from": 4, "to": 1}, "it ends before it begins")]


def test_a_value_of_the_wrong_kind_is_told() -> None:
    @kept()
    class Thing(Record):
        """A thing."""

        number: str = field("Number")
        place: Geometry | None = field("Where")

    assert [one.reason for one in Thing.__dataset__.records(Page(b'[{"number": 1, "place": "here"}]'))] == [  # type: ignore[union-attr]  # rejected
        "place: expected BaseGeometry, got str (place='here')"
    ]


def badly(**annotations: Any) -> type[Any]:
    """A record class with these fields, as a class statement would make it."""
    types = {name: kind for name, (kind, _) in annotations.items()}
    values = {name: value for name, (_, value) in annotations.items() if value is not ...}
    return type("Thing", (Record,), {"__doc__": "A thing.", "__annotations__": types, **values})


NUMBER = (str, field("Number"))


@pytest.mark.parametrize(
    ("fields", "options", "said"),
    [
        ({"number": NUMBER}, {"name": "Things"}, "the data set's name 'Things' must be lower case with underscores"),
        ({"number": NUMBER}, {"key": "no"}, "Thing: key 'no' is none of its fields"),
        ({"number": (str, ...)}, {}, 'Thing.number: declare it as `number: type = field("what it is")`'),
        ({"number": (str, "x")}, {}, 'Thing.number: declare it as `number: type = field("what it is")`'),
        ({"number": NUMBER, "x": (complex, field("X"))}, {}, "Thing.x: type <class 'complex'> is not one of str, int,"),
        ({"number": NUMBER, "x": (int | str, field("X"))}, {}, "Thing.x: type int | str is not one of"),
        ({"number": NUMBER, "x": (int, field("X"))}, {}, "Thing.x: a number needs its unit"),
        ({"number": NUMBER, "x": (float | None, field("X"))}, {}, "Thing.x: a number needs its unit"),
        ({"number": NUMBER, "x": (Decimal, field("X"))}, {}, "Thing.x: a number needs its unit"),
        ({"number": NUMBER, "x": (str, field("X", of=("a", "b")))}, {}, "Thing.x: read from 2 upstream values"),
        ({"number": NUMBER, "id": (str, field("Id"))}, {}, "Thing: every record has a 'id' of the broker's"),
        ({"number": NUMBER, "provenance": (str, field("P"))}, {}, "Thing: every record has a 'provenance'"),
        (
            {"number": NUMBER, "area": (str, field("A")), "g": (Geometry, field("G"))},
            {},
            "Thing: every record has a 'area' of the broker's; name the field otherwise",
        ),
        (
            {"number": NUMBER, "g": (Geometry, field("G")), "h": (Geometry, field("H"))},
            {},
            "Thing: a record has one place",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    fields: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DeclarationError) as raised:
        kept(**options)(badly(**fields))
    assert said in str(raised.value)


def test_a_record_without_a_docstring_is_refused() -> None:
    for text in (None, "", "  "):
        bare = badly(number=NUMBER)
        bare.__doc__ = text
        with pytest.raises(DeclarationError, match="say what one record is, in a docstring"):
            kept()(bare)


def test_a_record_without_a_place_may_use_the_words_of_place() -> None:
    made: Dataset = kept()(badly(number=NUMBER, area=(str, field("Area")))).__dataset__

    assert made.located is False
    assert made.geometry is None


SNIPPET = '''
from decimal import Decimal
from broker.model import CC0, Record, Source, dataset, every, field
from connectors.protocols.sheets import Sheet

@dataset(Source("x", "X", "https://x.example", "X"), "things", key="number", reader=Sheet("x"), refresh=every(hours=1), licence=CC0)
class Thing(Record):
    """A thing."""

    number: str = field("Number")
    price: Decimal | None = field("Price", unit="PLN")

Thing(number="1", price=None)
Thing(number="1")
Thing(number=1, price=None)
Thing(number="1", price=None).cost
Thing(number="1", price=None).number = "2"
'''


def test_mypy_sees_a_missing_field_and_a_wrong_one(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET, encoding="utf-8")
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(snippet)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    said = [line.rsplit("error: ", 1)[1] for line in ran.stdout.splitlines() if "error: " in line]
    assert said == [
        'Missing named argument "price" for "Thing"  [call-arg]',
        'Argument "number" to "Thing" has incompatible type "int"; expected "str"  [arg-type]',
        '"Thing" has no attribute "cost"  [attr-defined]',
        'Property "number" defined in "Thing" is read-only  [misc]',
    ], ran.stdout + ran.stderr


def test_a_shape_is_repaired_when_that_is_certain_and_its_row_rejected_when_not() -> None:
    @dataset(CITY, "plots", key="number", reader=Given(), refresh=every(days=1), licence=CC0)
    class Plot(Record):
        """A plot."""

        number: str = field("Number")
        outline: Geometry | None = field("Outline", read=lambda wkt: shapely.from_wkt(wkt) if wkt else None)

    body = b"""[{"number": "1", "outline": "POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))"},
               {"number": "2", "outline": "POLYGON((0 3, 2 -3, -3 1, 3 1, -2 -3, 0 3))"},
               {"number": "3", "outline": "POINT(1 1)", "@repaired": "axes were swapped"},
               {"number": "4", "outline": null}]"""
    bow, star, point, nothing = Plot.__dataset__.records(Page(body))
    assert isinstance(bow, Repaired)
    assert (bow.what, bow.record.outline.area) == ("shape repaired: Self-intersection", 2)  # type: ignore[attr-defined]
    assert isinstance(star, Rejected)
    assert star.reason.startswith("outline: Self-intersection")
    assert star.reason.endswith("and it is not certain what was meant")
    assert isinstance(point, Repaired)
    assert point.what == "axes were swapped"
    assert isinstance(nothing, Plot)
