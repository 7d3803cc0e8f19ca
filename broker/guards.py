"""What makes a new version doubtful, though everything in it could be read: it is compared with what the source gave before.

The first version of a data set is compared with nothing; later ones are held in quarantine for what is found here.
"""

from collections.abc import Iterator

from broker.errors import Suspicious
from broker.model import REPAIRED
from broker.settings import RefreshSettings
from broker.store import Doubt, DoubtKind, Draft, Facts

__all__ = ["believed", "doubts"]

HALF = 0.5
"""The share of rows that a name must have been in, or be in now, for its going or coming to be told: rarer ones come and go."""


def doubts(draft: Draft, bounds: RefreshSettings) -> list[Doubt]:
    """Why a draft that has been read to its end is doubted. Raises `Suspicious` when nothing of it could be read."""
    changes = draft.changes
    if changes.records == 0 and (changes.rejected or not draft.base.records):
        first = f", the first because of {draft.first_reason}" if draft.first_reason else ""
        raise Suspicious(f"no record could be read ({changes.rejected} were rejected{first})")
    if not draft.base.number or draft.base.sample != draft.sample:
        return []
    return [*_loss(draft, bounds.max_loss), *_compared(draft, bounds.max_rejected)]


def believed(draft: Draft, agreed: int, bounds: RefreshSettings) -> bool:
    """Whether a doubted draft is published because the source has given the same often enough; an empty one never is."""
    return 0 < bounds.agreements <= agreed and draft.changes.records > 0


def _loss(draft: Draft, most: float) -> Iterator[Doubt]:
    before, changes = draft.base.records, draft.changes
    kept = changes.unchanged + changes.changed
    if kept < before * (1 - most):
        yield Doubt(
            DoubtKind.LOSS,
            f"{before - kept} of {before} records would be gone, more than the share of {most} that refresh.max_loss allows",
        )


def _compared(draft: Draft, most: float) -> Iterator[Doubt]:
    now, before = draft.facts, draft.before
    if before is None or not before.rows:
        return
    for kind, of_now, of_then, what in (
        (DoubtKind.REJECTED, now.rejected - now.duplicated, before.rejected - before.duplicated, "could not be read"),
        (DoubtKind.DUPLICATES, now.duplicated, before.duplicated, "have a key that another row with other content has"),
    ):
        share, then = of_now / max(now.rows, 1), of_then / before.rows
        if share > then + most:
            first = f"; the first: {draft.first_reason}" if draft.first_reason else ""
            yield Doubt(
                kind,
                f"{of_now} of {now.rows} rows {what} (a share of {share:.2f}, {then:.2f} the last time){first}; "
                f"refresh.max_rejected allows {most} more",
            )
    yield from _drift(draft, before, now)


def _drift(draft: Draft, before: Facts, now: Facts) -> Iterator[Doubt]:
    """Names that the source no longer has and a field is read from; names that it never had."""
    if not now.rows:
        return
    read = {name: one.name for one in draft.dataset.fields for name in one.of}
    for name, count in before.fields.items():
        if name in read and name not in now.fields and count >= HALF * before.rows:
            yield Doubt(
                DoubtKind.VANISHED_FIELD,
                f"the source no longer gives {name!r}, which {read[name]!r} is read from; {count} of {before.rows} rows had it",
            )
    for name, count in now.fields.items():
        if name not in before.fields and name != REPAIRED and count >= HALF * now.rows:
            yield Doubt(
                DoubtKind.NEW_FIELD,
                f"the source gives {name!r}, which it never did; {count} of {now.rows} rows have it",
            )
