"""What the suite has run: with FAULTS=all the counts are written for `docs/reliability.md`."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from tests.city.servers import Server, primary
from tests.faults.extent import WHOLE

collect_ignore = [] if WHOLE else ["test_long_nights.py"]
RESULTS = Path(__file__).with_name("results.json")


class Tally:
    """Cases by what was done, those that did not end as expected, and what was measured on the way."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()
        self.losses: Counter[str] = Counter()
        self.figures: dict[str, float] = {}

    @contextmanager
    def case(self, name: str, count: int = 1) -> Iterator[None]:
        """Count what is done inside, and whether it fails."""
        self.cases[name] += count
        try:
            yield
        except BaseException:
            self.losses[name] += 1
            raise


@pytest.fixture(scope="session")
def tally() -> Iterator[Tally]:
    """Counts the cases of this run."""
    counted = Tally()
    yield counted
    if WHOLE and counted.cases:
        known = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
        fresh = {name: {"cases": cases, "losses": counted.losses[name]} for name, cases in counted.cases.items()}
        figures = {"figures": known.get("figures", {}) | counted.figures}
        RESULTS.write_bytes(
            orjson.dumps({**known, **fresh, **figures}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
        )


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL server of one test's own, to be restarted and killed."""
    with primary() as running:
        yield running
