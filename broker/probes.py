"""What those who watch a broker ask it: whether it lives, whether it is ready and how fresh it is, its numbers."""

import asyncio
from collections.abc import Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from broker.breaker import Circuit
from broker.endpoint import Endpoint
from broker.errors import StoreError
from broker.health import Condition, conditions
from broker.metrics import (
    DATASET_AGE,
    DATASET_FAILING,
    DATASET_HELD,
    DATASET_RECORDS,
    DATASET_STALE,
    KEPT_BYTES,
    SOURCE_CIRCUIT,
    STORE_CLOCK,
    STORE_READABLE,
    exposition,
)
from broker.refresh import Refresher
from broker.store import SqlStore

__all__ = ["Probes"]


class Probes:
    """The routes for whoever watches.

    Args:
        store: whose data sets are told of.
        endpoint: whose kept answers are.
        refresher: which knows what is still to be filled for the first time, and which sources answer.
    """

    def __init__(self, store: SqlStore, endpoint: Endpoint, refresher: Refresher) -> None:
        self.store = store
        self.endpoint = endpoint
        self.refresher = refresher

    def routes(self, *, metrics: bool) -> list[BaseRoute]:
        """The routes, with the one for the metrics or without it."""
        health: list[BaseRoute] = [Route("/health/live", self.live), Route("/health/ready", self.ready)]
        return [*health, Route("/metrics", self.metrics)] if metrics else health

    async def live(self, _request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "live"})

    async def ready(self, _request: Request) -> Response:
        """Ready is a broker that has data, and with sample data has tried to fill every data set; old data are data too."""
        try:
            found = await asyncio.to_thread(conditions, self.store)
        except StoreError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
        filled = [one for one in found if not one.empty]
        stale = [one.dataset.id for one in filled if one.stale]
        is_ready = bool(filled) and not self.refresher.expecting
        status = ("stale" if stale else "ready") if is_ready else "not ready"
        body: dict[str, Any] = {"status": status, "datasets": len(found), "filled": len(filled)}
        if stale:
            body["stale"] = stale
        if waiting := _waiting(self.store):
            body["migration"] = waiting
        if self.store.clock.is_off:
            body["clock"] = self.store.clock.difference
        return JSONResponse(body, 200 if is_ready else 503)

    async def metrics(self, _request: Request) -> Response:
        """The numbers of this process, and of the store as it is now."""
        try:
            found: Sequence[Condition] = await asyncio.to_thread(conditions, self.store)
            STORE_READABLE.set(1)
        except StoreError:
            found = ()
            STORE_READABLE.set(0)
        STORE_CLOCK.set(0.0 - self.store.clock.offset.total_seconds())  # not -0.0
        KEPT_BYTES.set(self.endpoint.responses.taken)
        _tell(found)
        for source in self.store.catalog.sources:
            SOURCE_CIRCUIT.labels(source).set(list(Circuit).index(self.refresher.circuit(source)))
        return Response(exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _waiting(store: SqlStore) -> dict[str, str]:
    """What waits for `broker migrate`, or for a newer broker, by data set."""
    reasons = {
        id: one.read_refusal or one.write_refusal or "; ".join(change.text for change in one.waiting)
        for id, one in store.table_states.items()
    }
    return {id: reason for id, reason in reasons.items() if reason}


def _tell(found: Sequence[Condition]) -> None:
    for gauge in (DATASET_RECORDS, DATASET_AGE, DATASET_STALE, DATASET_FAILING, DATASET_HELD):
        gauge.clear()  # of a store that cannot be read nothing is known
    for one in found:
        id = one.dataset.id
        DATASET_RECORDS.labels(id).set(one.published.records)
        DATASET_STALE.labels(id).set(one.stale)
        DATASET_FAILING.labels(id).set(one.failing is not None)
        DATASET_HELD.labels(id).set(one.held is not None)
        if one.age is not None:
            DATASET_AGE.labels(id).set(one.age.total_seconds())
