"""What the suite has run: with FAULTS=all the counts are written for `docs/reliability.md`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.faults.extent import WHOLE

RESULTS = Path(__file__).with_name("results.json")


@pytest.fixture(scope="session")
def ran() -> Iterator[Counter[str]]:
    """Cases by what was done, counted when they have been passed."""
    counted: Counter[str] = Counter()
    yield counted
    if WHOLE and counted:
        known = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
        RESULTS.write_bytes(
            orjson.dumps({**known, **counted}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
        )
