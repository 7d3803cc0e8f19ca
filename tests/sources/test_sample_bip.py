"""What the sample of the bulletin must come out as, read by the real connector."""

from collections import Counter, defaultdict
from functools import cache
from typing import Any

import pytest

from broker.model import Record, Rejected
from broker.upstream import Request, Sample, Upstream
from connectors.bip import BIP, Contract, InformationRequest
from connectors.sample.bip import answer

SAMPLE = Upstream(BIP.base_url, Sample(answer), attempts=1)


async def read(kind: type[Record]) -> list[Any]:
    dataset = kind.__dataset__
    found = [one async for page in dataset.reader.fetch(SAMPLE) for one in dataset.records(page)]
    assert not [one for one in found if isinstance(one, Rejected)]
    return found


async def test_requests_of_2017_are_as_the_city_reported() -> None:
    days: defaultdict[str, list[int]] = defaultdict(list)
    requests = [one for one in await read(InformationRequest) if one.received_on.year == 2017]
    for one in requests:
        days[one.mode].append(one.response_days)
    assert len(requests) == 1_228
    assert {mode: round(sum(taken) / len(taken), 1) for mode, taken in days.items()} == {
        "simple": 9.1,
        "re-use": 8.7,
        "transformed": 37.5,
        "processed": 47.3,
    }
    assert {(one.mode, one.statutory_days) for one in requests} == {
        ("simple", 14),
        ("re-use", 20),
        ("transformed", 60),
        ("processed", 60),
    }
    assert sum(one.outcome == "granted" for one in requests) / len(requests) > 0.95


async def test_contracts_show_what_the_register_has() -> None:
    contracts = await read(Contract)
    assert len({one.entry for one in contracts}) == len(contracts) == 2_600
    assert Counter(one.entry[0] for one in contracts) == {"u": 1_300, "l": 1_300}
    assert Counter(one.signed_on.year for one in contracts)[2017] == 1_690
    assert len({one.unit for one in contracts}) == 14
    assert any(one.amount is None for one in contracts)
    assert any(one.amount is not None and one.amount < 0 for one in contracts)
    assert not any("&#" in f"{one.contractor}{one.subject}" for one in contracts)


@cache
def page(number: int) -> bytes:
    return answer(Request("POST", f"{BIP.base_url}/rejestr-umow/", form={"co": "search", "p": str(number)}))


def test_the_wire_is_the_registers() -> None:
    assert b'"total_size":"100"' in page(0)
    sizes = [page(number).count(b'"numer"') for number in range(30)]
    assert sizes[12:17] == [100, 50, 0, 100, 100]
    assert sizes[-2:] == [1, 0]  # the last entry is alone on its page, as an object
    assert sum(sizes) == 2_600
    assert page(40) == page(50)


@pytest.mark.parametrize("path", ["oferty-pracy/", "news/-,c,1/"])
def test_what_the_sample_does_not_have_is_a_lookup_error(path: str) -> None:
    with pytest.raises(LookupError):
        answer(Request("GET", f"{BIP.base_url}/{path}"))
