"""What was fetched is not fetched again: a refresh that was cut off goes on where it stood, within bounds."""

from pathlib import Path

import pytest

from broker.catalog import Catalog
from broker.errors import Refused, Unavailable
from broker.refresh import Refresher
from broker.remembered import Packed, Resumption
from broker.settings import Settings
from broker.store import open_store
from broker.upstream import Received, Request
from connectors.bip import Contract
from tests.city.register import Register, own_rows


def page(number: int) -> Request:
    return Request("POST", "http://city/", form={"p": str(number)})


class Pages:
    """A source of pages of a thousand bytes that compress to a few, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False

    async def send(self, request: Request) -> Received:
        if self.down:
            raise Unavailable("down")
        self.asked.append(request.form["p"])
        return Received(self.body(request.form["p"]), "utf-8")

    def body(self, number: str) -> bytes:
        return f"{number} of {len(self.asked)} ".encode() * 100


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def attempt(
    kept: Resumption, pages: Pages, *numbers: int, end: type[Exception] | None = None, of: str = "d"
) -> list[bytes]:
    """A refresh that asks for these pages and ends well, or with an error."""
    bodies = []
    try:
        with kept.of(of, pages) as transport:
            for number in numbers:
                bodies.append((await transport.send(page(number))).body)  # noqa: PERF401 - an error in the middle is the point
            if end is not None:
                raise end("as it happens")
    except (Unavailable, Refused):
        assert end is not None
    return bodies


async def test_the_next_attempt_asks_only_for_the_rest() -> None:
    kept, pages = Resumption(1 << 20, 600.0), Pages()
    first = await attempt(kept, pages, 1, 2, end=Unavailable)
    assert await attempt(kept, pages, 1, 2, 3, end=Unavailable) == [*first, b"3 of 3 " * 100]
    await attempt(kept, pages, 1, 2, 3, 4)
    assert pages.asked == ["1", "2", "3", "4"]


@pytest.mark.parametrize("end", [None, Refused])
async def test_what_ends_otherwise_is_forgotten(end: type[Exception] | None) -> None:
    kept, pages = Resumption(1 << 20, 600.0), Pages()
    await attempt(kept, pages, 1, end=Unavailable)
    await attempt(kept, pages, 1, end=end)
    await attempt(kept, pages, 1)
    assert pages.asked == ["1", "1"]
    assert kept.room == 1 << 20


async def test_another_data_set_has_pages_of_its_own() -> None:
    kept, pages = Resumption(1 << 20, 600.0), Pages()
    await attempt(kept, pages, 1, end=Unavailable)
    await attempt(kept, pages, 1, of="other")
    assert pages.asked == ["1", "1"]


async def test_a_page_asked_for_twice_in_one_attempt_is_fetched_and_the_later_one_is_kept() -> None:
    kept, pages = Resumption(1 << 20, 600.0), Pages()
    await attempt(kept, pages, 1, 1, end=Unavailable)
    assert await attempt(kept, pages, 1, 1, end=Unavailable) == [b"1 of 2 " * 100, b"1 of 3 " * 100]
    assert await attempt(kept, pages, 1) == [b"1 of 3 " * 100]
    assert kept.room == 1 << 20


async def test_what_is_too_old_is_fetched_again() -> None:
    clock, pages = Clock(), Pages()
    kept = Resumption(1 << 20, 600.0, clock)
    await attempt(kept, pages, 1, end=Unavailable)
    clock.now = 300.0
    await attempt(kept, pages, 1, 2, end=Unavailable)
    clock.now = 600.0
    await attempt(kept, pages, 1, 2, 3, end=Unavailable)
    assert pages.asked == ["1", "2", "1", "3"]
    clock.now = 2000.0
    await attempt(kept, pages, of="other")
    assert kept.room == 1 << 20


async def test_what_has_no_room_is_fetched_again() -> None:
    size = len((await Packed.of(Received(b"1 of 1 " * 100))).body)
    kept, pages = Resumption(2 * size, 600.0), Pages()
    await attempt(kept, pages, 1, 2, 3, 4, end=Unavailable)
    assert kept.room < size
    await attempt(kept, pages, 1, 2, 3, 4)
    assert pages.asked == ["1", "2", "3", "4", "3", "4"]
    assert kept.room == 2 * size


async def test_what_comes_after_the_end_and_of_two_attempts_at_once_takes_no_room() -> None:
    kept, pages = Resumption(1 << 20, 600.0), Pages()
    begun = kept.of("d", pages)
    first = begun.__enter__()
    await first.send(page(1))
    await attempt(kept, pages, 2, end=Unavailable)
    begun.__exit__(Unavailable, Unavailable("cut off"), None)
    await first.send(page(3))
    await attempt(kept, pages, 1)
    assert pages.asked == ["1", "2", "3"]
    assert kept.room == 1 << 20


async def test_a_register_that_goes_away_in_the_middle_is_read_on_from_there(tmp_path: Path) -> None:
    rows = await own_rows()
    dataset = Contract.__dataset__
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([dataset]))
    async with Register(rows) as register:
        settings = Settings.load(
            sample=False,
            sources={"bip": {"base_url": register.base_url}},
            upstream={"attempts": 1, "per_second": 10_000, "circuit_failures": 100},
        )
        whole = len(register.pages)
        async with Refresher(store.catalog, store, settings) as refresher:
            register.fails_after = 10
            first = await refresher.refresh(dataset)
            register.fails_after, so_far = None, register.requests
            second = await refresher.refresh(dataset)
            asked = register.requests - so_far
            third = await refresher.refresh(dataset)
    assert (first.outcome, "answered 500" in str(first.error)) == ("failed", True)
    assert (second.outcome, second.changes.records) == ("published", len(rows))
    assert asked < whole
    assert (third.outcome, third.changes.unchanged) == ("unchanged", len(rows))
    assert register.requests - so_far - asked >= whole
    store.close()
