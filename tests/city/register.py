"""A replica of the city's contracts register, which pages given rows over HTTP the way the real one does."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import orjson
from aiohttp import web

from broker.upstream import Sample, Upstream
from connectors.bip import BIP, Contract
from connectors.protocols.bip_json import entries

__all__ = ["REAL", "Fault", "Register", "envelope", "own_rows", "paged", "real_rows", "real_units", "search_form"]

Fault = Literal["html", "truncated", "error", "slow", "oversized"]

REAL = Path(__file__).parents[3] / "shared" / "data"
ERROR_PAGE = b"<!DOCTYPE html><html><head><title>Blad</title></head><body>Przepraszamy</body></html>"
SLOW = 3600.0
OVERSIZED = 300_000_000


def real_rows() -> list[dict[str, Any]]:
    """The real register's rows, where they are at hand; none otherwise."""
    path = REAL / "bip-rejestr-umow.ndjson.gz"
    if not path.exists():
        return []
    with gzip.open(path) as lines:
        return [orjson.loads(line) for line in lines]


def real_units() -> dict[str, str]:
    """The real names of the city's units by number, where they are at hand."""
    path = REAL / "bip-jednostki.json"
    return dict(orjson.loads(path.read_bytes())) if path.exists() else {}


async def own_rows() -> list[dict[str, Any]]:
    """The sample's entries, as many real ones' stand-ins."""
    rows: list[dict[str, Any]] = []
    dataset = Contract.__dataset__
    assert BIP.sample is not None
    async for page in dataset.reader.fetch(Upstream(BIP.base_url, Sample(BIP.sample))):
        rows.extend(entries(page, "rejestr_umow", "umowa"))
    return rows


class Register:
    """The register as an async context manager.

    It takes the search as a POST form with the page in ``p``, says ``total_size`` 100 whatever the truth, has a short page and
    an empty one in the middle, gives one entry as an object and several as a list, and after the last page goes on with
    empty pages (or, like some, with the last one again). Its search form names the units.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        page_size: int = 100,
        *,
        units: Mapping[str, str] | None = None,
        delay: float = 0.0,
        after_end: Literal["empty", "repeat"] = "empty",
    ) -> None:
        self.pages = list(paged(rows, page_size))
        self.form = search_form(units or {})
        self.delay = delay
        self.after_end = after_end
        self.fault: Fault | None = None
        self.fault_lasts: int | None = None  # requests; None is for good
        self.fails_after: int | None = None  # requests that are answered before all others fail
        self.requests = 0
        self.at_once = 0
        self.most_at_once = 0
        self.base_url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/api-json/bip/rejestr-umow/", self._page)
        app.router.add_get("/bip/rejestr-umow/", self._form)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}/api-json/bip"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            form = await request.post()
            if form.get("co") != "search":
                return web.Response(status=400, text="co=search")
            body = self._body(int(str(form["p"])))
            if self.delay:
                await asyncio.sleep(self.delay)
            if fault := self._due():
                return await self._faulty(request, fault, body)
            return web.Response(body=body, content_type="application/json")
        finally:
            self.at_once -= 1

    def _body(self, number: int) -> bytes:
        if number < len(self.pages):
            return self.pages[number]
        return self.pages[-1] if self.after_end == "repeat" else envelope([])

    def _due(self) -> Fault | None:
        if self.fails_after is not None and self.requests > self.fails_after:
            return "error"
        if self.fault is None or self.fault_lasts == 0:
            return None
        if self.fault_lasts is not None:
            self.fault_lasts -= 1
        return self.fault

    async def _faulty(self, request: web.Request, fault: Fault, body: bytes) -> web.StreamResponse:
        if fault == "html":
            return web.Response(body=ERROR_PAGE, content_type="text/html")
        if fault == "truncated":
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        if fault == "error":
            return web.Response(status=500, body=ERROR_PAGE, content_type="text/html")
        if fault == "slow":
            await asyncio.sleep(SLOW)
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(OVERSIZED >> 16):
            await response.write(b" " * (1 << 16))
        return response

    async def _form(self, _: web.Request) -> web.Response:
        return web.Response(text=self.form, content_type="text/html")


def paged(rows: Sequence[Mapping[str, Any]], size: int) -> list[bytes]:
    """The rows as bodies of pages: one in the middle short, an empty one after it, the last with a single entry."""
    middle = len(rows) // size // 2 * size
    cuts = [*range(0, middle + 1, size), middle + size // 3, middle + size // 3]
    cuts += [*range(cuts[-1] + size, len(rows) - 1, size), max(cuts[-1], len(rows) - 1), len(rows)]
    return [envelope(rows[start:end]) for start, end in pairwise(cuts)]


def envelope(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One page in the bulletin's form: an object when there is one entry, a list when there are several."""
    items: list[Any] = [{"umowa": rows[0] if len(rows) == 1 else rows}] if rows else [""]
    return orjson.dumps({"bip.poznan.pl": {"data": [{"rejestr_umow": {"items": items, "total_size": "100"}}]}})


def search_form(units: Mapping[str, str]) -> str:
    """The page for people: the register's search form, where alone the units have names."""
    options = "".join(f'<option value="{number}">{escape(name)}</option>' for number, name in units.items())
    return f'<html><body><select name="ru_jednostka_in"><option value="">(wybierz)</option>{options}</select></body></html>'
