"""The words of the search: stems measured on a table of forms, near words, highlights."""

import re
from html import unescape
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rapidfuzz.distance import OSA

from broker.language import Vocabulary, content_words, highlight, stem, stems, words
from broker.text import fold

FORMS = [
    line.split()
    for line in (Path(__file__).parent / "polish_forms.txt").read_text("utf-8").splitlines()
    if line[0] != "#"
]
# Words of one root: finding one with the other is what a reader expects.
# Words of one root: finding one with the other is what a reader expects.
RELATED = {frozenset({"rower", "rowerowy"}), frozenset({"park", "parkować"})}
MARKUP = re.compile(r"</?mark>")


def test_forms_of_a_word_share_its_stem_and_other_words_do_not() -> None:
    missed = [form for lemma, *others in FORMS for form in others if stem(fold(form)) != stem(fold(lemma))]
    kept = 1 - len(missed) / sum(len(line) - 1 for line in FORMS)
    pairs = list(combinations([line[0] for line in FORMS], 2))
    merged = [(a, b) for a, b in pairs if stem(fold(a)) == stem(fold(b)) and frozenset({a, b}) not in RELATED]
    assert len(FORMS) >= 150
    assert kept >= 0.97, missed
    assert merged == []


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ("zolw zolwie zolwia zolwiem zolwi", "zolw"),
        ("szkola szkole szkol", "szkol"),
        ("miasto miescie", "miast"),
        ("rower rowery rowerowy rowerze", "rower"),
        ("informacja informacji informacjom", "informac"),
        ("mieszkaniec mieszkanca mieszkancy", "mieszkanc"),
        ("wiek wieku", "wiek"),
        ("2017 12a x7owie", None),
        ("ul i na dom", None),
    ],
)
def test_stem(forms: str, expected: str | None) -> None:
    for form in forms.split():
        assert stem(form) == (expected or form)


def test_words_are_folded_letters_and_digits() -> None:
    assert words("Żółw, ŁÓDŹ-Górna; nr 12a_b!  №5") == ["zolw", "lodz", "gorna", "nr", "12a", "b", "no5"]
    assert words("Z\u0307o\u0301łw") == ["zolw"]
    assert words("Площа Польська") == ["площа", "польська"]
    assert words("ℌ Ǽ") == ["h", "ae"]
    assert words(" -- ") == []
    assert stems("Remonty szkół i przystanków") == "remont szkol i przystank"


def test_function_words_are_not_looked_for() -> None:
    assert content_words("Przystanki na Rynku i przy Żółwiu") == ["przystanki", "rynku", "zolwiu"]
    assert content_words("na") == ["na"]


@given(some.text())
def test_words_are_their_own_words(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found
    assert stems(text).split() == [stem(one) for one in found]
    assert all(stem(one) for one in found)


def test_near_words_are_one_typo_away_the_frequent_ones_first() -> None:
    known = Vocabulary([("zolw", 3), ("zolwi", 9), ("szkola", 40), ("zolza", 1), ("kot", 5), ("площа", 2)])
    assert len(known) == 6
    assert known.near("zlow") == ["zolw"]
    assert known.near("zolwo") == ["zolwi", "zolw"]
    assert known.near("zkola") == known.near("zskola") == known.near("szkolka") == ["szkola"]
    assert known.near("pzkola") == ["szkola"]
    assert known.near("szkola") == []
    assert known.near("kto") == []
    assert known.near("площа") == []
    assert known.near("плща") == ["площа"]
    assert known.near("x" * 5000) == []


def test_at_most_five_near_words() -> None:
    known = Vocabulary([(f"ulic{letter}", number) for number, letter in enumerate("abcdefgh")])
    assert known.near("ulicz") == ["ulich", "ulicg", "ulicf", "ulice", "ulicd"]


@given(some.text("abcd", min_size=4, max_size=8), some.lists(some.text("abcd", min_size=3, max_size=9), max_size=40))
def test_near_words_are_those_at_distance_one(word: str, others: list[str]) -> None:
    near = Vocabulary([(one, 1) for one in others]).near(word)
    expected = {one for one in others if OSA.distance(one, word) == 1}
    assert set(near) <= expected
    assert len(near) == min(5, len(expected))


def test_highlight_marks_forms_and_beginnings_of_words() -> None:
    html = highlight("Remonty szkół przy ul. Rolnej & <b>Hetmańskiej</b>", {"szkol"}, "hetm")
    assert html == "Remonty <mark>szkół</mark> przy ul. Rolnej &amp; &lt;b&gt;<mark>Hetmańskiej</mark>&lt;/b&gt;"
    assert highlight("Z\u0307o\u0301łw!", {"zolw"}, None) == "<mark>Z\u0307o\u0301łw</mark>!"
    assert highlight("", {"zolw"}, None) == ""


def test_highlight_shows_the_stretch_with_the_most_matches() -> None:
    text = "Most. " + "dalej " * 60 + "remont mostu i remont drogi " + "wreszcie " * 60
    html = highlight(text, {"most", "remont"}, None, size=80)
    assert html.startswith("… dalej")
    assert "<mark>remont</mark> <mark>mostu</mark> i <mark>remont</mark> drogi" in html
    assert html.endswith(" …")
    assert len(MARKUP.sub("", html)) <= 84


@given(some.text(), some.sets(some.sampled_from(["mark", "b", "script", "lt", "amp", "39"])), some.none() | some.text())
def test_highlight_is_the_escaped_text_with_marks_only(text: str, asked: set[str], prefix: str | None) -> None:
    html = highlight(text, asked, prefix, size=20)
    bare = MARKUP.sub("", html)
    assert "<" not in bare
    assert ">" not in bare
    assert unescape(bare).removeprefix("… ").removesuffix(" …") in " ".join(text.split()) or "…" in text
    assert html.count("<mark>") == html.count("</mark>")


def test_a_near_word_is_found_among_two_hundred_thousand() -> None:
    many = Vocabulary([(f"{number:x}owanie", number) for number in range(200_000)])
    for number in range(1000, 1050):
        assert f"{number:x}owanie" in many.near(f"{number:x}owaine")
