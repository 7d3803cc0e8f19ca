"""`search` and `suggest`: every source at once."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import strawberry

from broker.errors import BadArgument, Unavailable
from broker.query import Found, Version
from broker.search import Hit, Results
from resolvers.connections import PageInfo, page_size
from resolvers.context import Context, Info
from resolvers.provenance import Record
from resolvers.selection import below

__all__ = ["Correction", "SearchConnection", "SearchEdge", "SearchHit", "Suggestion", "search", "suggest"]

MAX_SUGGESTIONS = 50
MAX_HITS = 10_000


@strawberry.type(description="A record that the search found.")
class SearchHit:
    """One hit."""

    title: str = strawberry.field(description="What the record is called.")
    title_html: str = strawberry.field(
        description="Its title as HTML, with what was found between `<mark>` and `</mark>`."
    )
    snippet_html: str = strawberry.field(
        description="The part of its text where the words are, as HTML with `<mark>`; empty when it has no text."
    )
    dataset: str = strawberry.field(description="The data set it belongs to: an id in `datasets`.")
    score: float = strawberry.field(
        description="How well it fits; higher is better, only to compare within one search."
    )
    record: Record | None = strawberry.field(description="The record itself; ask for its fields with `... on Place`.")


@strawberry.type(description="A hit with its cursor.")
class SearchEdge:
    """A hit with its cursor."""

    cursor: str = strawberry.field(description="Where the hit stands, for `after`.")
    node: SearchHit = strawberry.field(description="The hit.")


@strawberry.type(description="A word that no record holds, and what was looked for instead.")
class Correction:
    """A word taken for others."""

    word: str = strawberry.field(description="The word as it was given, without Polish marks.")
    taken_for: list[str] = strawberry.field(description="Known words one typo away; empty when there is none.")


@strawberry.type(description="What the search found, best first: titles before texts.")
class SearchConnection:
    """A page of hits."""

    edges: list[SearchEdge] = strawberry.field(description="The page's hits with their cursors.")
    nodes: list[SearchHit] = strawberry.field(description="The page's hits.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")
    total_count: int = strawberry.field(description="How many records were found, on all pages together.")
    corrections: list[Correction] = strawberry.field(description="Words that were taken for others.")


@strawberry.type(description="A title that begins like what was typed.")
class Suggestion:
    """A title to choose."""

    text: str = strawberry.field(description="The record's title.")
    dataset: str = strawberry.field(description="The data set it belongs to.")
    record: Record | None = strawberry.field(description="The record itself.")


Datasets = Annotated[
    list[str] | None, strawberry.argument(description="Look only in these data sets, by id; in all when left out.")
]


async def search(
    info: Info,
    text: Annotated[str, strawberry.argument(description="What to look for. Every word must occur, in any form.")],
    datasets: Datasets = None,
    first: Annotated[int | None, strawberry.argument(description="How many hits to give.")] = None,
    after: Annotated[str | None, strawberry.argument(description="Give the hits after this cursor.")] = None,
) -> SearchConnection | None:
    """Records of every source that hold the words, titles first.

    Case, Polish marks and word forms do not matter, the last word may be unfinished, and one typo is forgiven.
    """
    context = info.context
    size, skip = page_size(context, "first", first), _offset(after)
    versions = await _versions(context, datasets)
    results = await context.run(context.search.find, text, versions, size=size, skip=skip)
    return _connection(results, await _records(info, results.hits, ("nodes",), ("edges", "node")), skip)


async def suggest(
    info: Info,
    text: Annotated[str, strawberry.argument(description="What has been typed so far.")],
    datasets: Datasets = None,
    first: Annotated[int, strawberry.argument(description=f"How many suggestions, at most {MAX_SUGGESTIONS}.")] = 10,
) -> list[Suggestion] | None:
    """Titles that hold the words typed so far, the last of them perhaps unfinished; for a field that completes as one types."""
    if not 0 < first <= MAX_SUGGESTIONS:
        raise BadArgument(f"first: {first} is not between 1 and {MAX_SUGGESTIONS}")
    context = info.context
    found = await context.run(context.search.suggest, text, await _versions(context, datasets), size=first)
    records = await _records(info, found, ())
    return [
        Suggestion(text=one.title, dataset=one.dataset, record=record)
        for one, record in zip(found, records, strict=True)
    ]


async def _versions(context: Context, datasets: list[str] | None) -> dict[str, Version]:
    """The versions to look into: of live data sets what is there, since a search is not worth waiting for them."""
    catalog = context.catalog
    asked = catalog.datasets.values() if datasets is None else [catalog.dataset(one) for one in datasets]
    there = await context.snapshot()
    versions: dict[str, Version] = {}
    for one in asked:
        with suppress(Unavailable):  # `extensions.sources` says which
            published = there[one.id] if one.refresh.live else await context.published(one)
            versions[one.id] = published.version
    for one in catalog.datasets.values():  # which words are known at all is a matter of the whole store
        context.glance(one, there[one.id])
    return {id: version for id, version in versions.items() if version.number}


async def _records(info: Info, found: Sequence[Hit | Found], *paths: tuple[str, ...]) -> list[Any]:
    """The records of what was found, when they are selected at these paths: a title is not worth waiting for a live source."""
    if "record" not in below(info._raw_info, *paths):  # noqa: SLF001 - Strawberry keeps graphql-core's own there
        return [None] * len(found)
    catalog = info.context.catalog
    return await info.context.records([(catalog.datasets[one.dataset], one.key) for one in found])


def _connection(results: Results, records: list[Any], skip: int) -> SearchConnection:
    hits = [
        SearchHit(
            title=one.title,
            title_html=one.title_html,
            snippet_html=one.snippet_html,
            dataset=one.dataset,
            score=round(one.score, 3),
            record=record,
        )
        for one, record in zip(results.hits, records, strict=True)
    ]
    cursors = [str(skip + number + 1) for number in range(len(hits))]
    return SearchConnection(
        edges=[SearchEdge(cursor=cursor, node=hit) for cursor, hit in zip(cursors, hits, strict=True)],
        nodes=hits,
        page_info=PageInfo(
            has_next_page=skip + len(hits) < results.total,
            has_previous_page=skip > 0,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
        total_count=results.total,
        corrections=[Correction(word=word, taken_for=taken) for word, taken in results.corrections.items()],
    )


def _offset(after: str | None) -> int:
    """Hits are ranked anew by each search, so their cursor is their rank."""
    if after is None:
        return 0
    if not after.isdecimal() or int(after) > MAX_HITS:
        raise BadArgument(
            f"after: {after[:60]!r} is not a cursor of a search (at most the first {MAX_HITS} hits are paged)"
        )
    return int(after)
