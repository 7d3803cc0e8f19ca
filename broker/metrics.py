"""What the broker counts of itself, in the form of Prometheus: each process its own numbers, from its start on.

What is met on the way is counted there; what the store knows is looked up when the numbers are asked for (`broker.probes`).
"""

import os
from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

__all__ = [
    "DATASET_AGE",
    "DATASET_FAILING",
    "DATASET_HELD",
    "DATASET_RECORDS",
    "DATASET_STALE",
    "EXECUTING",
    "INTERNAL_ERRORS",
    "KEPT_BYTES",
    "LOOKUPS",
    "REFRESHES",
    "REGISTRY",
    "REQUESTS",
    "REQUEST_RECORDS",
    "REQUEST_SECONDS",
    "SOURCE_CIRCUIT",
    "STORE_CLOCK",
    "STORE_READABLE",
    "Requests",
    "exposition",
]

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which only tells when it began
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
Info("broker_process", "Which process these numbers are of.", registry=REGISTRY).info(
    {"pid": str(os.getpid()), "version": version("poznan-broker")}
)


class Requests(Collector):
    """How many requests ended how. Plain numbers: a counter with labels would take a tenth of a kept answer's time."""

    def __init__(self) -> None:
        self.kept = self.unchanged = self.made = self.refused = self.busy = self.failed = 0

    def collect(self) -> Iterable[CounterMetricFamily]:
        """The counts by outcome."""
        said = "Requests to /graphql: kept (given again), unchanged (304), made (executed), refused, busy (503), failed (500)."
        family = CounterMetricFamily("broker_requests", said, labels=["outcome"])
        for outcome, count in vars(self).items():
            family.add_metric([outcome], count)
        yield family

    describe = collect


REQUESTS = Requests()
REGISTRY.register(REQUESTS)
REQUEST_SECONDS = Histogram(
    "broker_request_seconds",
    "How long it took to execute a request.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
REQUEST_RECORDS = Histogram(
    "broker_request_records",
    "The cost of an executed request: how many records it may give.",
    buckets=(1, 10, 100, 1_000, 10_000, 100_000, 1_000_000),
    registry=REGISTRY,
)
INTERNAL_ERRORS = Counter(
    "broker_internal_errors",
    "Errors that nobody foresaw, of whole requests or of single fields; the log tells each as request.failed.",
    registry=REGISTRY,
)
EXECUTING = Gauge("broker_requests_executing", "Requests that are being executed now.", registry=REGISTRY)
KEPT_BYTES = Gauge("broker_kept_bytes", "What the kept answers take of kept_mib.", registry=REGISTRY)
LOOKUPS = Counter(
    "broker_lookups",
    "Requests of lookups to their source, by how they ended.",
    ("lookup", "outcome"),
    registry=REGISTRY,
)
REFRESHES = Counter(
    "broker_refreshes", "Refreshes by this process, by how they ended.", ("dataset", "outcome"), registry=REGISTRY
)
STORE_READABLE = Gauge("broker_store_readable", "Whether the store answers, 1 or 0.", registry=REGISTRY)
STORE_CLOCK = Gauge(
    "broker_clock_ahead_seconds",
    "By how much this host's clock is ahead of the store's, negative when it is behind.",
    registry=REGISTRY,
)
DATASET_RECORDS = Gauge(
    "broker_dataset_records", "Records of the version that answers.", ("dataset",), registry=REGISTRY
)
DATASET_AGE = Gauge(
    "broker_dataset_age_seconds",
    "Since when the source has not confirmed the data set; absent before the first time.",
    ("dataset",),
    registry=REGISTRY,
)
DATASET_STALE = Gauge(
    "broker_dataset_stale",
    "Whether it is older than twice its interval, 1 or 0; a live one never is, being fetched when asked.",
    ("dataset",),
    registry=REGISTRY,
)
DATASET_FAILING = Gauge(
    "broker_dataset_failing", "Whether its last refresh failed, 1 or 0.", ("dataset",), registry=REGISTRY
)
DATASET_HELD = Gauge(
    "broker_dataset_quarantined",
    "Whether what it was given last is held in quarantine, 1 or 0.",
    ("dataset",),
    registry=REGISTRY,
)
SOURCE_CIRCUIT = Gauge(
    "broker_source_circuit",
    "Whether this process asks the source: 0 as usual, 1 one request tries whether it answers again, 2 not for a while.",
    ("source",),
    registry=REGISTRY,
)


def exposition() -> bytes:
    """All of it in the text format of Prometheus 0.0.4."""
    return generate_latest(REGISTRY)
