"""Answers are kept exactly as long as they would be given again, and shared by nobody who would get another one."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from typing import Any

import orjson
import pytest
import pytest_asyncio
import structlog

from broker import telemetry
from broker.app import Engine
from broker.endpoint import Endpoint
from tests.protocol.counted import Broker, Counted, asked, layer, running, settings

MODULE = pytest.mark.asyncio(loop_scope="module")
Asker = Callable[..., Callable[..., Awaitable[Any]]]

DISTRICTS = "{ districts(first: 50, orderBy: [{name: ASC}]) { nodes { name } } }"
STOPS = "{ stops(first: 50) { nodes { name lines } } }"
NAMES = "query Names($lang: String!, $first: Int) { events(first: $first) { nodes { name(lang: $lang) } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory, asker: Asker) -> AsyncIterator[Broker]:
    async with running(tmp_path_factory.mktemp("kept"), asker) as broker:
        yield broker


def names(reply: Any) -> list[str]:
    (collection,) = reply.json["data"].values()
    return [one["name"] for one in collection["nodes"]]


# asked again


@MODULE
async def test_the_second_time_nothing_is_executed(broker: Broker) -> None:
    params = asked("{ stops(first: 7) { totalCount nodes { id name } } }")
    with broker.executes(1):
        first = await broker.ask(params=params)
    with broker.executes(0):
        again = [await broker.ask(params=params) for _ in range(3)]
    assert {(one.status, one.raw, one.headers["etag"]) for one in again} == {(200, first.raw, first.headers["etag"])}
    assert first.json["data"]["stops"]["totalCount"] == 1708


@MODULE
async def test_get_and_post_share_an_answer_whichever_comes_first(broker: Broker) -> None:
    for number, post_first in enumerate((True, False)):
        query = f"{{ stops(first: {number + 3}) {{ nodes {{ zone }} }} }}"
        ways: list[dict[str, Any]] = [
            {"json": {"query": query}},
            {"params": asked(query)},
            {"raw": f'{{ "query" : "{query}" }}'.encode()},
        ]
        with broker.executes(1):
            replies = [await broker.ask(**way) for way in (ways if post_first else reversed(ways))]
        assert len({one.raw for one in replies}) == 1
    assert broker.engine.endpoint.responses.room == 64 << 20


@MODULE
async def test_a_document_and_its_hash_share_an_answer(broker: Broker) -> None:
    query = "{ stops(first: 9) { nodes { zone } } }"
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(query.encode()).hexdigest()}}
    by_hash = {"extensions": orjson.dumps(extensions).decode()}
    with broker.executes(1):
        sent = await broker.ask(params=asked(query, extensions=extensions))
        replies = [await broker.ask(params=by_hash), await broker.ask(params=asked(query))]
        marked = await broker.ask(params=by_hash, headers={"if-none-match": sent.headers["etag"]})
    assert {(one.raw, one.headers["etag"]) for one in replies} == {(sent.raw, sent.headers["etag"])}
    assert marked.status == 304


@MODULE
async def test_the_order_of_variables_and_what_is_left_empty_do_not_matter(broker: Broker) -> None:
    with broker.executes(1):
        await broker.ask(params=asked(NAMES, variables={"lang": "pl", "first": 2}))
        await broker.ask(params=asked(NAMES, variables={"first": 2, "lang": "pl"}))
        await broker.ask(params=asked(NAMES, variables={"first": 2, "lang": "pl"}, operationName=""))
        await broker.ask({"query": NAMES, "variables": {"lang": "pl", "first": 2}, "operationName": None})


@MODULE
async def test_what_is_accepted_is_looked_at_before_what_is_kept(broker: Broker) -> None:
    params = asked("{ stops(first: 8) { nodes { zone } } }")
    assert (await broker.ask(params=params)).status == 200
    assert (await broker.ask(params=params, accept="text/html")).status == 406


@MODULE
async def test_variables_nested_without_end(broker: Broker) -> None:
    nested = b"[" * 300 + b"]" * 300
    with broker.executes(0):
        reply = await broker.ask(raw=b'{"query": "{ __typename }", "variables": {"deep": %s}}' % nested)
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert reply.message.startswith("the variables cannot be read: ")


# refreshes


@MODULE
async def test_a_new_version_is_answered_from_at_once_and_other_answers_stay(broker: Broker) -> None:
    both = "{ districts(first: 1) { totalCount } stops(first: 1) { totalCount } }"
    before = [await broker.ask(params=asked(one)) for one in (DISTRICTS, STOPS, both)]
    assert "Jeżyce" in names(before[0])
    broker.source.spoil = layer("osiedla", "Jeżyce", "Żeżyce")
    assert await broker.refresh("mim.districts") == "published"
    with broker.executes(2):
        after = [await broker.ask(params=asked(one)) for one in (DISTRICTS, STOPS, both)]
    assert set(names(before[0])) ^ set(names(after[0])) == {"Jeżyce", "Żeżyce"}
    assert after[0].headers["etag"] != before[0].headers["etag"]
    assert after[1].headers["etag"] == before[1].headers["etag"]
    with broker.executes(0):
        assert (await broker.ask(params=asked(DISTRICTS))).raw == after[0].raw


@MODULE
async def test_a_refresh_that_finds_nothing_new_voids_only_what_shows_when_it_was_checked(broker: Broker) -> None:
    fetched = asked("{ stops(first: 1) { nodes { provenance { version fetchedAt } } } }")
    broker.age("mim.stops", 100)
    before, plain = await broker.ask(params=fetched), await broker.ask(params=asked(STOPS))
    assert await broker.refresh("mim.stops") == "unchanged"
    with broker.executes(1):
        after, same = await broker.ask(params=fetched), await broker.ask(params=asked(STOPS))
    (old,), (new,) = (one.json["data"]["stops"]["nodes"] for one in (before, after))
    assert (new["provenance"]["version"], old["provenance"]["version"]) == (1, 1)
    assert new["provenance"]["fetchedAt"] > old["provenance"]["fetchedAt"]
    assert after.headers["etag"] != before.headers["etag"]
    assert (same.raw, same.headers["etag"]) == (plain.raw, plain.headers["etag"])  # nothing in it has changed


@MODULE
async def test_a_refresh_by_another_broker_is_seen_at_once(broker: Broker) -> None:
    other = Engine.open(settings(broker.file, {"mim": broker.source, "nextbike": broker.bikes}))
    before = await broker.ask(params=asked(STOPS))
    first = names(before)[0]
    async with other.running():
        broker.source.spoil = layer("cluster", f'"{first}"', f'"{first} Nowa"')
        record = await other.refresher.refresh(other.catalog.datasets["mim.stops"])
        assert record.outcome == "published"
        with broker.executes(1):
            after = await broker.ask(params=asked(STOPS))
    assert names(after) == [f"{one} Nowa" if one == first else one for one in names(before)]


@MODULE
async def test_a_refresh_by_another_process_is_seen_at_once(broker: Broker) -> None:
    params = asked("{ parkingMeters(first: 100) { nodes { zone } } }")
    before = await broker.ask(params=params)
    broker.source.spoil = layer("parking_meters", '"zone":"A"', '"zone":"D"')
    environment = {
        "BROKER_STORE": f"sqlite:///{broker.file}",
        "BROKER_SAMPLE": "false",
        "BROKER_SOURCES": f'{{"mim": {{"base_url": "{broker.source.base_url}"}}}}',
    }
    command = (sys.executable, "-m", "broker", "refresh", "mim.parking_meters")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert (process.returncode, b"published" in told) == (0, True)
    with broker.executes(1):
        after = await broker.ask(params=params)
    assert b'"A"' in before.raw
    assert after.raw == before.raw.replace(b'"A"', b'"D"')


# what is never kept


@MODULE
@pytest.mark.parametrize(
    "query",
    [
        "{ sources { id } }",
        "{ datasets { id } }",
        '{ dataset(id: "mim.stops") { id } }',
        "{ layers { id } }",
        "{ stops(first: 1) { totalCount } datasets { id } }",
        "{ stops(first: -1) { totalCount } }",
        "{ stops(first: 1) { totalCount } routes { totalCount } }",
        '{ stops(where: {geometry: {wkt: "POLYGON((16 52, 17 53, 17 52, 16 53, 16 52))", predicate: WITHIN}}) { totalCount } }',
    ],
    ids=["sources", "data sets", "a data set", "layers", "beside others", "an error", "one is missing", "repaired"],
)
async def test_what_is_never_kept(broker: Broker, query: str) -> None:
    with broker.executes(2):
        replies = [await broker.ask(params=asked(query), headers={"if-none-match": "*"}) for _ in range(2)]
    for one in replies:
        assert (one.status, one.headers["cache-control"], "etag" in one.headers) == (200, "no-store", False)


@MODULE
async def test_what_is_stale_is_not_kept_and_what_becomes_stale_neither(broker: Broker) -> None:
    params, day = asked("{ parkingMeters { totalCount } }"), 86_400
    broker.age("mim.parking_meters", 2 * day + 1)
    with broker.executes(2):
        stale = [await broker.ask(params=params) for _ in range(2)]
    (told,) = stale[0].json["extensions"]["sources"]
    assert told.pop("ageSeconds") - 2 * day in range(1, 5)
    assert told == {"source": "mim", "dataset": "mim.parking_meters", "status": "stale"}
    assert {one.headers["cache-control"] for one in stale} == {"no-store"}
    broker.age("mim.parking_meters", 2 * day - 3)
    with broker.executes(1):
        kept = [await broker.ask(params=params) for _ in range(2)]
    assert [(one.headers["cache-control"], "extensions" in one.json) for one in kept] == [
        ("public, no-cache", False)
    ] * 2
    await asyncio.sleep(3.1)
    with broker.executes(1):
        assert "extensions" in (await broker.ask(params=params)).json
    await broker.refresh("mim.parking_meters")


@MODULE
async def test_a_live_data_set_is_kept_no_longer_than_its_interval(broker: Broker) -> None:
    params = asked("{ bikeStations(first: 3) { nodes { name bikes } } }")

    def fetched() -> int:
        return len(broker.bikes.requests)

    with broker.executes(1):
        first = [await broker.ask(params=params) for _ in range(3)]
    assert {one.raw for one in first} == {first[0].raw}
    assert int(first[0].headers["cache-control"].removeprefix("public, max-age=")) in range(50, 60)
    assert fetched() == 1
    broker.age("nextbike.bike_stations", 57)
    with broker.executes(0):
        await broker.ask(params=params)
        short = (await broker.ask(params=params)).headers["cache-control"]
    assert short in {"public, max-age=2", "public, max-age=1", "public, no-cache"}
    assert fetched() == 1
    await asyncio.sleep(3.1)
    with broker.executes(1):
        assert (await broker.ask(params=params)).raw == first[0].raw
    assert fetched() == 2


@MODULE
async def test_while_the_store_is_away_nothing_is_answered_from_memory(broker: Broker) -> None:
    params = asked("{ events(first: 1) { totalCount } }")
    good = await broker.ask(params=params)
    telemetry.configure("error", "json")
    with broker.executes(1), broker.without_versions():
        away = await broker.ask(params=params)
    structlog.reset_defaults()
    assert (away.status, away.code, away.json["data"]) == (200, "INTERNAL_ERROR", {"events": None})
    with broker.executes(0):
        assert (await broker.ask(params=params)).raw == good.raw


# who shares what


def endpoint(broker: Broker, room: int = 1 << 20, **more: Any) -> tuple[Endpoint, Counted]:
    """Another endpoint over the same store, with nothing kept."""
    own = broker.engine.endpoint
    made = Counted(broker.made.make)
    return Endpoint(own.schema, made, own.limits, store=own.store, room=room, **more), made


@MODULE
async def test_viewers_of_different_scope_never_share(broker: Broker, asker: Asker) -> None:
    def viewer(scope: Any) -> str:
        given: bytes = dict(scope["headers"]).get(b"authorization", b"everybody")
        return given.decode()

    private, made = endpoint(broker, viewer=viewer)
    ask = asker(private)
    scopes = ("everybody", "clerk", "mayor", "clerk\0POST")
    with made.executes(len(scopes)):
        first = [await ask(params=asked(STOPS), headers={"authorization": one}) for one in scopes]
    with made.executes(0):
        again = [await ask(params=asked(STOPS), headers={"authorization": one}) for one in scopes]
        posted = [await ask({"query": STOPS}, headers={"authorization": one}) for one in scopes]
    assert {one.raw for one in (*first, *again, *posted)} == {first[0].raw}
    assert len(private.responses._kept) == len(scopes)
    assert [one.headers["cache-control"].split(",")[0] for one in again] == ["public", *["private"] * 3]
    assert [one.headers["vary"] for one in again] == [
        "Accept, Accept-Encoding", *["Accept, Accept-Encoding, Authorization"] * 3,
    ]  # fmt: skip
    forged = await ask(raw=b'POST\0{"query": "%s"}' % STOPS.encode(), headers={"authorization": "clerk"})
    assert (forged.status, forged.code) == (400, "BAD_REQUEST")


@MODULE
async def test_languages_never_share(broker: Broker) -> None:
    literal = "{ events(first: 20) { nodes { name(lang: LANG) } } }"
    asking = [
        *(asked(NAMES, variables={"lang": one, "first": 20}) for one in ("pl", "en", "de")),
        *(asked(literal.replace("LANG", f'"{one}"')) for one in ("pl", "en", "de")),
    ]
    with broker.executes(6):
        first = [await broker.ask(params=one) for one in asking]
    with broker.executes(0):
        again = [await broker.ask(params=one) for one in asking]
    assert [one.raw for one in again] == [one.raw for one in first]
    assert [one.raw for one in first[:3]] == [one.raw for one in first[3:]]
    assert len({one.raw for one in first[:3]}) == 3
    assert "Guided walk" in names(first[1])


@MODULE
async def test_variables_and_operations_of_one_document_never_share(broker: Broker) -> None:
    two = "query A { stops(first: 1) { totalCount } } query B { stops(first: 2) { nodes { name } } }"
    asking = [
        *(asked(two, operationName=one) for one in "AB"),
        *(asked(NAMES, variables={"lang": "pl", "first": one}) for one in (5, 6)),
        asked(NAMES, variables={"lang": "pl", "first": None}),
        asked(NAMES, variables={"lang": "pl"}),
    ]
    with broker.executes(6):
        first = [await broker.ask(params=one) for one in asking]
    with broker.executes(0):
        assert [(await broker.ask(params=one)).raw for one in asking] == [one.raw for one in first]
    assert (len(names(first[2])), len(names(first[3]))) == (5, 6)
    with broker.executes(0):
        assert (await broker.ask(params=asked(two))).code == "BAD_REQUEST"


# how much is kept


def taken(endpoint: Endpoint) -> int:
    """Bytes that are held by kept answers, their compressed forms and their questions."""
    held = endpoint.responses._kept.items()
    questions = sum(len(one.document) + len(one.variables) for one, _ in held)
    return questions + sum(len(kept.body) + sum(map(len, kept.encoded.values())) for _, kept in held)


@MODULE
async def test_the_room_is_bounded_by_bytes(broker: Broker, asker: Asker) -> None:
    room = 100_000
    small, made = endpoint(broker, room)
    ask = asker(small)
    queries = [f"{{ stops(first: {size}) {{ nodes {{ name zone }} }} }}" for size in range(1, 61)]
    for query in queries:
        for encoding in ("", "br", "gzip"):
            await ask(params=asked(query), headers={"accept-encoding": encoding})
        assert taken(small) <= room
    assert taken(small) > room // 4
    with made.executes(0):
        await ask(params=asked(queries[-1]))  # the last ones are there, the first are not any more
    with made.executes(1):
        await ask(params=asked(queries[0]))


@MODULE
async def test_long_documents_take_room_too(broker: Broker, asker: Asker) -> None:
    room = 200_000
    small, made = endpoint(broker, room)
    ask = asker(small)
    for number in range(30):
        await ask({"query": "{ stops(first: 1) { totalCount } }" + " " * (10_000 + number)})
        assert taken(small) <= room
        assert sum(len(one.document) for one in small._known.values()) <= room // 8
    with made.executes(2):
        for _ in range(2):
            await ask({"query": "{ stops(first: 1) { totalCount } }" + " " * 50_000})  # more than its share


@MODULE
async def test_an_answer_that_is_too_large_is_given_and_not_kept(broker: Broker, asker: Asker) -> None:
    small, made = endpoint(broker, 100_000)
    ask = asker(small)
    params = asked("{ stops(first: 1000) { nodes { id name } } }")
    with made.executes(2):
        one, other = [await ask(params=params) for _ in range(2)]
    assert one.raw == other.raw
    assert len(one.raw) > 40_000
    assert one.headers["etag"] == other.headers["etag"]
    assert (await ask(params=params, headers={"if-none-match": one.headers["etag"]})).status == 304
    assert len(small.responses._kept) == 0


@MODULE
async def test_no_room_keeps_nothing(broker: Broker, asker: Asker) -> None:
    engine = Engine.open(settings(broker.file, {"mim": broker.source, "nextbike": broker.bikes}, kept_mib=0))
    made = engine.endpoint.context = Counted(engine.endpoint.context)
    with made.executes(2):
        replies = [await asker(engine.endpoint)(params=asked(STOPS)) for _ in range(2)]
    assert [(one.status, one.headers["cache-control"]) for one in replies] == [(200, "no-store")] * 2
    assert (len(engine.endpoint.responses._kept), len(engine.endpoint._known)) == (0, 0)
    engine.store.close()
