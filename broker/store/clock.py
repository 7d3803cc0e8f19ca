"""One clock for everything that is compared between processes: the database's, where several hosts share it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from broker.store.dialect import Dialect

__all__ = ["MOST_OFF", "StoreClock"]

MOST_OFF = timedelta(seconds=2)
"""How far a host's clock may be off before the host leads nothing and fetches nothing live."""
STEP = timedelta(microseconds=1)


class StoreClock:
    """The time of a store. A SQLite file belongs to one host, whose clock it is."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.offset = timedelta(0)
        """How far the store's clock was ahead of this host's when it was last read; negative when it was behind."""

    def read(self, connection: Connection) -> datetime:
        """The moment now (UTC) by the store's clock, read in the caller's transaction."""
        clock = self._dialect.clock
        if clock is None:
            return datetime.now(UTC)
        before = datetime.now(UTC)
        moment: datetime = connection.execute(select(clock)).scalar_one()
        after = datetime.now(UTC)
        self.offset = moment - (before + (after - before) / 2)
        return moment.astimezone(UTC)

    def now(self) -> datetime:
        """The moment now (UTC) by the store's clock, as far as this process knows it, without a look at the database."""
        return datetime.now(UTC) + self.offset

    @property
    def is_off(self) -> bool:
        """Whether this host's clock is further off than it may be."""
        return abs(self.offset) > MOST_OFF

    @property
    def difference(self) -> str:
        """How far off this host's clock is, in words."""
        seconds = -self.offset.total_seconds()
        return f"this host's clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the database's"

    def next(self, connection: Connection, before: datetime | None) -> datetime:
        """The moment of a version that follows one of another moment: now, but later than that one whatever the clock says."""
        now = self.read(connection)
        return now if before is None or now > before else before + STEP
