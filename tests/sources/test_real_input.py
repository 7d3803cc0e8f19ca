"""The whole contracts register over HTTP: the real rows where they are at hand, else the project's own."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.model import Rejected
from broker.transport import Http
from broker.upstream import Upstream
from connectors.bip import Contract
from tests.city.outward import http
from tests.city.register import Register, own_rows, real_rows, real_units


@dataclass
class Arrived:
    """What one reading of the register brought."""

    contracts: list[Any] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


async def read(base_url: str, transport: Http) -> Arrived:
    arrived = Arrived()
    dataset = Contract.__dataset__
    async for page in dataset.reader.fetch(Upstream(base_url, transport)):
        for one in dataset.records(page):
            if isinstance(one, Rejected):
                arrived.rejected.append(one)
            else:
                arrived.contracts.append(one)
    return arrived


async def test_every_contract_arrives() -> None:
    real = real_rows()
    rows: Sequence[dict[str, Any]] = real or await own_rows()
    units = real_units() if real else {str(row["or_id"]): f"Jednostka {row['or_id']}" for row in rows}
    async with Register(rows, units=units) as register, http() as transport:
        arrived = await read(register.base_url, transport)
    series = Counter(one.entry[0] for one in arrived.contracts)
    without_amount = sum(one.amount is None for one in arrived.contracts)
    assert arrived.rejected == []
    assert len({one.entry for one in arrived.contracts}) == len(arrived.contracts) == len(rows)
    assert {one.unit for one in arrived.contracts} <= set(units.values())
    if real:
        assert (len(rows), series["u"], series["l"], without_amount) == (116_719, 55_942, 60_777, 2_919)
    else:
        assert (len(rows), series["u"], series["l"], without_amount) == (2_600, 1_300, 1_300, 9)
