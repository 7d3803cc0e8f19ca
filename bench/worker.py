"""What one process of the broker takes: memory while it serves a store of a million records, seconds until it first answers."""

import http.client
import subprocess
import time
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import orjson

from bench.peers.load import Load, ask, in_turn
from bench.peers.servers import START_SECONDS
from bench.process import ROOT, free_port, own_mib, peak_mib
from bench.served import command, served

__all__ = ["first_answers", "memory"]

STARTS = 5
PAGE = """query($after: String) { addresses(first: 1000, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { id street number geometry location { lon lat } } } }"""
JOIN = "{ districts(first: 100) { nodes { related { addresses(predicate: WITHIN) { totalCount } } } } }"
FIRST = b'{"query": "{ addresses(first: 1) { nodes { id } } }"}'


def memory(file: str) -> dict[str, float]:
    """What a process holds, in MB (10^6 bytes), after each of several things, one after the other.

    It has given all records page by page, so that what it keeps of answers is full, and sixteen clients have asked for a page at
    the same time (``pages``); it has joined all records with the districts, for which their places are read into memory. The most
    there was, with what is mapped of files; and what is its own.
    """
    with served(file, sample="false") as one:
        found = {"started": _megabytes(peak_mib(one.pid)), "records": _walk(one.url)}
        in_turn({"broker": one.url}, Load(orjson.dumps({"query": PAGE}), rounds=1, seconds=1))
        found |= {"pages": _megabytes(peak_mib(one.pid)), "pages_own": _megabytes(own_mib(one.pid))}
        ask(one.url, orjson.dumps({"query": JOIN}))
        return found | {"joined": _megabytes(peak_mib(one.pid)), "joined_own": _megabytes(own_mib(one.pid))}


def _megabytes(mib: float) -> float:
    return round(mib * (1 << 20) / 1e6)


def _walk(url: str) -> int:
    """Ask for every page; gives how many records there were."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    records, after, more = 0, None, True
    while more:
        body = orjson.dumps({"query": PAGE, "variables": {"after": after}})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        page: Any = orjson.loads(connection.getresponse().read())["data"]["addresses"]
        records += len(page["nodes"])
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    connection.close()
    return records


def first_answers(files: dict[str, dict[str, str]]) -> dict[str, list[float]]:
    """Seconds from the start of a process to its first answer from a store that is there, some times over, by the store's name.

    ``files`` tells the settings of a broker on each.
    """
    found: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(STARTS):
        for name, settings in files.items():
            found[name].append(_first_answer(**settings))
    return found


def _first_answer(file: str, **settings: str) -> float:
    words, port, environment = command(file, free_port(), settings)
    started = time.perf_counter()
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            while True:
                try:
                    answer = ask(f"http://127.0.0.1:{port}/graphql", FIRST)
                    break
                except (URLError, ConnectionError):
                    if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                        raise SystemExit(f"{' '.join(words)} did not start") from None
                    time.sleep(0.002)
            took = time.perf_counter() - started
        finally:
            process.terminate()
    if len(orjson.loads(answer)["data"]["addresses"]["nodes"]) != 1:
        raise SystemExit(f"the first answer of {file} is {answer[:300].decode()}")
    return took
