"""Sample of ZTM's virtual monitor: what leaves the invented stops of MIM's sample within the next hour, whenever it is asked."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from broker.upstream import Request
from connectors.sample import city, mim

__all__ = ["answer"]

WARSAW = ZoneInfo("Europe/Warsaw")
AHEAD, SEEN = 60, 20  # minutes that are told, and within which a vehicle is seen on its way
EVERY = {"0": 12, "3": 20}  # minutes from one vehicle to the next, by the kind of what halts
UNKNOWN = {"failure": "brak"}


def answer(request: Request) -> bytes:
    """The JSON for the name of a stop, as at this moment; raises `LookupError` for any other request."""
    if not request.url.endswith("/method.vm") or request.method != "POST":
        raise LookupError("no such page")
    if request.form.get("method") != "getTimesForAllBollards":
        return b"{}"
    name = orjson.loads(request.form["p0"])["name"]
    posts = _posts().get(name)
    if posts is None:
        return orjson.dumps(UNKNOWN)
    now = datetime.now(WARSAW).replace(second=0, microsecond=0)
    letters = "".join(one for one in name.upper() if one.isalpha())[:4]
    return orjson.dumps(
        {
            "success": {
                "bollardsWithTimes": [
                    {"bollard": _bollard(f"{letters}{number:02}", name), "times": _times(post, f"{name} {number}", now)}
                    for number, post in enumerate(posts, 1)
                ]
            }
        }
    )


@lru_cache(maxsize=1)
def _posts() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """What halts at each post of the stops of a name, and its lines."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for one in mim.stops():
        about = one["properties"]
        found.setdefault(about["stop_name"], []).append((about["route_type"], tuple(about["headsigns"].split(", "))))
    return found


def _bollard(symbol: str, name: str) -> dict[str, Any]:
    return {"symbol": symbol, "tag": symbol, "name": name, "mainBollard": False}


def _times(post: tuple[str, tuple[str, ...]], seed: str, now: datetime) -> list[dict[str, Any]]:
    kind, lines = post
    found = sorted((left, line) for line in lines for left in _left(EVERY[kind], f"{seed} {line}", now))
    return [_time(left, line, seed, now) for left, line in found]


def _left(every: int, seed: str, now: datetime) -> Iterator[int]:
    """The minutes that are left until a line leaves, the same timetable every day."""
    first = city.rng(seed).randrange(every) - (now.hour * 60 + now.minute)
    yield from range(first % every, AHEAD, every)


def _time(left: int, line: str, seed: str, now: datetime) -> dict[str, Any]:
    random = city.rng(f"{line} {(now + timedelta(minutes=left)):%H:%M}")
    streets = [one.name for one in city.streets()]
    seen = left <= SEEN and random.random() < 0.8
    vehicle = {
        "vehicle": str(random.randint(100, 999)),
        "lowFloorBus": random.random() < 0.8,
        "airCnd": random.random() < 0.5,
    }
    return {
        "realTime": seen,
        "minutes": left,
        "direction": city.rng(f"{seed} {line}").choice(streets).split(" ", 1)[-1],
        "onStopPoint": seen and left == 0,
        "departure": f"{now + timedelta(minutes=left):%Y-%m-%dT%H:%M:%S.000Z}",
        "line": line,
        **(vehicle if seen else {}),
    }
