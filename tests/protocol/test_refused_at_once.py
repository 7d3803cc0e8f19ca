"""What asks for too much: a document is refused before anything is executed, an answer at the field that grew too large."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.app import Engine
from broker.settings import Settings
from tests.protocol.counted import Counted, asked

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
Ask = Callable[..., Awaitable[Any]]


def opened(folder: Path, **limits: int) -> Engine:
    engine = Engine.open(Settings.load(store=f"sqlite:///{folder}/store.sqlite", sample=True, limits=limits))
    engine.endpoint.context = Counted(engine.endpoint.context)
    return engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = opened(tmp_path_factory.mktemp("refused"))
    yield engine
    engine.store.close()


def made(engine: Engine) -> Counted:
    assert isinstance(engine.endpoint.context, Counted)
    return engine.endpoint.context


def doubling(fragments: int) -> str:
    """Each fragment spreads the next one twice."""
    steps = "".join(f"fragment F{at} on Query {{ ...F{at + 1} ...F{at + 1} }} " for at in range(fragments - 1))
    return f"{{ ...F0 }} {steps} fragment F{fragments - 1} on Query {{ districts {{ totalCount }} }}"


def fanning(levels: int, width: int, spread: int) -> str:
    """Fragments in levels, each of which spreads some of the next level."""
    text = "{ " + " ".join(f"...F0_{one}" for one in range(width)) + " }"
    for level in range(levels):
        for one in range(width):
            inner = [f"...F{level + 1}_{(one + step) % width}" for step in range(spread)]
            below = " ".join(inner) if level < levels - 1 else "__typename"
            text += f" fragment F{level}_{one} on Query {{ {below} }}"
    return text


def records(fields: str) -> str:
    return f"{{ districts {{ nodes {{ {fields} }} }} }}"


DOCUMENTS = {
    "100 000 tokens": (
        records("name " * 99_994),
        "the document has more than 10000 tokens, the limit limits.tokens",
    ),
    "100 000 comments": ("#\n" * 100_000 + "{ __typename }", "the document has more than 10000 tokens, the limit limits.tokens"),
    "10 000 aliases": (
        records(" ".join(f"a{one}: name" for one in range(10_000))),
        "the document has more than 10000 tokens, the limit limits.tokens",
    ),
    "10 000 aliases in fragments": (
        records("...F " * 100) + f" fragment F on District {{ {' '.join(f'a{one}: name' for one in range(100))} }}",
        "the operation has 10000 aliases, the limit limits.aliases is 100",
    ),
    "10 000 fields of the root in fragments": (
        "{ " + "...F " * 100 + "} fragment F on Query { " + " ".join(f"a{one}: __typename" for one in range(100)) + " }",
        "the operation has 10000 fields at its root, the limit limits.root_fields is 30",
    ),
    "500 fragments that double": (doubling(500), "the fields and fragments are nested more than 100 levels deep, which is never followed"),
    "50 fragments that double": (
        doubling(50),
        "the operation has more than a thousand million fields at its root, the limit limits.root_fields is 30",
    ),
    "500 fragments that fan out": (
        fanning(10, 50, 5),
        f"the operation has {50 * 5**9} fields at its root, the limit limits.root_fields is 30",
    ),
    "500 fragments in a circle": (
        "{ ...F0 } " + "".join(f"fragment F{one} on Query {{ ...F{(one + 1) % 500} }} " for one in range(500)),
        "the fields and fragments are nested more than 100 levels deep, which is never followed",
    ),
    "more fields than the plan may have": (
        records("name " * 1000),
        "the operation has 1002 fields, the limit limits.fields is 1000",
    ),
    "deeper than the plan may be": (
        "{ __schema { types { " + "ofType { " * 13 + "name" + " }" * 16,
        "the operation has 16 levels of nesting, the limit limits.depth is 15",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)], ids=["graphql", "json"])
async def test_a_document_is_refused_before_it_is_executed(
    engine: Engine, asker: Callable[..., Ask], name: str, accept: str, status: int
) -> None:
    text, says = DOCUMENTS[name]
    with made(engine).executes(0):
        replies = [
            await asker(engine.endpoint)({"query": text}, accept=accept),
            await asker(engine.endpoint)(params=asked(text), accept=accept),
        ]
    for reply in replies:
        assert (reply.status, reply.code, list(reply.json)) == (status, "TOO_MUCH", ["errors"])
        assert (reply.message, len(reply.json["errors"])) == (says, 1)
        assert reply.headers["cache-control"] == "no-store"


async def test_a_document_nested_deeper_than_is_parsed(engine: Engine, asker: Callable[..., Ask]) -> None:
    with made(engine).executes(0):
        reply = await asker(engine.endpoint)({"query": "{ a " * 50_000}, accept=GRAPHQL)
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert reply.message == "Syntax Error: Document is nested too deeply. Parsing aborted."


async def test_a_document_too_large_to_be_read(engine: Engine, asker: Callable[..., Ask]) -> None:
    text = "{ __typename " + " " * (1 << 20) + "}"
    with made(engine).executes(0):
        replies = [await asker(engine.endpoint)({"query": text}), await asker(engine.endpoint)(params=asked(text))]
    for reply in replies:
        assert (reply.status, reply.code) == (413, "TOO_MUCH")
        assert reply.message == "the request has more than 1048576 bytes, the limit limits.body_bytes"


async def test_what_the_limits_allow_is_executed(engine: Engine, asker: Callable[..., Ask]) -> None:
    aliases = " ".join(f"a{one}: __typename" for one in range(100))
    deep = "{ __schema { types { " + "ofType { " * 11 + "name" + " }" * 14
    for text in (f"{{ __schema {{ queryType {{ {aliases} }} }} }}", deep, doubling(5)):
        with made(engine).executes(1):
            await asker(engine.endpoint)({"query": text})


# the answer


SOME = ("mim.districts", "mim.stops", "sip.addresses", "sip.parcels")
LARGE = "related { addresses(predicate: WITHIN, first: 1000) { nodes { id geometry } } }"
SAYS = "the answer reads more than 1 MiB, the limit limits.answer_mib; ask for smaller pages or fewer fields"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A broker whose answers read one mebibyte at most."""
    engine = opened(tmp_path_factory.mktemp("narrow"), answer_mib=1)
    asyncio.run(engine.refresher.refresh_all([engine.catalog.datasets[id] for id in SOME]))
    yield engine
    engine.store.close()


async def test_the_field_that_grew_too_large_is_refused_and_nothing_else_is_lost(
    narrow: Engine, asker: Callable[..., Ask]
) -> None:
    ask = asker(narrow.endpoint)
    others = [
        "before: stops(first: 2) { nodes { name } }",
        "after: stops(last: 2) { totalCount edges { cursor node { id district { name } } } pageInfo { endCursor } }",
        "parcels(first: 300) { nodes { id geometry } }",
        "addresses { aggregate(groupBy: [STREET]) { key count } }",
    ]
    alone = (await ask({"query": "{ " + " ".join(others) + " }"})).json
    assert "errors" not in alone
    for place in range(len(others) + 1):
        fields = [*others[:place], f"districts(first: 50) {{ nodes {{ name {LARGE} }} }}", *others[place:]]
        with made(narrow).executes(1):
            reply = await ask(params=asked("{ " + " ".join(fields) + " }"), accept=GRAPHQL)
        (error,) = reply.json["errors"]
        assert (error["message"], error["extensions"], error["path"]) == (SAYS, {"code": "TOO_MUCH"}, ["districts"])
        assert reply.json["data"] == {**alone["data"], "districts": None}
        assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")


async def test_smaller_pages_are_answered(narrow: Engine, asker: Callable[..., Ask]) -> None:
    ask, seen, after = asker(narrow.endpoint), 0, None
    page = f"query Page($after: String) {{ districts(first: 10, after: $after) {{ nodes {{ {LARGE} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    more = True
    while more:
        reply = await ask(params=asked(page, variables={"after": after}))
        assert "errors" not in reply.json
        districts = reply.json["data"]["districts"]
        seen += sum(len(one["related"]["addresses"]["nodes"]) for one in districts["nodes"])
        more, after = districts["pageInfo"]["hasNextPage"], districts["pageInfo"]["endCursor"]
    counted = "{ districts(first: 50) { nodes { related { addresses(predicate: WITHIN) { totalCount } } } } }"
    districts = (await ask({"query": counted})).json["data"]["districts"]["nodes"]
    counts = [one["related"]["addresses"]["totalCount"] for one in districts]
    assert sum(counts) == 12_346
    assert seen == sum(min(count, 1000) for count in counts)


@pytest.mark.parametrize("shaped", [True, False], ids=["shaped", "field by field"])
async def test_many_fields_that_are_too_large_together(
    narrow: Engine, asker: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch, *, shaped: bool
) -> None:
    monkeypatch.setattr(narrow.endpoint, "shaped", shaped)
    fields = [f"p{one}: parcels(first: 1000) {{ nodes {{ id geometry }} }}" for one in range(8)]
    answered = (await asker(narrow.endpoint)({"query": "{ " + " ".join(fields) + " }"})).json
    refused = {error["path"][0] for error in answered["errors"]}
    assert {(error["message"], error["extensions"]["code"]) for error in answered["errors"]} == {(SAYS, "TOO_MUCH")}
    assert refused == {name for name, one in answered["data"].items() if one is None}
    given = [one["nodes"] for one in answered["data"].values() if one is not None]
    assert len(given) in range(2, 6)
    assert all(one == given[0] for one in given)
    assert len(given[0]) == 1000


async def test_each_request_has_a_budget_of_its_own(narrow: Engine, asker: Callable[..., Ask]) -> None:
    query = {"query": "{ parcels(first: 1000) { nodes { id geometry } } }"}
    replies = await asyncio.gather(*(asker(narrow.endpoint)(query) for _ in range(8)))
    assert {(one.status, "errors" in one.json) for one in replies} == {(200, False)}
