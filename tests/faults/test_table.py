"""The table tells of every fault that is made, and of no other; the tests that it names are there."""

import re
from pathlib import Path

from tests.faults.misbehaviour import MADE
from tests.faults.readers import READERS
from tests.faults.table import FAULTS, NIGHTS, TRIALS

HERE = Path(__file__).parent


def test_every_fault_is_made() -> None:
    assert sorted(one.name for one in FAULTS) == sorted(MADE)


def test_exceptions_are_made_for_readers_that_there_are() -> None:
    assert {name for one in FAULTS for name in one.but} <= {one.name for one in READERS}


def test_the_tests_that_are_named_are_there() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in HERE.glob("test_*.py")}
    for one in (*TRIALS, *NIGHTS):
        assert one.test.split("::")[0] in written
        for name in re.findall(r"\btest_\w+(?!\w*\.py)\b(?!\.py)", one.test):
            assert any(f"def {name}(" in text for text in written.values()), name
    for name in (name for one in TRIALS for name in one.counted):
        assert any(name.rsplit("_", 1)[0] in text for text in written.values()), name
