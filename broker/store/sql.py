"""The store: versions of data sets in a database, through SQLAlchemy Core.

Reading is a matter of a `Query` and a version, so two reads of one request agree whatever is refreshed between them.
Every method blocks; whoever serves requests calls them in threads.
"""

import threading
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import shapely
from cachetools import LRUCache
from sqlalchemy import func, insert, select

from broker.catalog import Catalog
from broker.errors import StoreError, TooMuch
from broker.model import Dataset, Field
from broker.query import (
    GEOCODING,
    ROW,
    Aggregation,
    Find,
    Found,
    Group,
    Measure,
    Query,
    Related,
    Row,
    Selection,
    Version,
    reads,
)
from broker.store import history, statements
from broker.store.columns import ColumnReads
from broker.store.database import Database, tried_again
from broker.store.dialect import Dialect, Joined
from broker.store.districts import Districts
from broker.store.entries import searched, searched_columns
from broker.store.geocoder import Geocoder
from broker.store.history import Difference, DifferenceKind
from broker.store.migration import MigrationMode
from broker.store.published import Published
from broker.store.quarantine import Held, accept, held
from broker.store.relocation import Relocation
from broker.store.tables import decoder
from broker.store.versions import Changes, Draft, RefreshRecord
from broker.text import storable

__all__ = ["SqlStore"]


KEPT_COUNTS = 10_000


class SqlStore(Database):
    """The versions of a catalogue's data sets: drafted, published, and asked."""

    def __init__(
        self,
        url: str,
        catalog: Catalog,
        dialect: Dialect,
        keep: timedelta,
        mode: MigrationMode = MigrationMode.AUTOMATIC,
    ) -> None:
        super().__init__(url, catalog, dialect, keep, mode)
        self.districts = Districts(self)
        self.geocoder = Geocoder(self)
        self.places = dialect.places(self)
        self.columns = ColumnReads(self, self.places)
        self._counts: LRUCache[Hashable, int] = LRUCache(KEPT_COUNTS)
        self._counting = threading.Lock()

    def draft(self, dataset: Dataset, *, sample: bool) -> Draft:
        """Begin the next version of a data set. Raises `StoreError` when another refresh of it is under way."""
        lease = self.lease(dataset.id)
        if lease is None:
            raise StoreError(f"{dataset.id} is being refreshed by another process; try again when it has finished")
        try:
            return Draft(self, self.districts, self.geocoder, dataset, lease, sample=sample)
        except BaseException:
            lease.release()
            raise

    def misplaced(self) -> list[Dataset]:
        """The data sets whose newest version was last looked up in other districts than the newest ones."""
        versions, partition = self.versions(), self.catalog.partition
        if partition is None:
            return []
        newest = versions[partition.id].id
        return [
            one
            for one in self.catalog.datasets.values()
            if one.located
            and not one.partition
            and versions[one.id].number
            and (versions[one.id].placed_by or "") != newest
        ]

    def locate_again(self, dataset: Dataset) -> Published:
        """Look up again what has an address or lies in a district, where the register or the districts are of another version.

        A place or district that changes makes a version. While another refresh of the data set is under way nothing is done: whoever
        refreshes does this afterwards.
        """
        base = self.version(dataset)
        if not base.number or not (dataset.geocode or dataset in self.misplaced()):
            return base
        lease = None if self.table_states[dataset.id].write_refusal else self.lease(dataset.id)
        if lease is None:
            return base
        try:
            again = Relocation(self, self.districts, self.geocoder, dataset, lease, sample=base.sample)
        except BaseException:
            lease.release()
            raise
        try:
            return again.locate_again()
        finally:
            again.close()

    @tried_again
    def geocoded(self, dataset: Dataset) -> dict[str | None, int]:
        """How many of the newest version's records were located by an address, by the method's name; None for those that were not."""
        one = self.tables[dataset.id]
        method, looked_up = one.c[f"{GEOCODING}_method"], one.c[f"{GEOCODING}_version"].is_not(None)
        base = self.version(dataset)
        statement = select(method, func.count()).where(statements.at(one, base.version), looked_up)
        with self.reading(base.read) as connection:
            return {row[0]: row[1] for row in connection.execute(statement.group_by(method))}

    # the past

    @tried_again
    def standing(self, dataset: Dataset, moment: datetime) -> Published | None:
        """The version that was the newest at a moment; None when none that is kept was there yet."""
        return None if self.table_states[dataset.id].read_refusal else history.standing(self, dataset, moment)

    @tried_again
    def named(self, dataset: Dataset, id: str) -> Published:
        """The version of this id. Raises `VersionGone` when there is none, or not any more."""
        return history.named(self, dataset, id)

    @tried_again
    def begins(self, dataset: Dataset) -> datetime | None:
        """When the oldest version that is kept was published."""
        return history.begins(self, dataset)

    @tried_again
    def differences(
        self, dataset: Dataset, versions: tuple[Version, Version], size: int, after: object = None
    ) -> tuple[list[Difference], bool]:
        """What differs between two versions, by key from the one after ``after`` on; and whether there is more."""
        return history.differences(self, dataset, versions, size, after)

    @tried_again
    def count_differences(self, dataset: Dataset, versions: tuple[Version, Version]) -> dict[DifferenceKind, int]:
        """How many records differ between two versions, by how."""
        return history.count(self, dataset, versions)

    # refreshes

    @tried_again
    def held(self) -> dict[str, Held]:
        """What is in quarantine, by data set."""
        return held(self)

    def accept(self, dataset: Dataset) -> Published:
        """Publish what of a data set is held. Raises `NotFound` when nothing is, `StoreError` while it is being refreshed."""
        lease = self.lease(dataset.id)
        if lease is None:
            raise StoreError(f"{dataset.id} is being refreshed; try again when it has finished")
        try:
            return accept(self, dataset, lease)
        finally:
            lease.release()

    def record(self, refresh: RefreshRecord) -> None:
        """Keep how a refresh went."""
        changes = refresh.changes
        values = {name: getattr(refresh, name) for name in ("dataset", "started_at", "finished_at", "outcome")}
        values["error"] = None if refresh.error is None else storable(refresh.error)
        counts = {name: getattr(changes, name) for name in ("records", "added", "changed", "removed", "rejected")}
        with self.writing() as connection:
            connection.execute(insert(self.own.refreshes).values(**values, **counts))

    @tried_again
    def last_refreshes(self) -> dict[str, RefreshRecord]:
        """How the last refresh of each data set went."""
        own = self.own.refreshes
        newest = select(func.max(own.c.id)).group_by(own.c.dataset)
        with self.reading() as connection:
            rows = connection.execute(select(own).where(own.c.id.in_(newest))).all()
        return {
            row.dataset: RefreshRecord(
                row.dataset,
                row.started_at,
                row.finished_at,
                row.outcome,
                row.error,
                Changes(row.records, row.added, row.changed, removed=row.removed, rejected=row.rejected),
            )
            for row in rows
        }

    @tried_again
    def rejected(self, dataset: Dataset, size: int) -> list[tuple[str, str]]:
        """Rows of the last read version that could not be read: reason, and the row as JSON."""
        own = self.own.rejected
        statement = (
            select(own.c.reason, own.c.row).where(own.c.dataset == dataset.id).order_by(own.c.position).limit(size)
        )
        with self.reading() as connection:
            return [(row.reason, row.row) for row in connection.execute(statement)]

    @tried_again
    def repairs(self, dataset: Dataset, version: Version) -> list[tuple[str, int]]:
        """What was put right in the places of a version's records, and in how many."""
        if not dataset.located:
            return []
        with self.reading((dataset.id, version)) as connection:
            found = connection.execute(statements.repairs(self.tables[dataset.id], version))
            return [(what, count) for what, count in found]

    # questions

    @tried_again
    def select(self, query: Query) -> Selection:
        """A page of records, in the order asked whichever way it was read."""
        one = self.tables[query.dataset.id]
        columns = [*statements.asked(one, query.dataset, query.columns), *statements.positions(one, query)]
        with self.reading(*reads(query)) as connection:
            found = connection.execute(statements.page(one, query, self.places, columns)).all()
        more = len(found) > query.window.size
        rows = list(found[: query.window.size])
        if query.window.backward:
            rows.reverse()
        width = len(query.order) + 1
        decode = decoder(query.dataset, query.columns)
        return Selection([decode(row._mapping) for row in rows], more, [tuple(row[-width:]) for row in rows])

    @tried_again
    def count(self, query: Query) -> int:
        """How many records match; once counted, known for as long as the version is."""
        key = (query.dataset.id, query.version, query.where)
        try:
            with self._counting:
                known = self._counts.get(key)
        except TypeError:  # a condition with a list or a shape in it, that is not kept
            return self._count(query)
        if known is None:
            known = self._count(query)
            with self._counting:
                self._counts[key] = known
        return known

    def _count(self, query: Query) -> int:
        with self.reading(*reads(query)) as connection:
            return connection.scalar(statements.count(self.tables[query.dataset.id], query, self.places)) or 0

    @tried_again
    def aggregate(self, query: Aggregation) -> list[Group]:
        """Groups, largest first. Raises `TooMuch` when there are more than the limit."""
        with self.reading(*reads(query)) as connection:
            rows = connection.execute(statements.aggregate(self.tables[query.dataset.id], query, self.places)).all()
        if len(rows) > query.limit:
            raise TooMuch(f"aggregate: more than {query.limit} groups; narrow the filter or group by something coarser")
        return [_as_group(query, row) for row in rows]

    @tried_again
    def by_key(
        self, dataset: Dataset, version: Version, keys: Iterable[Any], columns: frozenset[str]
    ) -> dict[Any, Row]:
        """The records of these keys, those that there are."""
        one = self.tables[dataset.id]
        decode = decoder(dataset, columns)
        asked = statements.asked(one, dataset, columns)
        statement = statements.by_key(one, dataset, version, asked, self.dialect.among)
        with self.reading((dataset.id, version)) as connection:
            rows = connection.execute(statement, {"listed": self.dialect.listing(sorted(set(keys)))})
            return {row._mapping[dataset.key]: decode(row._mapping) for row in rows}

    # places

    @tried_again
    def geometry_type(self, dataset: Dataset, version: Version) -> str | None:
        """What the shapes of a version are: one type of GeoJSON, a Multi- one where some are, ``Geometry`` when they differ."""
        one = self.tables[dataset.id]
        shape = one.c[str(dataset.geometry)]
        with self.reading((dataset.id, version)) as connection:
            some = connection.execute(select(shape).where(statements.at(one, version), shape.is_not(None)).limit(1000))
            types = {
                name.removeprefix("Multi"): name for name in sorted(shapely.from_wkb(wkb).geom_type for (wkb,) in some)
            }
        if len(types) > 1:
            return "Geometry"
        return next(iter(types.values()), None)

    @tried_again
    def join(self, related: Related) -> Joined:
        """The records that are linked to each of some parents: one computation for all. Raises `TooMuch`."""
        return self.places.join(related)

    @tried_again
    def by_row(
        self, dataset: Dataset, version: Version, rows: Iterable[int], columns: frozenset[str]
    ) -> dict[int, Row]:
        """The records of these rows of a version, as a join gives them."""
        one = self.tables[dataset.id]
        decode = decoder(dataset, columns)
        asked = [one.c[ROW], *statements.asked(one, dataset, columns)]
        statement = statements.by_row(one, asked, self.dialect.among)
        with self.reading((dataset.id, version)) as connection:
            found = connection.execute(statement, {"listed": self.dialect.listing(sorted(set(rows)))})
            return {row._mapping[ROW]: decode(row._mapping) for row in found}

    @tried_again
    def aggregate_related(self, joined: Joined, query: Aggregation) -> dict[int, list[Group]]:
        """The groups of each parent, by its position among those asked for. Raises `TooMuch` when there are more than the limit."""
        statement = statements.aggregate_related(self.tables[query.dataset.id], query, joined.relation())
        with self.reading(*joined.reads) as connection:
            rows = connection.execute(statement).all()
        if len(rows) > query.limit:
            raise TooMuch(f"aggregate: more than {query.limit} groups; narrow the filter or group by something coarser")
        found: dict[int, list[Group]] = {}
        for parent, *row in rows:
            found.setdefault(parent, []).append(_as_group(query, row))
        return found

    # words

    @tried_again
    def find(self, find: Find) -> tuple[list[Found], int]:
        """What matches, best first, and how many in all."""
        with self.reading(*find.versions.items()) as connection:
            hits, total = self.dialect.find(connection, find)
            found: dict[tuple[str, int], Found] = {}
            for id in {hit[0] for hit in hits}:
                dataset, one = self.catalog.datasets[id], self.tables[id]
                rows = {row: score for of, row, score in hits if of == id}
                wanted = {"_row", dataset.key, *searched_columns(dataset)}
                statement = select(*(one.c[name].label(name) for name in sorted(wanted))).where(one.c["_row"].in_(rows))
                for record in connection.execute(statement).mappings():
                    title, text = searched(dataset, dict(record))
                    score = rows[record["_row"]]
                    found[id, record["_row"]] = Found(id, record[dataset.key], title, text, score)
        return [found[of, row] for of, row, _ in hits], total

    @tried_again
    def known(self, word: str, *, prefix: bool = False) -> bool:
        """Whether any record holds this folded word or stem, or one that begins with it."""
        with self.reading() as connection:
            return self.dialect.known(connection, word, prefix=prefix)

    @tried_again
    def vocabulary(self) -> Iterable[tuple[str, int]]:
        """Every searched word and in how many records it occurs."""
        with self.reading() as connection:
            return self.dialect.vocabulary(connection)


def _as_group(query: Aggregation, row: Sequence[Any]) -> Group:
    keys = len(query.group_by)
    return Group(query.dataset, tuple(map(_text, row[:keys])), row[keys], _measures(query, row[keys + 1 :]))


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _measures(query: Aggregation, values: Sequence[Any]) -> dict[Measure, Any]:
    given = iter(values)
    measured: dict[Measure, Any] = {}
    for one in query.measures:
        value = next(given)
        if one.function == "avg":
            value = _average(value, next(given), query.dataset.field(one.field))
        measured[one] = value
    return measured


def _average(total: Any, count: int, field: Field) -> Decimal | float | None:  # noqa: ANN401 - a number
    """Exact decimals keep two digits more than the field has."""
    if not count:
        return None
    average: Decimal | float = total / count
    return round(average, field.scale + 2) if isinstance(average, Decimal) else average
