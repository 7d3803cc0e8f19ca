"""Polish order and folding, markup made safe and made plain, texts in several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.text import MARK, Localized, collation, fold, nearest, plain_text, safe_html

ALPHABET = "aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż"


def test_the_polish_alphabet_sorts_as_in_school() -> None:
    assert sorted(ALPHABET, key=collation) == list(ALPHABET)
    assert sorted(ALPHABET.upper(), key=collation) == list(ALPHABET.upper())


def test_a_mark_counts_before_the_letters_after_it() -> None:
    words = ["łoś", "Lublin", "luty", "lód", "lodówka", "żaba", "zza", "źle", "zamek", "lód ", "los"]

    assert sorted(words, key=collation) == [
        *("lodówka", "los", "lód", "lód ", "Lublin", "luty", "łoś"),
        *("zamek", "zza", "źle", "żaba"),
    ]


def test_the_order_of_bytes_is_the_order_of_the_texts() -> None:
    words = ["Święty Marcin", "Swarzędz", "Ślusarska", "Środka", "Sz", "S"]

    assert sorted(words, key=lambda one: collation(one).encode()) == sorted(words, key=collation)
    assert collation("Żółw") == f"z{MARK}{MARK}o{MARK}l{MARK}w"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Żółw", "zolw"),
        ("ŁAZARZ", "lazarz"),
        ("Straße", "strasse"),
        ("Škoda Ångström Øre", "skoda angstrom ore"),
        ("z\u0301", "z"),
        ("ul.\u00a0Święty", "ul. swiety"),
        ("２０", "20"),
        ("北京", "北京"),
        (f"a{MARK}b", "ab"),
        ("", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert MARK not in fold(text)


@given(st.text(alphabet=ALPHABET + ALPHABET.upper() + " -.0123456789"))
def test_a_polish_text_folds_to_ascii_letter_by_letter(text: str) -> None:
    assert fold(text).isascii()
    assert len(fold(text)) == len(text)


def test_a_localized_text_falls_back_to_polish_then_to_any() -> None:
    assert Localized(pl="ratusz", en="town hall").best("en") == "town hall"
    assert Localized(pl="ratusz", en="").best("en") == "ratusz"
    assert Localized(de="Rathaus").best("en") == "Rathaus"
    assert Localized().best() == ""


@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("  plain 1 > 0  ", "plain 1 > 0"),
        ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
        ("<style>p{}</style><p style='x' onclick='y()' class='z'>a</p>", "<p>a</p>"),
        ("<iframe src='//x'></iframe><form><input></form>ok", "ok"),
        ("<a href='javascript:alert(1)'>x</a>", '<a rel="noopener noreferrer">x</a>'),
        (
            "<a href='https://poznan.pl' target='_blank'>x</a>",
            '<a href="https://poznan.pl" rel="noopener noreferrer">x</a>',
        ),
        ("<img src='data:image/png;base64,x' alt='herb' onerror='y'>", '<img alt="herb">'),
        ("<b>unclosed", "<b>unclosed</b>"),
        ("&oacute;", "ó"),
        ("<!-- hidden -->a<svg onload=x>", "a"),
    ],
)
def test_markup_is_made_safe(markup: str, safe: str) -> None:
    assert safe_html(markup) == safe


@given(st.text(alphabet="<>&;/!-\"' =abscriptonload#x"))
def test_safe_markup_stays_as_it_is(markup: str) -> None:
    once = safe_html(markup)
    assert "<script" not in once.lower()
    assert safe_html(once) == once


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<p>Ko&sacute;ci&oacute;&lstrok;</p>", "Kościół"),
        ("<h2>Tytuł</h2><p>Jeden<br>dwa</p><ul><li>a</li><li>b</li></ul>", "Tytuł\nJeden\ndwa\na\nb"),
        ("a<script>x()</script>b<style>y</style>c", "abc"),
        ("za&nbsp;dużo \t  blanków\n\n\n", "za dużo blanków"),
        ("1 &lt; 2", "1 < 2"),
        ("no markup &amp; no lines", "no markup & no lines"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"),
        ("<", "<"),
        ("", ""),
        ("<p>a\x00b</p>", "a\ufffdb"),
    ],
)
def test_markup_is_made_plain(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@given(st.text())
def test_any_text_can_be_made_plain_and_safe(text: str) -> None:
    assert isinstance(plain_text(text), str)
    assert isinstance(safe_html(text), str)


def test_the_nearest_names_are_those_that_were_meant() -> None:
    names = ["Jeżyce", "Junikowo", "Wilda", "Wola", "Żegrze"]

    assert nearest("Jezycee", names) == ["Jeżyce"]
    assert nearest(" WILD", names)[0] == "Wilda"
    assert nearest("zegze", names)[0] == "Żegrze"
    assert nearest("?", names) == []
    assert nearest("x" * 1_000_000, names) == []
