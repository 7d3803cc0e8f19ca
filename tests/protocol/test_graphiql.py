"""GraphiQL in a real browser, which may reach nothing but this machine's loopback."""

import asyncio
import gzip
import itertools
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
import pytest_asyncio

from broker.graphiql import POLICY

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A broker as a process of its own, on a free port, with sample data."""
    folder = tmp_path_factory.mktemp("broker")
    log = folder / "log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "broker", "serve", "--port", "0"),
            cwd=folder,
            env={"BROKER_STORE": f"sqlite:///{folder}/store.sqlite", "PATH": "/usr/bin:/bin"},
            stderr=written,
        )
    try:
        found = await until(lambda: said(process, log, r"answers at (http://127\.0\.0\.1:\d+)/graphql"))
        await until(lambda: is_ready(found))
        yield found
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == -signal.SIGTERM
        assert "broker.stopped" in log.read_text(encoding="utf-8")


def said(process: asyncio.subprocess.Process, log: Path, pattern: str) -> str | None:
    text = log.read_text(encoding="utf-8", errors="replace")
    assert process.returncode is None, text
    found = re.search(pattern, text)
    return found[1] if found else None


async def is_ready(address: str) -> bool:
    return (await fetched(address, "/health/ready"))[0] == 200


async def until(look: Any, every: float = 0.05) -> Any:
    """Wait until there is something to see; look may be a coroutine function."""
    async with asyncio.timeout(PATIENCE):
        while True:
            seen = look()
            seen = await seen if asyncio.iscoroutine(seen) else seen
            if seen:
                return seen
            await asyncio.sleep(every)


class Tab:
    """One tab, over the Chrome DevTools protocol; keeps what the page asked the network for, and what it complained of."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        self.wire = wire
        self.ids = itertools.count(1)
        self.answers: dict[int, asyncio.Future[Any]] = {}
        self.asked: list[str] = []
        self.complaints: list[str] = []

    async def listen(self) -> None:
        async for message in self.wire:
            told = orjson.loads(message.data)
            if "id" in told:
                self.answers.pop(told["id"]).set_result(told)
            elif told["method"] == "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])
            elif told["method"] == "Runtime.exceptionThrown":
                self.complaints.append(told["params"]["exceptionDetails"]["text"])
            elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                self.complaints.append(told["params"]["entry"]["text"])

    async def tell(self, method: str, **params: Any) -> Any:
        id = next(self.ids)
        self.answers[id] = asyncio.get_running_loop().create_future()
        await self.wire.send_str(orjson.dumps({"id": id, "method": method, "params": params}).decode())
        told = await asyncio.wait_for(self.answers[id], PATIENCE)
        assert "error" not in told, told
        return told["result"]

    async def value(self, expression: str) -> Any:
        told = await self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    """A headless Chromium with one empty tab. Every name but the loopback's is unknown to it."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "no Chromium: run tests/packages.sh, which says how to get it"
    log = folder / "chromium"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(found, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *(
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-extensions",
            ),
            *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server"),
            *(f"--user-data-dir={folder / 'profile'}", "--remote-debugging-port=0", "about:blank"),
            stderr=written,
        )
    try:
        port = await until(lambda: said(process, log, r"DevTools listening on ws://127\.0\.0\.1:(\d+)/"))
        async with aiohttp.ClientSession() as session:  # noqa: TID251 - talks to the browser, not to a source
            async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                page = next(one for one in await reply.json() if one["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as wire:
                tab = Tab(wire)
                listening = asyncio.create_task(tab.listen())
                for domain in ("Network", "Runtime", "Log", "Page"):
                    await tab.tell(f"{domain}.enable")
                yield tab
        await listening
    finally:
        process.terminate()
        await process.wait()


ANSWER = "document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue() || ''"


async def test_the_first_query_is_answered_in_a_browser(address: str, tmp_path: Path) -> None:
    async with browser(tmp_path) as tab:
        await tab.tell("Page.navigate", url=f"{address}/graphiql")
        await until(lambda: tab.value("!!document.querySelector('.graphiql-execute-button')"))
        await tab.value("document.querySelector('.graphiql-execute-button').click()")
        shown = orjson.loads(await until(lambda: tab.value(ANSWER)))
        assert "errors" not in shown
        data = shown["data"]
        assert "mim.districts" in {one["id"] for source in data["sources"] for one in source["datasets"]}
        assert data["districts"]["totalCount"] == 42
        assert data["districts"]["nodes"][0]["name"] == "Antoninek-Zieliniec-Kobylepole"
        assert data["search"]["totalCount"] > 0
        await tab.value("document.querySelector('[aria-label=\"Show Documentation Explorer\"]').click()")
        explained = "document.querySelector('.graphiql-doc-explorer')?.innerText || ''"
        assert "query: Query" in await until(lambda: tab.value(explained))
        assert {urlsplit(url).netloc for url in tab.asked if urlsplit(url).scheme != "data"} == {
            urlsplit(address).netloc
        }
        assert f"{address}/graphql" in tab.asked
        assert tab.complaints == []


async def fetched(address: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One GET with exactly these headers, the body as it was sent."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"GET {path} HTTP/1.1", "Host: broker", "Connection: close", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *rest = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest), body


async def test_the_page_forbids_everything_from_elsewhere(address: str) -> None:
    status, headers, body = await fetched(address, "/graphiql")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["content-security-policy"] == POLICY.lower()
    assert "default-src 'none'; script-src 'self'" in POLICY
    assert re.findall(rb"https?://", body) == []


async def test_assets_are_sent_as_they_lie_here(address: str) -> None:
    for name in ("react-18.3.1.js", "react-dom-18.3.1.js", "graphiql-3.8.3.js", "graphiql-3.8.3.css"):
        status, headers, packed = await fetched(address, f"/graphiql/assets/{name}", **{"Accept-Encoding": "gzip"})
        assert (status, headers["content-encoding"]) == (200, "gzip")
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert packed[4:8] == bytes(4), "packed without a time, so that packing again gives the same bytes"
        _, headers, plain = await fetched(address, f"/graphiql/assets/{name}")
        assert "content-encoding" not in headers
        assert plain == gzip.decompress(packed)


async def test_only_what_is_there_is_served(address: str) -> None:
    for name in ("..%2Findex.html", "graphiql-3.8.3.js.gz", "nothing.js"):
        status, _, body = await fetched(address, f"/graphiql/assets/{name}")
        assert status == 404
        assert b"Traceback" not in body


async def test_health(address: str) -> None:
    status, _, body = await fetched(address, "/health/live")
    assert (status, orjson.loads(body)) == (200, {"status": "live"})
    status, _, body = await fetched(address, "/health/ready")
    ready = orjson.loads(body)
    assert (status, ready["status"]) == (200, "ready")
    assert ready["filled"] == ready["datasets"] > 0


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "broker", "serve", "--port", str(port)),
            env={"BROKER_STORE": f"sqlite:///{tmp_path}/store.sqlite", "PATH": "/usr/bin:/bin"},
            cwd=tmp_path,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await process.communicate()
    assert process.returncode == 2
    expected = f"error host, port: cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port\n"
    assert told.decode() == expected
