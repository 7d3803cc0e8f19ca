"""How each data set is doing: told by the graph, by /health/ready and /metrics, and by `broker doctor`, each in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.model import Dataset
from broker.refresh import FAILED, QUARANTINED
from broker.store import Published, RefreshRecord, SqlStore

__all__ = ["Condition", "conditions"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A data set at a moment (in UTC): the version that answers, and how the last refresh went if there was one."""

    dataset: Dataset
    published: Published
    last: RefreshRecord | None
    at: datetime

    @property
    def empty(self) -> bool:
        """Whether there is no version yet."""
        return self.published.number == 0

    @property
    def age(self) -> timedelta | None:
        """How long ago the source confirmed it; None when it never did."""
        checked = self.published.checked_at
        return None if checked is None else self.at - checked

    @property
    def stale(self) -> bool:
        """Whether it is older than it should be; a live one is not, since whoever asks for it has it fetched."""
        return not self.dataset.refresh.live and self.dataset.refresh.stale(self.published.checked_at, self.at)

    @property
    def failing(self) -> RefreshRecord | None:
        """The last refresh when it failed."""
        return self._ended(FAILED)

    @property
    def held(self) -> RefreshRecord | None:
        """The last refresh when what it gave is held in quarantine."""
        return self._ended(QUARANTINED)

    def _ended(self, outcome: str) -> RefreshRecord | None:
        return self.last if self.last is not None and self.last.outcome == outcome else None


def conditions(store: SqlStore) -> Sequence[Condition]:
    """Every data set now, in the catalogue's order. Blocks; raises `StoreError`."""
    published, last, now = store.versions(), store.last_refreshes(), store.clock.now()
    return [Condition(one, published[one.id], last.get(one.id), now) for one in store.catalog.datasets.values()]
