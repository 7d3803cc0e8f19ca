"""How the bulletin is paged: to the true end, in order, a few pages ahead, and not without end."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from broker.errors import Oversized, Refused, SourceError, Suspicious, Unavailable, Unreadable
from broker.model import Page
from broker.upstream import Request, Sample, Upstream
from connectors.bip import REGISTER, ContractPages
from connectors.protocols.bip_json import Pages
from tests.city.outward import http
from tests.city.register import Register

READER = Pages(REGISTER, "rejestr_umow", "umowa", method="POST", form={"co": "search"}, counter="p", pause=0.01)
SECTION = Pages("interpelacje/{page}/", "s", "e", first=1)


def contracts(count: int) -> list[dict[str, Any]]:
    return [{"umw_id": -1, "local_id": one, "or_id": one % 3, "numer": f"{one}"} for one in range(count)]


async def ids(reader: Pages, upstream: Upstream) -> list[int]:
    return [row["local_id"] async for page in reader.fetch(upstream) for row in reader.rows(page)]


def envelope(rows: Any) -> bytes:
    items = [{"e": rows}] if rows else [""]
    return json.dumps({"bip.poznan.pl": {"data": [{"s": {"items": items, "total_size": 100}}]}}).encode()


def answering(answer: Callable[[int], Any]) -> tuple[Upstream, list[str]]:
    """A bulletin whose page n of the section holds ``answer(n)``, and the paths it is asked for."""
    asked: list[str] = []

    def answered(request: Request) -> bytes:
        asked.append(request.url.removeprefix("http://bip/"))
        number = int(asked[-1].removeprefix("interpelacje/").strip("/") or 1)
        return envelope(answer(number))

    return Upstream("http://bip", Sample(answered)), asked


async def read(reader: Pages, upstream: Upstream) -> list[Any]:
    return [row["id"] async for page in reader.fetch(upstream) for row in reader.rows(page)]


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 20, 101, 1234])
@pytest.mark.parametrize("after_end", ["empty", "repeat"])
async def test_every_row_arrives_in_order(count: int, after_end: Any) -> None:
    async with Register(contracts(count), page_size=10, after_end=after_end) as register, http() as transport:
        arrived = await ids(READER, Upstream(register.base_url, transport))
        assert arrived == list(range(count))
        assert register.requests <= len(register.pages) + 2 + READER.ahead


async def test_pages_are_asked_for_ahead_but_not_too_many() -> None:
    async with Register(contracts(400), page_size=10, delay=0.02) as register, http() as transport:
        assert len(await ids(READER, Upstream(register.base_url, transport))) == 400
        assert 2 <= register.most_at_once <= READER.ahead


async def test_short_and_empty_pages_in_the_middle_do_not_stop() -> None:
    pages = {1: [{"id": 1}, {"id": 2}], 2: {"id": 3}, 3: [], 4: [{"id": 4}]}
    upstream, asked = answering(lambda number: pages.get(number, []))
    assert await read(SECTION, upstream) == [1, 2, 3, 4]
    assert asked[:3] == ["interpelacje/", "interpelacje/2/", "interpelacje/3/"]


async def test_two_barren_pages_are_the_end() -> None:
    pages = {1: {"id": 1}, 4: {"id": 4}}
    upstream, _ = answering(lambda number: pages.get(number, []))
    assert await read(SECTION, upstream) == [1]


async def test_the_same_page_for_ever_is_the_end() -> None:
    upstream, _ = answering(lambda _: [{"id": 1}, {"id": 2}])
    assert await read(SECTION, upstream) == [1, 2]


async def test_no_page_after_the_last_is_the_end_where_pages_are_addresses() -> None:
    pages = {1: {"id": 1}, 2: {"id": 2}}
    upstream, _ = answering(lambda number: pages[number])  # LookupError is refused
    assert await read(SECTION, upstream) == [1, 2]


async def test_a_refused_first_page_is_refused() -> None:
    pages: dict[int, Any] = {}
    upstream, _ = answering(lambda number: pages[number])
    with pytest.raises(Refused):
        await read(SECTION, upstream)


async def test_something_new_for_ever_is_suspicious() -> None:
    upstream, _ = answering(lambda number: {"id": number})
    bounded = Pages("interpelacje/{page}/", "s", "e", first=1, max_pages=7)
    with pytest.raises(Suspicious, match=r"interpelacje/.*still something new after 7 pages"):
        await read(bounded, upstream)


async def test_one_section_for_each_of_several_values() -> None:
    reader = Pages("news/-,c,{category}/", "s", "e", each=("category", ("8380", "8440")))
    upstream = Upstream("http://bip", Sample(lambda request: envelope({"id": request.url[-5:-1]})))
    rows = [row async for page in reader.fetch(upstream) for row in reader.rows(page)]
    assert rows == [{"category": "8380", "id": "8380"}, {"category": "8440", "id": "8440"}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><html>", "is not JSON: it is an HTML page"),
        (b"", "is not JSON: it is empty"),
        (b'{"bip.poznan.pl": {"data": [{"s": {"it', "is not JSON"),
        (b"[]", "not an object with one host and its 'data'"),
        (b'{"bip.poznan.pl": {}}', "not an object with one host and its 'data'"),
        (b'{"bip.poznan.pl": {"data": [{"other": {}}]}}', "no section 's'"),
        (b'{"bip.poznan.pl": {"data": [{"s": {"items": [{"x": 1}]}}]}}', "an item of 's' has no 'e', only 'x'"),
        (b'{"bip.poznan.pl": {"data": [{"s": {"items": [{"e": [1]}]}}]}}', "'e' holds int where objects should be"),
        (b'{"bip.poznan.pl": {"data": ["text"]}}', "'data' holds str"),
    ],
)
def test_what_is_not_the_envelope_is_said(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        list(SECTION.rows(Page(body, "http://bip/x")))


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("html", Unreadable, "POST http.*it is an HTML page: Blad$"),
        ("truncated", Unreadable, "is not JSON: it begins with"),
        ("error", Unavailable, "answered 500"),
        ("slow", Unavailable, "did not answer in time"),
        ("oversized", Oversized, "larger than 1000000 bytes"),
    ],
)
async def test_a_fault_that_lasts_fails_with_its_reason(fault: Any, error: type[SourceError], says: str) -> None:
    async with (
        Register(contracts(95), page_size=10) as register,
        http(seconds=0.3, max_bytes=1_000_000) as transport,
    ):
        register.fault = fault
        with pytest.raises(error, match=says):
            await ids(READER, Upstream(register.base_url, transport, attempts=1))


@pytest.mark.parametrize("fault", ["html", "truncated"])
async def test_a_fault_that_passes_is_waited_out(fault: Any) -> None:
    async with Register(contracts(95), page_size=10) as register, http() as transport:
        register.fault, register.fault_lasts = fault, 2
        assert await ids(READER, Upstream(register.base_url, transport)) == list(range(95))


async def test_what_was_asked_ahead_is_given_up_with_the_reading() -> None:
    async with Register(contracts(400), page_size=10, delay=0.01) as register, http() as transport:
        pages = READER.fetch(Upstream(register.base_url, transport))
        for _ in range(5):
            await anext(pages)
        await pages.aclose()  # type: ignore[attr-defined]  # fetch is an async generator
        asked = register.requests
        await asyncio.sleep(0.1)
        assert register.requests == asked


CONTRACTS = ContractPages(
    REGISTER, "rejestr_umow", "umowa", method="POST", form={"co": "search"}, counter="p", pause=0.01
)


async def test_units_are_named_from_the_search_form() -> None:
    units = {"0": "Zarząd Dróg & Mostów", "1": 'Przedszkole Nr 46 "Mali Przyrodnicy"'}
    async with Register(contracts(5), units=units) as register, http() as transport:
        upstream = Upstream(register.base_url, transport)
        rows = [row async for page in CONTRACTS.fetch(upstream) for row in CONTRACTS.rows(page)]
    assert [row["jednostka"] for row in rows] == [units["0"], units["1"], None, units["0"], units["1"]]


async def test_contracts_come_without_the_names_of_units_too() -> None:
    async with Register(contracts(5)) as register, http() as transport:
        register.form = "<html><body>Przerwa techniczna</body></html>"
        upstream = Upstream(register.base_url, transport)
        rows = [row async for page in CONTRACTS.fetch(upstream) for row in CONTRACTS.rows(page)]
    assert [row["jednostka"] for row in rows] == [None] * 5
