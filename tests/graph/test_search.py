"""The search as people use it: without marks, unfinished, mistyped, in any form of the word."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Ask = Callable[..., Awaitable[Any]]
SEARCH = """query ($text: String!, $first: Int, $after: String) { search(text: $text, first: $first, after: $after) {
    totalCount corrections { word takenFor } pageInfo { hasNextPage endCursor }
    nodes { title titleHtml snippetHtml dataset score record { id __typename ... on Place { name } } } } }"""


async def found(ask: Ask, text: str, **more: Any) -> Any:
    return (await ask(SEARCH, text=text, **{"first": 20, **more}))["search"]


@pytest.mark.parametrize("text", ["zolw", "Żółw", "żółwie", "ŻÓŁWIA", "zolwi"])
async def test_a_turtle_by_every_name(ask: Ask, text: str) -> None:
    result = await found(ask, text)
    assert result["totalCount"] > 10
    assert "ółw" in result["nodes"][0]["title"].lower()
    assert "<mark>" in result["nodes"][0]["titleHtml"]


async def test_every_form_finds_the_same(ask: Ask) -> None:
    totals = [(await found(ask, text))["totalCount"] for text in ("żółw i", "żółwie i", "żółwia i")]
    assert len(set(totals)) == 1


async def test_titles_come_before_texts(ask: Ask) -> None:
    result = await found(ask, "park", first=1000)
    titled = ["<mark>" in one["titleHtml"] for one in result["nodes"]]
    assert titled == sorted(titled, reverse=True)
    assert not all(titled)


async def test_the_last_word_may_be_unfinished(ask: Ask) -> None:
    whole, begun = await found(ask, "stare zoo biblioteka"), await found(ask, "bibliot")
    assert begun["totalCount"] > 0
    assert all("ibliot" in (one["titleHtml"] + one["snippetHtml"]).lower() for one in begun["nodes"])
    assert whole["totalCount"] <= begun["totalCount"]


async def test_one_typo_is_forgiven_and_said(ask: Ask) -> None:
    result = await found(ask, "bibilioteka")
    assert result["totalCount"] > 0
    (correction,) = result["corrections"]
    assert correction["word"] == "bibilioteka"
    assert "biblioteka" in correction["takenFor"]
    nothing = await found(ask, "qqqxxxzzz")
    assert (nothing["totalCount"], nothing["corrections"]) == (0, [{"word": "qqqxxxzzz", "takenFor": []}])


async def test_it_looks_into_every_source_and_gives_the_records(ask: Ask) -> None:
    result = await found(ask, "poznan", first=1000)
    assert {one["dataset"].split(".")[0] for one in result["nodes"]} >= {"bip", "mim"}
    assert all(one["record"]["id"] for one in result["nodes"])
    only = (await ask('{ search(text: "zolw", datasets: ["mim.places"]) { nodes { dataset } } }'))["search"]["nodes"]
    assert {one["dataset"] for one in only} == {"mim.places"}


async def test_hits_are_paged_without_gap(ask: Ask) -> None:
    whole = [one["record"]["id"] for one in (await found(ask, "zolw", first=40))["nodes"]]
    seen, after = [], None
    while len(seen) < 40:
        page = await found(ask, "zolw", first=7, after=after)
        seen += [one["record"]["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen[:40] == whole


async def test_markup_and_operators_in_the_text_are_only_words(ask: Ask) -> None:
    for text in ('zolw" OR "x', "zolw*", "title:zolw", "NEAR(zolw)", "<b>zolw</b>", "zolw; DROP TABLE"):
        await found(ask, text)


async def test_suggestions_are_titles_each_once(ask: Ask) -> None:
    data = await ask('{ suggest(text: "zol", first: 8) { text dataset record { id } } }')
    texts = [one["text"] for one in data["suggest"]]
    assert len(texts) == len(set(texts)) > 3
    assert texts[0].lower().startswith("żół")
