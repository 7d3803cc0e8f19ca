"""Every fault that a lookup can meet: it costs its own field, and what was answered before is given for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from operator import attrgetter
from pathlib import Path

import pytest

from broker.catalog import Catalog
from broker.errors import Unavailable
from broker.on_demand import Found, OnDemand
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import SqlStore, open_store
from tests.city.faulty import Faulty
from tests.faults.bounds import BOUND_SECONDS, BOUNDED, MOST_MIB, TIMEOUT, held
from tests.faults.conftest import Tally
from tests.faults.misbehaviour import misbehaving
from tests.faults.readers import BOARD, BYSTANDER, LOOKUP, STOP
from tests.faults.table import FAULTS, Fault

PLAUSIBLE = ("duplicates", "all_gone", "half_gone")
"""What nobody can tell from the truth where there are no keys and no records to compare with."""
MET = [one for one in FAULTS if one.among == "all" and one.name not in PLAUSIBLE]


@pytest.mark.parametrize("fault", MET, ids=attrgetter("name"))
async def test_a_fault_costs_its_own_field(fault: Fault, tmp_path: Path, tally: Tally) -> None:
    with tally.case(fault.name):
        await costs_its_own_field(fault, tmp_path)


async def costs_its_own_field(fault: Fault, tmp_path: Path) -> None:
    """Nothing before: the reason. Something before: that, marked as stale."""
    reason = fault.of("geojson").reason  # JSON as well
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", Catalog.of([BYSTANDER]))
    with closing(store), held(fault.name in BOUNDED):
        async with Faulty(BOARD.answer, BOARD.source.base_url) as well, asking(store, well.base_url) as before:
            good = await before.find(LOOKUP, STOP)
        async with (
            asyncio.timeout(BOUND_SECONDS),
            misbehaving(fault.name, BOARD, tmp_path) as source,
            asking(store, source) as asked,
        ):
            if fault.name == "charset":
                assert told(await asked.find(LOOKUP, STOP)) == told(good)
                return
            with pytest.raises(Unavailable, match=f"(?i){reason}"):
                await asked.find(LOOKUP, STOP)
            asked._known.update(before._known)
            found = await asked.find(LOOKUP, STOP)
    assert (found.items, found.stale) == (good.items, True)


def told(found: Found) -> set[tuple[str, str]]:
    return {(one["line"], one["direction"]) for one in found.items}


@asynccontextmanager
async def asking(store: SqlStore, source: str) -> AsyncIterator[OnDemand]:
    """Asks the lookup's source at this address."""
    settings = Settings.load(
        sample=False,
        sources={BOARD.source.id: {"base_url": source}},
        upstream={"timeout_seconds": TIMEOUT, "attempts": 1, "max_body_mib": MOST_MIB},
    )
    async with Refresher(store.catalog, store, settings) as refresher, aclosing(OnDemand(refresher)) as asked:
        yield asked
