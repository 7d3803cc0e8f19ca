"""The newest versions are known without asking the database: at once in a file, some tenths of a second later of a server."""

import time
from collections.abc import Callable
from typing import NoReturn

import pytest

from broker.catalog import Catalog
from broker.errors import StoreUnavailable
from broker.store import SqlStore, polling
from tests.stores.town import SHOPS, Shop, put

SHOP = Shop.__dataset__


def wait_for(found: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_known_versions_are_the_newest_ones_or_none(opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> None:
    one, other = opened(catalog), opened(catalog)
    assert one.known_versions() is None
    if one.dialect.shared:  # a server is looked at some times a second, beside the requests
        wait_for(lambda: one.known_versions() is not None)
    for number in range(1, 6):
        newest = one.versions()
        assert one.known_versions() is newest
        assert one.known_versions() is newest
        writer = (one, other)[number % 2]
        put(writer, SHOP, *SHOPS[:number])
        if one.dialect.shared:
            if writer is other:
                wait_for(lambda newest=newest: one.known_versions() not in (None, newest))
            assert one.known_versions() == other.versions()
        else:
            assert one.known_versions() is None
        assert one.versions()[SHOP.id].number == number
        put(writer, SHOP, *SHOPS[:number])  # the same again is noted, as a check
        assert one.known_versions() is None or one.dialect.shared
        with other.writing() as connection:
            connection.execute(one.own.refreshes.delete())
        wait_for(lambda: one.known_versions() in (None, one.versions()))
    assert one.versions() == other.versions()


def test_a_draft_is_no_version(opened: Callable[[Catalog], SqlStore], catalog: Catalog) -> None:
    one, other = opened(catalog), opened(catalog)
    before = one.versions()
    draft = other.draft(SHOP, sample=False)
    draft.add(SHOPS)
    draft.close()
    assert one.known_versions() in (None, before)
    assert one.versions() == before


def test_what_was_seen_last_holds_for_two_seconds_while_the_database_is_away(
    opened: Callable[[Catalog], SqlStore], catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(catalog)
    if not store.dialect.shared:
        return  # a file is looked at, not a server
    assert store.known_versions() is None
    wait_for(lambda: store.known_versions() is not None)
    known, began = store.known_versions(), time.monotonic()

    def away(*_: object) -> NoReturn:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "reading", away)  # so no request asks the database either
    while store.known_versions() is known:
        assert time.monotonic() - began < polling.BOUND + 1
        time.sleep(0.01)
    assert time.monotonic() - began > polling.BOUND - polling.INTERVAL - 0.5
    monkeypatch.undo()
    wait_for(lambda: store.known_versions() == known)
