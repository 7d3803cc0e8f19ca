from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connectors.protocols.values import day, days_between, markup, money, text, texts


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1 234 567,89", "1234567.89"),
        ("1\u00a0234\u00a0567,89", "1234567.89"),
        ("1\u202f234\u2009567,89", "1234567.89"),
        ("7 129,08", "7129.08"),
        ("0,00", "0"),
        (",50", "0.5"),
        (",6", "0.6"),
        ("-,50", "-0.5"),
        ("-,26", "-0.26"),
        ("1 200,", "1200"),
        ("1160550,", "1160550"),
        ("0,", "0"),
        ("-3 271,00", "-3271"),
        ("\u22123 271,00", "-3271"),
        ("- 12,5", "-12.5"),
        ("180,50 zł", "180.5"),
        ("22 PLN", "22"),
        ("1234.5", "1234.5"),
        (12, "12"),
        (12.5, "12.5"),
    ],
)
def test_every_way_an_amount_is_written(written: object, amount: str) -> None:
    assert money(written) == Decimal(amount)


@pytest.mark.parametrize("written", [None, "", " ", "\u00a0", "\t"])
def test_no_amount(written: object) -> None:
    assert money(written) is None


@pytest.mark.parametrize(
    "written",
    ["dwa złote", "-", ",", "-,", ".", "1,2,3", "1.234.567,89", "NaN", "Infinity", "1e5", "1_000", "--5", "٣"],
)
def test_what_is_no_amount_is_said(written: str) -> None:
    with pytest.raises(ValueError, match="is not an amount such as '1 234 567,89'"):
        money(written)


@given(
    some.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12),
    some.sampled_from([" ", "\u00a0", "\u202f", "\u2009", ""]),
)
def test_an_amount_written_the_polish_way_is_read_back(amount: Decimal, blank: str) -> None:
    assert money(f"{amount:,.2f}".replace(",", blank).replace(".", ",")) == amount


@given(some.text(max_size=20))
def test_any_text_is_an_amount_or_a_value_error(written: str) -> None:
    try:
        amount = money(written)
    except ValueError:
        return
    assert amount is None or amount.is_finite()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2017-03-01", date(2017, 3, 1)),
        ("2017-03-01 00:00:00", date(2017, 3, 1)),
        ("2017-03-01T12:30:00", date(2017, 3, 1)),
        (" 1.03.2017 ", date(2017, 3, 1)),
        ("01.03.2017 r.", date(2017, 3, 1)),
        ("01-03-2017", date(2017, 3, 1)),
        ("1/3/2017 12:00", date(2017, 3, 1)),
        ("1 marca 2017 r.", date(2017, 3, 1)),
        ("12 Października 2017 roku", date(2017, 10, 12)),
        ("0200-11-04", date(200, 11, 4)),
        ("", None),
        (None, None),
        ("0000-00-00", None),
        ("0001-01-01", None),
        ("null", None),
    ],
)
def test_every_way_a_day_is_written(written: object, expected: date | None) -> None:
    assert day(written) == expected


@pytest.mark.parametrize("written", ["2017-02-30", "31.02.2017", "1 mars 2017", "wczoraj", "2017", "17-03-01"])
def test_what_is_no_day_is_said(written: str) -> None:
    with pytest.raises(ValueError, match=f"'{written}' is not a day"):
        day(written)


@given(some.dates())
def test_a_day_is_read_back(one: date) -> None:
    expected = None if one == date.min else one  # 0001-01-01 is how a register writes that it does not know
    assert day(one.isoformat()) == expected
    assert day(f"{one.day}.{one.month:02}.{one.year:04}") == one


def test_days_between() -> None:
    assert days_between("2017-01-02", "2017-01-11") == 9
    assert days_between("2017-01-02", "2017-01-02") == 0
    assert days_between("2017-01-02", "") is None
    with pytest.raises(ValueError, match="2017-01-01 is before 2017-01-02"):
        days_between("2017-01-02", "2017-01-01")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (" Elektro &amp; Serwis &#40;b&#41; ", "Elektro & Serwis (b)"),
        ("&quot;Żółw&quot;", '"Żółw"'),
        ("R&D, A&Copy, &NONWOVEN", "R&D, A&Copy, &NONWOVEN"),
        ("&nieznane;", "&nieznane;"),
        (0, "0"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_texts_are_read_with_their_references(written: object, expected: str | None) -> None:
    assert text(written) == expected


def test_lists_of_texts() -> None:
    assert texts(["a", "", None, "b&amp;c"]) == ("a", "b&c")
    assert texts("a") == ("a",)
    assert texts(None) == ()


def test_markup_may_come_escaped() -> None:
    assert markup("&lt;p&gt;a &amp;amp; b&lt;/p&gt;") == "<p>a &amp; b</p>"
    assert markup("<p>1 &lt; 2</p>") == "<p>1 &lt; 2</p>"
    assert markup(" ") is None
    assert markup(None) is None
