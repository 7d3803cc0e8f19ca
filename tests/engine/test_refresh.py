"""A refresh is whole or it did not happen: on the real register, on the real stops, and with every fault on the way."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.catalog import Catalog
from broker.errors import NotFound
from broker.model import Dataset
from broker.query import Compare, Operator, Query, Window
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import RefreshRecord, SqlStore, open_store
from broker.upstream import Request
from connectors.bip import Contract
from connectors.mim import MIM, Place, Stop
from tests.city.register import REAL, Fault, Register, own_rows, real_rows
from tests.city.replica import Replica

CONTRACTS, STOPS, PLACES = Contract.__dataset__, Stop.__dataset__, Place.__dataset__

Refreshing = Callable[..., AbstractAsyncContextManager[Refresher]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.load())
    yield store
    store.close()


@pytest.fixture
def refreshing(store: SqlStore) -> Refreshing:
    @asynccontextmanager
    async def opened(seconds: float = 20, **base_urls: str) -> AsyncIterator[Refresher]:
        settings = Settings.load(
            sample=False,
            sources={source: {"base_url": url} for source, url in base_urls.items()},
            upstream={"timeout_seconds": seconds, "attempts": 1, "max_body_mib": 4, "per_second": 10_000},
        )
        async with Refresher(store.catalog, store, settings) as refresher:
            yield refresher

    return opened


def how_many(store: SqlStore, dataset: Dataset, field: str, operator: Operator, value: Any) -> int:
    where = Compare(field, operator, value)
    return store.count(Query(dataset, store.version(dataset).version, frozenset(), Window(0), where))


async def test_the_whole_register_arrives_and_a_second_time_changes_nothing(
    store: SqlStore, refreshing: Refreshing
) -> None:
    real = real_rows()
    rows = real or await own_rows()
    async with Register(rows) as register, refreshing(bip=register.base_url) as refresher:
        first = await refresher.refresh(CONTRACTS)
        second = await refresher.refresh(CONTRACTS)
    counted = (
        store.version(CONTRACTS).records,
        how_many(store, CONTRACTS, "entry", Operator.STARTS_WITH, "u"),
        how_many(store, CONTRACTS, "entry", Operator.STARTS_WITH, "l"),
        how_many(store, CONTRACTS, "amount", Operator.IS_NULL, value=True),
    )
    assert counted == ((116_719, 55_942, 60_777, 2_919) if real else (2_600, 1_300, 1_300, 9))
    assert (first.outcome, first.error, first.changes.added) == ("published", None, len(rows))
    assert (second.outcome, second.changes.unchanged, second.changes.added) == ("unchanged", len(rows), 0)
    assert first.changes.rejected == second.changes.rejected == 0
    assert store.version(CONTRACTS).number == 1


async def test_all_stops_arrive(refreshing: Refreshing) -> None:
    path = REAL / "mim-cluster.geojson"
    assert MIM.sample is not None
    sample = MIM.sample

    def answer(request: Request) -> bytes:
        return path.read_bytes() if path.exists() and request.params.get("co") == "cluster" else sample(request)

    async with Replica(answer, MIM.base_url) as mim, refreshing(mim=mim.base_url) as refresher:
        first = await refresher.refresh(STOPS)
        second = await refresher.refresh(STOPS)
    expected = 2_864 if path.exists() else 1_708
    assert (first.error, first.changes.records, first.changes.rejected) == (None, expected, 0)
    assert (second.outcome, second.changes.unchanged) == ("unchanged", expected)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("html", "HTML page"),
        ("truncated", "not JSON"),
        ("error", "answered 500"),
        ("slow", "did not answer in time"),
        ("oversized", "larger than 4194304 bytes"),
    ],
)
async def test_a_fault_fails_one_refresh_with_its_reason_and_the_old_version_stays(
    store: SqlStore, refreshing: Refreshing, fault: Fault, reason: str
) -> None:
    assert MIM.sample is not None
    rows = await own_rows()
    async with Register(rows[:950]) as register, Replica(MIM.sample, MIM.base_url) as mim:
        async with refreshing(bip=register.base_url) as refresher:
            await refresher.refresh(CONTRACTS)
        register.fault, register.requests = fault, 0
        async with refreshing(seconds=0.7, bip=register.base_url, mim=mim.base_url) as refresher:
            failed, went_on = await refresher.refresh_all([CONTRACTS, STOPS])
    assert (failed.outcome, went_on.outcome) == ("failed", "published")
    assert reason in str(failed.error)
    assert store.last_refreshes()[CONTRACTS.id].error == failed.error
    assert (store.version(CONTRACTS).number, store.version(CONTRACTS).records) == (1, 950)


BILLION_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><events>&b;</events>'
REPORT = b'<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows"><ows:Exception/></ows:ExceptionReport>'


@pytest.mark.parametrize(
    ("dataset", "body", "reason"),
    [
        ("mim.places", b"<!DOCTYPE html><html></html>", "HTML page"),
        ("mim.places", REPORT, "exception report"),
        ("mim.places", b'{"features": [', "not JSON"),
        ("mim.events", b"<events><event><event_id>1", "XML"),
        ("mim.events", BILLION_LAUGHS, "declares a document type"),
        ("mim.articles", b"<!DOCTYPE html><html></html>", "HTML page"),
        ("sip.parcels", REPORT, "exception report"),
        ("sip.addresses", b'{"type": "FeatureColl', "not JSON"),
        ("kontakt.contact_topics", b"<!DOCTYPE html><html></html>", "it is an HTML page"),
    ],
)
async def test_what_is_not_the_form_it_should_be_is_named(
    store: SqlStore, refreshing: Refreshing, dataset: str, body: bytes, reason: str
) -> None:
    declared = store.catalog.dataset(dataset)
    source = declared.source
    assert source.sample is not None
    async with (
        Replica(source.sample, source.base_url) as replica,
        refreshing(**{source.id: replica.base_url}) as refresher,
    ):
        assert (await refresher.refresh(declared)).error is None
        replica.spoil = lambda *_: body
        failed = await refresher.refresh(declared)
    assert failed.outcome == "failed"
    assert reason.lower() in str(failed.error).lower()
    assert store.version(declared).number == 1


async def read(refreshing: Refreshing, rows: Sequence[dict[str, Any]], times: int = 1) -> RefreshRecord:
    """How the last of so many refreshes from a register with these rows went."""
    async with Register(rows) as register, refreshing(bip=register.base_url) as refresher:
        for _ in range(times):
            last = await refresher.refresh(CONTRACTS)
    return last


async def test_most_records_gone_is_held_until_it_is_accepted(store: SqlStore, refreshing: Refreshing) -> None:
    rows = await own_rows()
    await read(refreshing, rows[:1000])
    last = await read(refreshing, rows[:499])
    assert last.outcome == "quarantined"
    assert last.error == (
        "held in quarantine: 501 of 1000 records would be gone, more than the share of 0.5 that refresh.max_loss allows. "
        "If that is true: broker accept bip.contracts"
    )
    assert store.version(CONTRACTS).records == 1000
    async with refreshing() as refresher:
        accepted = await refresher.accept(CONTRACTS)
        with pytest.raises(NotFound, match=r"bip\.contracts: nothing is held in quarantine"):
            await refresher.accept(CONTRACTS)
    assert (accepted.outcome, accepted.changes.removed, store.version(CONTRACTS).records) == ("published", 501, 499)
    assert (
        store.last_refreshes()[CONTRACTS.id].outcome == "published"
    )  # what was asked in vain is no failure of the source


async def test_what_a_source_gives_three_times_is_believed(store: SqlStore, refreshing: Refreshing) -> None:
    rows = await own_rows()
    await read(refreshing, rows[:1000])
    assert (await read(refreshing, rows[:400], times=2)).outcome == "quarantined"
    assert store.held()[CONTRACTS.id].agreed == 2
    believed = await read(refreshing, rows[:400])
    assert (believed.outcome, believed.error, store.version(CONTRACTS).records) == ("published", None, 400)
    assert store.held() == {}


async def test_a_source_that_recovers_leaves_nothing_in_quarantine(store: SqlStore, refreshing: Refreshing) -> None:
    rows = await own_rows()
    await read(refreshing, rows[:1000])
    await read(refreshing, rows[:100])
    assert (await read(refreshing, rows[:1000])).outcome == "unchanged"
    assert store.held() == {}


def _unreadable(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"wartosc": "siedem"}


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    return {"przedmiot_umowy" if name == "przedmiot" else name: value for name, value in row.items()}


@pytest.mark.parametrize(
    ("change", "share", "kinds", "reason"),
    [
        (_unreadable, 0.2, {"rejected"}, r"200 of 1000 rows could not be read \(a share of 0.20, 0.00 the last time\)"),
        (
            _renamed,
            1,
            {"vanished_field", "new_field"},
            "no longer gives 'przedmiot', which 'subject' is read from; 1000 of 1000 rows had it",
        ),
        (
            lambda row: row | {"nowe": "x"},
            1,
            {"new_field"},
            "gives 'nowe', which it never did; 1000 of 1000 rows have it",
        ),
    ],
)
async def test_what_a_source_has_never_done_before_is_doubted(
    store: SqlStore, refreshing: Refreshing, change: Any, share: float, kinds: set[str], reason: str
) -> None:
    rows = (await own_rows())[:1000]
    await read(refreshing, rows)
    changed = [change(dict(row)) if n < share * len(rows) else row for n, row in enumerate(rows)]
    last = await read(refreshing, changed)
    assert last.outcome == "quarantined"
    assert re.search(reason, str(last.error))
    assert {one.kind for one in store.held()[CONTRACTS.id].doubts} == kinds
    assert store.version(CONTRACTS).number == 1


async def test_what_was_accepted_is_what_the_next_refresh_is_compared_with(
    store: SqlStore, refreshing: Refreshing
) -> None:
    rows = (await own_rows())[:1000]
    await read(refreshing, rows)
    more = [row | {"nowe": "x"} for row in rows]
    assert (await read(refreshing, more)).outcome == "quarantined"
    async with refreshing() as refresher:
        await refresher.accept(CONTRACTS)
    assert (await read(refreshing, more)).outcome == "unchanged"
    assert store.held() == {}


async def test_keys_that_are_no_longer_one_record_s_own_are_doubted(refreshing: Refreshing) -> None:
    rows = (await own_rows())[:1000]
    await read(refreshing, rows)
    twice = [row | {"przedmiot": f"inny {n}"} for n, row in enumerate(rows[:300])]
    last = await read(refreshing, [*rows, *twice])
    assert last.outcome == "quarantined"
    assert "300 of 1300 rows have a key that another row with other content has" in str(last.error)


async def test_an_empty_answer_is_never_believed_by_itself(store: SqlStore, refreshing: Refreshing) -> None:
    rows = await own_rows()
    await read(refreshing, rows[:200])
    assert (await read(refreshing, [], times=5)).outcome == "quarantined"
    assert (store.held()[CONTRACTS.id].agreed, store.version(CONTRACTS).records) == (5, 200)


async def test_a_first_answer_that_is_empty_fails(store: SqlStore, refreshing: Refreshing) -> None:
    nothing = b'{"type":"FeatureCollection","features":[]}'
    async with Replica(lambda _: nothing, MIM.base_url) as mim, refreshing(mim=mim.base_url) as refresher:
        record = await refresher.refresh(PLACES)
    assert (record.outcome, record.error) == ("failed", "no record could be read (0 were rejected)")
    assert store.version(PLACES).number == 0


async def test_rows_that_cannot_be_read_are_kept_with_their_reason_and_the_rest_goes_on(
    store: SqlStore, refreshing: Refreshing
) -> None:
    rows = [dict(one) for one in (await own_rows())[:300]]
    rows[7]["wartosc"] = "siedem"
    rows[8]["data_zawarcia"] = "2017-02-30"
    async with Register(rows) as register, refreshing(bip=register.base_url) as refresher:
        record = await refresher.refresh(CONTRACTS)
    assert (record.outcome, record.changes.records, record.changes.rejected) == ("published", 298, 2)
    reasons = [reason for reason, _ in store.rejected(CONTRACTS, 10)]
    assert reasons[0].startswith("amount: ")
    assert "wartosc='siedem'" in reasons[0]
    assert "data_zawarcia='2017-02-30'" in reasons[1]


async def test_one_that_is_given_up_while_it_begins_lets_the_next_one_begin(
    store: SqlStore, refreshing: Refreshing, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    draft = store.draft

    def slow(*given: Any, **named: Any) -> Any:
        made = draft(*given, **named)
        begun.set()
        go_on.wait(20)
        return made

    monkeypatch.setattr(store, "draft", slow)
    assert MIM.sample is not None
    async with Replica(MIM.sample, MIM.base_url) as mim, refreshing(mim=mim.base_url) as refresher:
        given_up = asyncio.create_task(refresher.refresh(STOPS))
        assert await asyncio.to_thread(begun.wait, 20)
        given_up.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        monkeypatch.undo()
        assert (await refresher.refresh(STOPS)).outcome == "published"


async def test_a_connector_that_breaks_fails_alone(
    store: SqlStore, refreshing: Refreshing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[dict[str, Any]]:
        raise ZeroDivisionError("a mistake of the connector")

    monkeypatch.setattr(type(STOPS.reader), "rows", broken)
    assert MIM.sample is not None
    async with Replica(MIM.sample, MIM.base_url) as mim, refreshing(mim=mim.base_url) as refresher:
        record = await refresher.refresh(STOPS)
    assert record.error == "the connector failed: ZeroDivisionError: a mistake of the connector"
    assert store.last_refreshes()[STOPS.id].outcome == "failed"
