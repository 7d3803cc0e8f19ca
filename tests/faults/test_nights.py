"""Bad nights of a PostgreSQL store: whatever befalls the database or a process, every answer is one whole generation.

Two processes refresh the same data sets on and on, one after the other as their leases let them; readers ask all the while, through
the whole of the endpoint, and judge each answer. Nights that take minutes are in `tests.faults.test_long_nights`.
"""

import asyncio
import random
import signal
from contextlib import AsyncExitStack, aclosing

from broker.catalog import Catalog
from broker.live import Live
from broker.query import Query, Window
from broker.refresh import Refresher
from broker.settings import Settings
from broker.store import open_store
from connectors.nextbike import NEXTBIKE
from tests.city.pooler import pooling
from tests.city.replica import Replica
from tests.city.servers import Server
from tests.engine.test_live import BIKES, Bikes
from tests.faults.conftest import Tally
from tests.faults.extent import WHOLE
from tests.faults.nights import check_store, first_to_publish, night


async def test_the_database_restarts_again_and_again(server: Server, tally: Tally) -> None:
    pick = random.Random(1)
    async with night(server.url(), tally, "restarts") as (one, other):
        for how in (signal.SIGINT, signal.SIGQUIT) * (5 if WHOLE else 1):
            await asyncio.sleep(pick.uniform(0.2, 3.0))
            await asyncio.to_thread(server.restart, how)
        await first_to_publish(one, other)
    check_store(server.url())


async def test_a_pooler_by_transaction_that_restarts(server: Server, tally: Tally) -> None:
    with pooling(server.port, "store") as pooler:
        async with night(pooler.url, tally, "pooler") as (one, _):
            for _ in range(5 if WHOLE else 1):
                await asyncio.sleep(1.5)
                pooler.stop()
                await asyncio.sleep(0.5)
                pooler.start()
            await one.published_some(60)
        check_store(pooler.url)


async def test_the_database_restarts_in_the_middle_of_a_live_fetch(server: Server) -> None:
    """The lease is in the database, not in a connection: the fetch goes on, and what it publishes is whole."""
    bikes = Bikes()
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(Replica(bikes.answer, NEXTBIKE.base_url))
        store = open_store(server.url(), Catalog.of([BIKES]))
        stack.callback(store.close)
        settings = Settings.load(sample=False, sources={"nextbike": {"base_url": source.base_url}})
        refresher = await stack.enter_async_context(Refresher(store.catalog, store, settings))
        living = await stack.enter_async_context(aclosing(Live(refresher, store)))
        first = await living.fresh(BIKES, store.version(BIKES))
        bikes.other = True
        for how in (signal.SIGINT, signal.SIGQUIT):
            await asyncio.sleep(0.35)
            with bikes.hanging():
                asking = asyncio.create_task(living.fresh(BIKES, store.version(BIKES), 15))
                await asyncio.sleep(0.3)
                await asyncio.to_thread(server.restart, how)
            found = await asking
            query = Query(BIKES, found.version, frozenset({"bikes"}), Window(1000))
            assert len(store.select(query).rows) == store.count(query) == found.records == first.records
        assert found.number > first.number
