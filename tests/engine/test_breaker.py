"""A breaker opens after failures in a row, tries with one request, and closes when that is answered."""

import asyncio

import pytest

from broker.breaker import Breaker, Circuit
from broker.errors import Refused, Unavailable


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(3, 30.0, clock)


def ask(breaker: Breaker, error: BaseException | None = None) -> None:
    """One request, and how it ends."""
    with breaker.watching("GET x"):
        if error is not None:
            raise error


def fail(breaker: Breaker, times: int = 1) -> None:
    for number in range(times):
        with pytest.raises(Unavailable, match=r"^GET x: busy"):
            ask(breaker, Unavailable(f"GET x: busy {number}"))


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    ask(breaker)
    fail(breaker, 2)
    assert breaker.circuit is Circuit.CLOSED
    fail(breaker)
    assert breaker.circuit is Circuit.OPEN
    said = r"^GET y: not sent before \d\d:\d\d:\d\d UTC, since 3 requests to this source failed in a row, the last: GET x: busy 0$"
    with pytest.raises(Unavailable, match=said) as raised:
        breaker.check("GET y")
    assert raised.value.again is False


def test_a_refusal_is_an_answer(breaker: Breaker) -> None:
    fail(breaker, 2)
    with pytest.raises(Refused):
        ask(breaker, Refused("no"))
    fail(breaker, 2)
    assert breaker.circuit is Circuit.CLOSED


@pytest.mark.parametrize("end", [asyncio.CancelledError(), ZeroDivisionError()])
def test_what_is_given_up_or_our_own_mistake_tells_nothing(breaker: Breaker, clock: Clock, end: BaseException) -> None:
    fail(breaker, 2)
    with pytest.raises(type(end)):
        ask(breaker, end)
    fail(breaker)
    assert breaker.circuit is Circuit.OPEN
    clock.now = 30.0
    with pytest.raises(type(end)):
        ask(breaker, end)
    assert breaker.circuit is Circuit.HALF_OPEN
    ask(breaker)  # the next one may try
    assert breaker.circuit is Circuit.CLOSED


def test_one_request_tries_and_the_others_do_not_wait_for_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now = 30.0
    with breaker.watching("GET x"):
        assert breaker.circuit is Circuit.HALF_OPEN
        with pytest.raises(Unavailable, match=r"^GET y: not sent while another one tries whether it answers again"):
            breaker.check("GET y")
    assert breaker.circuit is Circuit.CLOSED
    fail(breaker, 2)
    assert breaker.circuit is Circuit.CLOSED


def test_a_trial_that_fails_opens_it_for_as_long_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now = 31.0
    fail(breaker)
    assert breaker.circuit is Circuit.OPEN
    clock.now = 60.0
    assert breaker.circuit is Circuit.OPEN
    clock.now = 61.0
    assert breaker.circuit is Circuit.HALF_OPEN


def test_a_request_that_was_already_under_way_prolongs_nothing_when_it_fails(breaker: Breaker, clock: Clock) -> None:
    late = breaker.watching("GET x")
    late.__enter__()
    fail(breaker, 3)
    clock.now = 29.0
    late.__exit__(Unavailable, Unavailable("late"), None)
    clock.now = 30.0
    assert breaker.circuit is Circuit.HALF_OPEN


def test_a_request_that_was_already_under_way_closes_it_when_it_is_answered(breaker: Breaker) -> None:
    with breaker.watching("GET x"):
        fail(breaker, 3)
        assert breaker.circuit is Circuit.OPEN
    assert breaker.circuit is Circuit.CLOSED
