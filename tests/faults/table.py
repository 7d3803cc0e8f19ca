"""The table of faults: what a source does, what a refresh must make of it, what people see; `docs/reliability.md` shows it.

Only what is expected stands here; how a fault is made is in `tests.faults.misbehaviour`. Nothing is imported from the tests, since
the documentation reads this file by itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["FAULTS", "NIGHTS", "TRIALS", "Expected", "Fault", "Trial"]

UNCHANGED = frozenset({"unchanged"})
FAILED = frozenset({"failed"})
HELD = frozenset({"quarantined"})
DOUBTED = frozenset({"failed", "quarantined"})
"""Held in quarantine, or refused as soon as it is seen."""
REPAIRED = frozenset({"published"})
NEVER_WRONG = frozenset({"failed", "unchanged"})
"""Either it is read right or it is not read at all."""


class Expected(NamedTuple):
    """What becomes of a refresh, and a pattern of the reason that must be named, empty where none is."""

    outcomes: frozenset[str]
    reason: str = ""


class Fault(NamedTuple):
    """One way in which a source goes wrong.

    ``among`` says which readers can meet it: all, those that are paged, that state a number, that have places. ``but`` holds the readers
    that make something else of it.
    """

    name: str
    does: str
    expected: Expected
    operator: str
    reader: str = "the version before"
    among: str = "all"
    but: Mapping[str, Expected] = {}

    def of(self, reader: str) -> Expected:
        """What is expected of this reader."""
        return self.but.get(reader, self.expected)


class Trial(NamedTuple):
    """What is done to the broker itself; ``counted`` are the names under which its cases are counted."""

    does: str
    holds: str
    test: str
    counted: tuple[str, ...]


NOT_JSON = Expected(FAILED, "not JSON")
NOT_XML = Expected(FAILED, "not (the )?XML|document type")
NOT_A_TABLE = Expected(FAILED, "not a (table|workbook)")
JSON_READERS = ("geojson", "bip_json", "wfs_json", "ogc_features")
XML_READERS = ("events_xml", "rss", "wfs_gml", "live")
SHEETS = ("sheet_csv", "sheet_xlsx")
LATE = Expected(FAILED, "did not answer (with)?in|no answer within|in time")
GONE = Expected(HELD, "would be gone")
NOTHING = Expected(DOUBTED, "no record could be read|would be gone")
TURNED = Expected(DOUBTED, "latitude stands before the longitude|would be gone")
RIGHT = Expected(UNCHANGED)


FAULTS: tuple[Fault, ...] = (
    Fault("refuse", "takes no connection", Expected(FAILED, "no connection"), "`no connection`"),
    Fault("hang_connect", "leaves a connection waiting", LATE, "`did not answer in time`"),
    Fault("hang_header", "takes the request and says nothing", LATE, "`did not answer in time`"),
    Fault("hang_body", "stops in the middle of the body", LATE, "`did not answer in time`"),
    Fault("drip", "sends one byte a second", LATE, "`did not answer in time`"),
    Fault("cut", "hangs up in the middle of the body", Expected(FAILED, "cut short"), "`the body was cut short`"),
    Fault("garbage", "speaks something that is not HTTP", Expected(FAILED, "not HTTP"), "`its answer is not HTTP`"),
    Fault("tls", "has a certificate that nobody signed", Expected(FAILED, "certificate"), "`its certificate was not accepted`"),
    Fault("error_500", "answers 500", Expected(FAILED, "answered 500"), "`the source answered 500`"),
    Fault("busy_429", "answers 429 with `Retry-After`", Expected(FAILED, "answered 429"), "`the source answered 429`"),
    Fault(
        "redirect",
        "redirects to another host, which would answer",
        Expected(FAILED, "redirect|another host"),
        "that it redirects to another host, and to which",
    ),
    Fault("html", "answers 200 with a page for people", Expected(FAILED, "HTML page"), "`it is an HTML page`"),
    Fault("report", "answers 200 with an `ExceptionReport`", Expected(FAILED, "exception report"), "`exception report`"),
    Fault(
        "laughs",
        "answers XML whose entities grow without end",
        Expected(FAILED, "document type"),
        "that it declares a document type; elsewhere that it is no JSON, no table",
        but=dict.fromkeys(JSON_READERS, Expected(FAILED, "not JSON|document type"))
        | dict.fromkeys(SHEETS, Expected(FAILED, "not (a table|a workbook|JSON)|document type")),
    ),
    Fault(
        "truncated",
        "sends less than the half of its answer as if it were all",
        NOT_JSON,
        "`not JSON`, `not XML`, `not a workbook`; a table without an end of its own by its missing records",
        but=dict.fromkeys(XML_READERS, NOT_XML) | {"sheet_csv": Expected(DOUBTED, "would be gone|not CSV"), "sheet_xlsx": NOT_A_TABLE},
    ),
    Fault(
        "charset",
        "sends another charset than it says",
        Expected(NEVER_WRONG, "not JSON|not XML|charset|encoding|decode"),
        "nothing where the bytes tell the charset; else the form that cannot be read",
        reader="the same letters as before, never wrong ones",
        but={"sheet_xlsx": RIGHT},
    ),
    Fault("bomb", "sends 300 kB that unpack to 300 MB", Expected(FAILED, "larger than|unpacks to more than"), "`larger than` the bound, `unpacks to more than` it"),
    Fault("huge", "sends 300 MB", Expected(FAILED, "larger than|unpacks to more than"), "`larger than` the bound, `unpacks to more than` it"),
    Fault(
        "endless",
        "has another page with new records after every page",
        Expected(FAILED, "after 12 pages"),
        "`still no end after` so many pages",
        among="paged",
    ),
    Fault(
        "repeated",
        "gives the first page again and again",
        Expected(DOUBTED, "states 100 features but gives|no end after|would be gone"),
        "fewer records than the source states, or most of them gone",
        among="paged",
    ),
    Fault(
        "total",
        "states three times as many records as it gives",
        Expected(DOUBTED, "states 300 features but gives 100|states 900 features but gives 300"),
        "how many were stated and how many came; of the bulletin nothing, whose number means nothing",
        among="stated",
        but={"bip_json": RIGHT},
    ),
    Fault(
        "duplicates",
        "gives keys twice with different content",
        Expected(HELD, "have a key that another row with other content has"),
        "how many rows share a key, and the first of them",
    ),
    Fault("all_gone", "gives no record", NOTHING, "`no record could be read`"),
    Fault("half_gone", "gives two fifths of its records", GONE, "`would be gone`, and the share that is allowed"),
    Fault(
        "renamed",
        "calls a field that no record goes without by another name",
        Expected(DOUBTED, "missing|lacks|could be read"),
        "the field and what it was read from",
    ),
    Fault(
        "swapped",
        "gives the latitude before the longitude",
        TURNED,
        "most records gone, each rejected since `the latitude stands before the longitude`; of a WFS how many places were put right",
        reader="the version before, or the same places put right",
        among="located",
        but=dict.fromkeys(("wfs_gml", "wfs_json"), Expected(REPAIRED)),
    ),
)  # fmt: skip

NIGHTS: tuple[Trial, ...] = (
    Trial(
        "it restarts ten times, by `SIGINT` and by `SIGQUIT`, in the middle of whatever is under way",
        "refreshes go on",
        "test_nights.py::test_the_database_restarts_again_and_again",
        ("night_restarts",),
    ),
    Trial(
        "pgbouncer, pooling by transaction, ends five times and comes back",
        "refreshes go on",
        "test_nights.py::test_a_pooler_by_transaction_that_restarts",
        ("night_pooler",),
    ),
    Trial(
        "who refreshes is stopped (`SIGSTOP`) in the middle, another takes over, the first one is woken",
        "the other one publishes within half a minute; the first one writes nothing of its draft",
        "test_long_nights.py::test_one_that_was_stopped_writes_nothing_when_it_wakes",
        ("night_stopped",),
    ),
    Trial(
        "the primary is killed in the middle of refreshes, the standby promoted",
        "refreshes go on with the standby; every version that it has is whole",
        "test_long_nights.py::test_the_primary_is_killed_and_the_standby_promoted[False]",
        ("night_failover",),
    ),
    Trial(
        "the same after the standby was cut off, which has lost versions",
        "the same; numbers are given again, ids are not",
        "test_long_nights.py::test_the_primary_is_killed_and_the_standby_promoted[True]",
        ("night_failover_cut_off",),
    ),
    Trial(
        "the old primary comes back behind a balancer that leads to both",
        "no answer mixes the two",
        "test_long_nights.py::test_the_old_primary_comes_back",
        ("night_old_primary_back",),
    ),
    Trial(
        "a balancer leads to the primary and a standby whose replay is paused again and again",
        "no answer has a version's label and another one's rows",
        "test_long_nights.py::test_reads_over_a_primary_and_a_standby_that_lags",
        ("night_lagging_standby",),
    ),
    Trial(
        "`kill -9` at fifty random moments, each followed by another process; SQLite too",
        "the next one goes on",
        "test_long_nights.py::test_killed_at_fifty_moments",
        ("night_killed_postgis", "night_killed_sqlite"),
    ),
    Trial(
        "a process refreshes and one reads with a clock that is an hour, or three days, ahead or behind",
        "moments of versions are the database's and never go back",
        "test_long_nights.py::test_hosts_whose_clocks_are_wrong",
        ("night_clock_+1h", "night_clock_-1h", "night_clock_+3d", "night_clock_-3d"),
    ),
)
"""What befalls a PostgreSQL store at night; cases are judged answers."""

TRIALS: tuple[Trial, ...] = (
    Trial(
        "`kill -9` at a random moment of a refresh, SQLite",
        "the store opens and is sound, every data set is wholly old or wholly new, the next refresh succeeds",
        "test_killed.py::test_killed_at_any_moment_of_a_refresh[sqlite]",
        ("killed_sqlite",),
    ),
    Trial(
        "`kill -9` at a random moment of a refresh, PostgreSQL with PostGIS",
        "the same, at once on that host; another host may go on after 15 seconds",
        "test_killed.py::test_killed_at_any_moment_of_a_refresh[postgis]",
        ("killed_postgis",),
    ),
    Trial(
        "the disk, or the database, is full in the middle of a refresh",
        "the refresh fails with `the store cannot be written`, the old version stays, and it goes on when there is room",
        "test_killed.py::test_no_room_on_the_disk_for_any_file_to_grow, test_no_room_in_the_database",
        ("disk_full",),
    ),
    Trial(
        "twice as many requests as the machine serves, while sources flap and refreshes run: requests answered",
        "every answer is right and of one version, or a 503; memory at the end is that of the middle",
        "test_load.py::test_twice_what_the_machine_serves",
        ("load_accepted", "load_refused"),
    ),
    Trial(
        "pages and descriptions of every form, random or broken: cut, flipped, doubled, nested, with strange values",
        "rows, or a reason; no other exception",
        "test_parsers.py",
        ("fuzzed_parsers",),
    ),
    Trial(
        "random methods, headers, query strings, bodies and operations at `/graphql`",
        "JSON, no status of 500 or above but 503, no word of the broker's insides",
        "test_requests.py",
        ("fuzzed_requests",),
    ),
)
