"""Bad nights of a PostgreSQL store: whatever befalls the database or a process, every answer is one whole generation.

Two processes refresh the same data sets on and on, one after the other as their leases let them; readers ask all the while, through
the whole of the endpoint, and judge each answer. Nights that take minutes are in `tests.faults.test_long_nights`.
"""

import asyncio
import random
import signal

from tests.city.pooler import pooling
from tests.city.servers import Server
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
