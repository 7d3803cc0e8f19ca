"""The virtual monitor of the Poznań transport authority: JSON over POST, one method a question, its argument as JSON in ``p0``.

Its status is 200 whatever happens: what went well is under ``success``, what did not is a text under ``failure``, and of a method
that it does not know it answers ``{}``. ``getTimesForAllBollards`` gives for the name of a stop each of its posts (``bollard``, with
``symbol`` and ``name``) and what leaves it next (``times``). A moment is written as if it were in UTC, ``2016-11-25T21:48:00.000Z``, and
is meant in the city's time; ``minutes`` says the same from the moment of the answer on. Facts about a vehicle (``vehicle``,
``lowFloorBus``, ``airCnd``…) are there only when the monitor knows which one comes.

Its codes of posts are the authority's, others than the map service's, so that a stop is asked for by its name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from broker.errors import Unreadable
from broker.fields import CITY_TIME, Row
from broker.upstream import Page, Upstream

__all__ = ["DepartureBoard", "moment"]

METHOD = "getTimesForAllBollards"


@dataclass(frozen=True, slots=True)
class DepartureBoard:
    """Asks what leaves the stop of a name next, from all its posts.

    A row is one departure as the monitor tells it, with its post as ``symbol``, and as ``asked`` the moment (UTC) of the question.
    """

    path: str

    async def fetch(self, upstream: Upstream, key: str) -> Page:
        """Ask once; a question changes nothing, so it may be repeated."""
        form = {"method": METHOD, "p0": orjson.dumps({"name": key}).decode()}
        return await upstream.post(self.path, form, {"asked": datetime.now(UTC).isoformat()}, only_asks=True)

    def rows(self, page: Page) -> Iterator[Row]:
        """The departures, post by post; raises `Unreadable` with what the monitor says when it gives none."""
        answer = page.json
        success = answer.get("success") if isinstance(answer, dict) else None
        posts = success.get("bollardsWithTimes") if isinstance(success, dict) else None
        if not isinstance(posts, list):
            raise Unreadable(f"{page.url or 'the answer'}: no departures: {_instead(answer)}")
        for post in posts:
            bollard, times = (post.get("bollard"), post.get("times")) if isinstance(post, dict) else (None, None)
            if not isinstance(bollard, dict) or not isinstance(times, list):
                raise Unreadable(f"{page.url or 'the answer'}: a post without 'bollard' or 'times'")
            for one in times:
                told = one if isinstance(one, dict) else {"value": one}
                yield {**told, "symbol": bollard.get("symbol"), "asked": page.asked.get("asked")}


def moment(written: object, minutes: object, asked: object) -> datetime:
    """When something leaves: the reading of the moment that agrees best with the minutes from the question on. Raises ``ValueError``.

    The city's time is what is meant as a rule; in the hour that comes twice the later one, and UTC should the monitor mean what it writes.
    """
    bare = datetime.fromisoformat(str(written).removesuffix("Z"))
    if bare.tzinfo is not None:
        return bare
    told = datetime.fromisoformat(str(asked)) + timedelta(minutes=int(str(minutes)))
    readings = (bare.replace(tzinfo=CITY_TIME), bare.replace(tzinfo=CITY_TIME, fold=1), bare.replace(tzinfo=UTC))
    return min(readings, key=lambda one: abs(one - told))


def _instead(answer: Any) -> str:  # noqa: ANN401 - whatever came
    if isinstance(answer, dict) and "failure" in answer:
        return f"it says {str(answer['failure'])[:200]!r}"
    return "it does not know the question" if answer == {} else "its answer has another form"
