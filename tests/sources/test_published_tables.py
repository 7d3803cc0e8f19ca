"""The samples of legal aid and the contact centre hold the figures of 2017, and are the same bytes every time."""

import subprocess
import sys
from collections import Counter

import pytest

from broker.model import Dataset, Record, Rejected, Source
from broker.upstream import Request, Sample, Upstream
from connectors import kontakt, legal_aid
from connectors.kontakt import CallCount, ContactChannel, clock, count, hours_a_day, month
from connectors.legal_aid import LegalAidPoint, hours


async def records(dataset: Dataset) -> list[Record]:
    assert dataset.source.sample is not None
    upstream = Upstream(dataset.source.base_url, Sample(dataset.source.sample))
    read = [one async for page in dataset.reader.fetch(upstream) for one in dataset.records(page)]
    assert not [one for one in read if isinstance(one, Rejected)]
    return [one for one in read if isinstance(one, Record)]


async def test_33_points_of_legal_aid_22_and_11() -> None:
    points = await records(LegalAidPoint.__dataset__)

    assert Counter(one.run_by for one in points if isinstance(one, LegalAidPoint)) == {
        "advocate and legal adviser": 22,
        "NGO": 11,
    }
    assert LegalAidPoint.__dataset__.id == "legal_aid.legal_aid_points"
    assert LegalAidPoint.__dataset__.root == "legalAidPoints"


async def test_the_contact_centre_is_open_twelve_hours_and_took_over_574_000_calls() -> None:
    channels = [one for one in await records(ContactChannel.__dataset__) if isinstance(one, ContactChannel)]
    months = [one for one in await records(CallCount.__dataset__) if isinstance(one, CallCount)]

    assert {one.hours_a_day for one in channels if one.opens} == {12.0}
    assert [one.month for one in months] == [f"2017-{number:02d}" for number in range(1, 13)]
    assert sum(one.calls for one in months) == 574_318
    assert all((one.answered or 0) < one.calls for one in months)


@pytest.mark.parametrize("source", [legal_aid.LEGAL_AID, kontakt.KONTAKT], ids=lambda source: source.id)
def test_another_file_is_refused(source: Source) -> None:
    assert source.sample is not None
    with pytest.raises(LookupError, match="no such file"):
        source.sample(Request("GET", f"{source.base_url}/other.csv"))


def test_the_sample_is_the_same_bytes_in_every_run() -> None:
    program = (
        "import hashlib; from connectors.sample import kontakt, legal_aid;"
        "print(hashlib.sha256(kontakt._workbook() + legal_aid._table()).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)]

    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("8.00-12.00", "08:00–12:00"),
        ("8-12", "08:00–12:00"),
        ("8:00 – 12:00 i 14:00 — 16:00", "08:00–12:00, 14:00–16:00"),
        ("20-24", "20:00–24:00"),
        ("nieczynne", None),
        ("", None),
        (None, None),
        ("po uzgodnieniu", "po uzgodnieniu"),
    ],
)
def test_office_hours(written: str | None, read: str | None) -> None:
    assert hours(written) == read


@pytest.mark.parametrize("written", ["12-8", "8.00-8.00", "8-25", "8.70-9.00"])
def test_hours_no_clock_shows_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="are no office hours"):
        hours(written)


def test_times_months_and_counts() -> None:
    assert [clock(one) for one in ("7:30", "07.30", "7", "07:30:00", "", None)] == ["07:30"] * 2 + [
        "07:00",
        "07:30",
        None,
        None,
    ]
    assert hours_a_day("7:30", "19.30") == 12.0
    assert hours_a_day("", "19.30") is None
    assert {month(one) for one in ("2017-02-01", "2017-02", "02.2017", "2/2017")} == {"2017-02"}
    assert [count(one) for one in ("48 120", "48\u00a0120", "7", "", None)] == [48120, 48120, 7, None, None]


@pytest.mark.parametrize("written", ["24:00", "7:60", "rano", "-7"])
def test_what_is_no_time_of_day_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        clock(written)
