"""What is wrong, in words: one line a finding, with what to do about it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from broker.app import Engine
from broker.errors import BrokerError, SettingError, StoreError
from broker.health import Condition, conditions
from broker.settings import Settings, settings_file

__all__ = ["Finding", "examine"]

REJECTED_SHARE = 0.01
"""The share of a data set's rows that cannot be read and need not be looked at."""
LEAST_FREE = 1 << 30
"""Bytes that should be free where the store is: a refresh of everything fits in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and what to do; nothing is to be done about what is as it should be."""

    about: str
    found: str
    do: str = ""

    @property
    def wrong(self) -> bool:
        """Whether something is to be done."""
        return bool(self.do)

    def __str__(self) -> str:
        return f"{self.about}: {self.found}{f'; {self.do}' if self.do else ''}"


def examine() -> Iterator[Finding]:
    """Look at everything, from the settings on to the data sets; blocks while servers of configured layers are asked."""
    try:
        file, settings = settings_file(), Settings.load()
    except SettingError as error:
        yield from (Finding("settings", line, "change or remove it") for line in str(error).splitlines())
        return
    yield Finding("settings", f"read from {file} and the environment" if file else "no file; the environment alone")
    try:
        engine = Engine.open(settings)
    except BrokerError as error:
        yield Finding(_about(error), str(error), "nothing can be served before this is put right")
        return
    try:
        yield from _connectors(engine)
        yield from _store(engine)
        yield from _declarations(engine)
        yield from _data(engine)
    finally:
        engine.store.close()


def _about(error: BrokerError) -> str:
    kinds = {StoreError: "store", SettingError: "settings"}
    return next((about for kind, about in kinds.items() if isinstance(error, kind)), "installation")


def _connectors(engine: Engine) -> Iterator[Finding]:
    away = engine.layers_away
    for one in engine.catalog.broken:
        if one.module not in away:
            yield Finding(
                one.module, f"the connector cannot be read ({one.reason})", "its data sets are left out; mend it"
            )
    for id, reason in away.items():
        yield Finding(
            id,
            f"its server does not describe it ({reason})",
            f"look at {id}.url; what was read before goes on being served",
        )


def _store(engine: Engine) -> Iterator[Finding]:
    try:
        with engine.store.writing():
            pass
    except StoreError as error:
        yield Finding("store", str(error), "look at the file's owner and permissions, or the database's")
    else:
        yield Finding("store", f"{engine.store.engine.url!r} opens and can be written")
    yield from _clock(engine)
    yield from _disk(engine.settings)


def _declarations(engine: Engine) -> Iterator[Finding]:
    """How the tables stand to the declarations, and what they followed: of each data set the latest change."""
    for id, one in engine.store.table_states.items():
        if reason := one.read_refusal or one.write_refusal:
            yield Finding(id, reason, "run broker migrate when every host has the newer build")
        elif one.waiting:
            steps = "; ".join(change.text for change in one.waiting)
            yield Finding(id, f"its table does not follow its declaration yet ({steps})", "run broker migrate")
    told: set[str] = set()
    for past in engine.store.applied_migrations:
        if past.dataset not in told:
            told.add(past.dataset)
            steps = "; ".join(change.text for change in past.changes)
            yield Finding(
                past.dataset, f"its table followed its declaration at {past.at:%Y-%m-%d %H:%M} (UTC): {steps}"
            )


def _clock(engine: Engine) -> Iterator[Finding]:
    """Whether this host's clock is the database's; a file has no clock of its own."""
    clock = engine.store.clock
    with suppress(StoreError):  # told elsewhere
        engine.store.versions()
    if clock.is_off:
        yield Finding(
            "clock", f"{clock.difference}; it leads nothing and fetches nothing live", "let the host keep time (NTP)"
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    url = make_url(settings.store)
    if url.get_backend_name() != "sqlite" or not url.database or not (file := Path(url.database)).exists():
        return  # another machine's disk
    free, size = shutil.disk_usage(file.parent).free, file.stat().st_size
    if free < max(LEAST_FREE, size):
        yield Finding(
            "disk",
            f"{free >> 20} MiB are free, and the store takes {size >> 20}",
            "make room, or move the store elsewhere",
        )


def _data(engine: Engine) -> Iterator[Finding]:
    try:
        found = conditions(engine.store)
    except StoreError as error:
        yield Finding("data sets", str(error), "look at the database")
        return
    planned = [one for one in found if not one.dataset.refresh.live]
    if all(one.empty and not one.failing for one in planned):
        yield Finding("data sets", f"none of {len(found)} has been read", "run broker refresh, or broker serve")
        return
    wrong = [finding for one in found for check in CHECKS if (finding := check(one))]
    yield from wrong
    if not wrong:
        yield Finding("data sets", f"all {len(found)} are as they should be")


def _failing(one: Condition) -> Finding | None:
    if (last := one.failing) is None:
        return None
    checked = one.published.checked_at
    before = f"last went well at {checked:%Y-%m-%d %H:%M}" if checked else "has never gone well"
    return Finding(
        one.dataset.id,
        f"its refresh failed at {last.finished_at:%Y-%m-%d %H:%M} and {before} (UTC): {last.error}",
        f"look at the source, then run broker refresh {one.dataset.id}",
    )


def _empty(one: Condition) -> Finding | None:
    if not one.empty or one.failing or one.dataset.refresh.live:
        return None
    return Finding(one.dataset.id, "it has never been read", f"run broker refresh {one.dataset.id}")


def _stale(one: Condition) -> Finding | None:
    if one.empty or one.failing or one.held or not one.stale or one.age is None:
        return None
    return Finding(
        one.dataset.id,
        f"it is {_spelt(one.age)} old and is to be read every {_spelt(one.dataset.refresh.interval)}",
        "see that broker serve or broker refresh --loop runs, and that refresh.schedule is true",
    )


def _rejected(one: Condition) -> Finding | None:
    if one.last is None or one.failing or one.held:
        return None
    rejected, read = one.last.changes.rejected, one.last.changes.records
    if rejected <= REJECTED_SHARE * (rejected + read):
        return None
    return Finding(
        one.dataset.id,
        f"{rejected} of {rejected + read} rows could not be read",
        f'ask {{ dataset(id: "{one.dataset.id}") {{ rejected {{ reason row }} }} }}; the connector may need a change',
    )


def _held(one: Condition) -> Finding | None:
    if one.held is None:
        return None
    return Finding(
        one.dataset.id,
        f"what it was given at {one.held.finished_at:%Y-%m-%d %H:%M} (UTC) is {one.held.error}",
        f'ask {{ dataset(id: "{one.dataset.id}") {{ quarantine {{ doubts {{ reason }} agreed needed }} }} }} before',
    )


CHECKS: Sequence[Callable[[Condition], Finding | None]] = (_failing, _held, _empty, _stale, _rejected)
"""What is looked at in each data set."""


def _spelt(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"  # noqa: PLR2004 - two days
