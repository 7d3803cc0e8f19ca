"""The virtual monitor: what it answers, what it answers instead, and what time it means."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from broker.errors import Unreadable
from broker.model import Page, Rejected
from broker.upstream import Request, Sample, Upstream
from connectors.protocols.virtual_monitor import DepartureBoard, moment
from connectors.sample import mim
from connectors.ztm import ZTM, Departure

LOOKUP = Departure.__lookup__
ASKED = {"asked": "2016-11-25T20:40:00+00:00"}
BOLLARD = {"symbol": "KATO22", "tag": "KATO02", "name": "Katowicka", "mainBollard": False}
TIME = {
    "realTime": True,
    "minutes": 8,
    "direction": "Rondo Śródka",
    "onStopPoint": False,
    "departure": "2016-11-25T21:48:00.000Z",
    "line": "57",
}


def page(*times: Any, **more: Any) -> Page:
    posts = [{"bollard": BOLLARD, "times": list(times)}]
    return Page(orjson.dumps({"success": {"bollardsWithTimes": posts}, **more}), "the monitor", ASKED)


def one(time: Any) -> Any:
    (found,) = LOOKUP.items(page(time))
    return found


def test_what_is_told_of_a_departure() -> None:
    found = one({**TIME, "vehicle": "442", "lowFloorBus": False, "lowEntranceBus": True, "airCnd": True, "bike": False})
    assert found == {
        "post": "KATO22",
        "line": "57",
        "direction": "Rondo Śródka",
        "departs_at": datetime(2016, 11, 25, 20, 48, tzinfo=UTC),
        "real_time": True,
        "at_stop": False,
        "vehicle": "442",
        "low_floor": True,
        "ramp": None,
        "air_conditioned": True,
        "takes_bikes": False,
        "ticket_machine": None,
    }


@pytest.mark.parametrize(
    ("written", "minutes", "asked", "meant"),
    [
        ("2016-11-25T21:48:00.000Z", 8, "2016-11-25T20:40:00+00:00", "2016-11-25T20:48:00+00:00"),  # the city's time
        ("2016-07-25T21:48:00.000Z", 8, "2016-07-25T19:40:00+00:00", "2016-07-25T19:48:00+00:00"),  # in summer
        ("2016-11-25T20:48:00.000Z", 8, "2016-11-25T20:40:00+00:00", "2016-11-25T20:48:00+00:00"),  # as it is written
        ("2016-10-30T02:30:00.000Z", 5, "2016-10-30T00:25:00+00:00", "2016-10-30T00:30:00+00:00"),  # the first time
        ("2016-10-30T02:30:00.000Z", 5, "2016-10-30T01:25:00+00:00", "2016-10-30T01:30:00+00:00"),  # the second time
        ("2016-11-25T00:03:00.000Z", 8, "2016-11-24T22:55:00+00:00", "2016-11-24T23:03:00+00:00"),  # past midnight
        ("2016-11-25T21:48:00.000+01:00", 8, "2016-11-25T20:40:00+00:00", "2016-11-25T20:48:00+00:00"),
    ],
)
def test_a_moment_is_read_as_it_agrees_with_the_minutes(written: str, minutes: int, asked: str, meant: str) -> None:
    assert moment(written, minutes, asked).astimezone(UTC).isoformat() == meant


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"failure":"error: java.lang.reflect.InvocationTargetException"}', "it says 'error: java.lang.reflect"),
        (b"{}", "does not know the question"),
        (b"[]", "another form"),
        (b'{"success":[]}', "another form"),
        (b'{"success":{"bollardsWithTimes":[{"bollard":null,"times":[]}]}}', "a post without 'bollard' or 'times'"),
        (b'{"success":{"bollardsWithTimes":["x"]}}', "a post without 'bollard' or 'times'"),
        (b"<html>", "not JSON"),
    ],
)
def test_what_it_says_instead_is_named(body: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        list(LOOKUP.items(Page(body, "the monitor", ASKED)))


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ({**TIME, "line": None}, "line: missing"),
        ({**TIME, "departure": "soon"}, "departs_at: .*soon"),
        ({**TIME, "minutes": None}, "departs_at: "),
        ({**TIME, "realTime": "perhaps"}, "real_time: 'perhaps' is not yes or no"),
        ("57", "line: missing"),
    ],
)
def test_a_departure_that_cannot_be_read_costs_no_other(time: Any, reason: str) -> None:
    rejected, good = LOOKUP.items(page(time, TIME))
    assert isinstance(rejected, Rejected)
    assert not isinstance(good, Rejected)
    assert good["line"] == "57"
    assert re.match(reason, rejected.reason)


async def test_every_stop_of_the_sample_has_departures_within_the_hour() -> None:
    upstream = Upstream(ZTM.base_url, Sample(answer), attempts=1)
    now = datetime.now(UTC)
    for name in sorted({stop["properties"]["stop_name"] for stop in mim.stops()})[::20]:
        found = list(LOOKUP.items(await DepartureBoard("method.vm").fetch(upstream, name)))
        assert found
        for one in found:
            assert not isinstance(one, Rejected), one.reason
            assert -2 <= (one["departs_at"] - now).total_seconds() / 60 <= 61


async def test_the_sample_knows_no_other_stop_and_no_other_question() -> None:
    upstream = Upstream(ZTM.base_url, Sample(answer), attempts=1)
    with pytest.raises(Unreadable, match="it says 'brak'"):
        list(LOOKUP.items(await DepartureBoard("method.vm").fetch(upstream, "Nigdzie")))
    assert answer(Request("POST", f"{ZTM.base_url}/method.vm", form={"method": "getLines"})) == b"{}"


def answer(request: Request) -> bytes:
    assert ZTM.sample is not None
    return ZTM.sample(request)
