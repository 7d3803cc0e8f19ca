"""The store: versions of data sets in a database, through SQLAlchemy Core.

Reading is a matter of a `Query` and a version, so two reads of one request agree whatever is refreshed between them.
Every method blocks; whoever serves requests calls them in threads.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, MetaData, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from broker.catalog import Catalog
from broker.errors import StoreError, TooMuch
from broker.model import Dataset, Field, Localized
from broker.query import Aggregation, Find, Found, Group, Measure, Query, Row, Selection
from broker.store import statements
from broker.store.bulk import Bulk
from broker.store.dialect import Claim, Dialect
from broker.store.districts import Districts
from broker.store.entries import searched, searched_columns
from broker.store.tables import ALL, bookkeeping, table
from broker.store.versions import Changes, Draft, Published, RefreshRecord

__all__ = ["SqlStore"]


class SqlStore:
    """The versions of a catalogue's data sets, in one database."""

    def __init__(self, url: str, catalog: Catalog, dialect: Dialect) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.metadata = MetaData()
        self.own = bookkeeping(self.metadata)
        self.tables: dict[str, Table] = {one.id: table(one, self.metadata) for one in catalog.datasets.values()}
        self.districts = Districts(self)
        self._turn = threading.Lock()
        self._bulks: dict[str, Bulk] = {}
        self._engine = dialect.open(url)
        try:
            self._prepare()
        except SQLAlchemyError as error:
            raise StoreError(f"the store at {self._engine.url!r} cannot be opened: {error}") from error

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads. Raises `StoreError` for whatever the database says."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be read: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes, one at a time in this process; the database sees to other processes."""
        try:
            with self._turn, self._engine.connect().execution_options(writing=True) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be written: {error}") from error

    def _prepare(self) -> None:
        """Make the tables; a table whose declaration has changed is made anew and waits for its next refresh."""
        declared = {id: str(CreateTable(one)) for id, one in self.tables.items()}
        with self._turn, self._engine.connect().execution_options(writing=True) as connection, connection.begin():
            self.own.declarations.create(connection, checkfirst=True)
            known = {row.dataset: row for row in connection.execute(select(self.own.declarations))}
            for id, row in known.items():
                if id in declared and declared[id] != row.declaration:
                    self._start_over(connection, id, row.table_name)
            self.metadata.create_all(connection)
            self.dialect.prepare(connection, self.own)
            for one in self.tables.values():
                self.dialect.prepare_table(connection, one)
            rows = [
                {"dataset": id, "table_name": self.tables[id].name, "declaration": sql}
                for id, sql in declared.items()
                if id not in known or known[id].declaration != sql
            ]
            if rows:
                connection.execute(insert(self.own.declarations), rows)

    def _start_over(self, connection: Connection, id: str, table_name: str) -> None:
        own = self.own
        entries = select(own.entries.c.id).where(own.entries.c.dataset == id)
        self.dialect.forget(
            connection, self.catalog.datasets[id], select(own.entries.c.row).where(own.entries.c.dataset == id), entries
        )
        for mine in (own.entries, own.versions, own.rejected, own.declarations):
            connection.execute(delete(mine).where(mine.c.dataset == id))
        self.dialect.drop_table(connection, table_name)

    def bulk(self, one: Table) -> Bulk:
        """What inserts many rows into a table of this store."""
        if one.name not in self._bulks:
            self._bulks[one.name] = Bulk(one, self._engine.dialect)
        return self._bulks[one.name]

    # versions

    def versions(self) -> dict[str, Published]:
        """The newest version of every data set, in one look: what a request reads from begin to end."""
        own = self.own.versions
        newest = select(own.c.dataset, func.max(own.c.number).label("number")).group_by(own.c.dataset).subquery()
        statement = select(own).join(newest, (own.c.dataset == newest.c.dataset) & (own.c.number == newest.c.number))
        with self.reading() as connection:
            found = {row.dataset: Published(**row._mapping) for row in connection.execute(statement)}
        return {id: found.get(id, Published(id, 0)) for id in self.tables}

    def version(self, dataset: Dataset) -> Published:
        """The newest version of a data set; number 0 before its first."""
        return self.versions()[dataset.id]

    def claim(self, name: str) -> Claim | None:
        """Be the only one, over all processes of this store, to do what has this name; None when another one is."""
        return self.dialect.claim(self._engine, name)

    def draft(self, dataset: Dataset, *, sample: bool) -> Draft:
        """Begin the next version of a data set. Raises `StoreError` when another refresh of it is under way."""
        claim = self.claim(dataset.id)
        if claim is None:
            raise StoreError(f"{dataset.id} is being refreshed by another process; try again when it has finished")
        try:
            return Draft(self, dataset, claim, sample=sample)
        except BaseException:
            claim.release()
            raise

    def place_again(self) -> None:
        """After the districts have changed: tell every located row which one it lies in now."""
        for dataset in self.catalog.datasets.values():
            if not dataset.located:
                continue
            one = self.tables[dataset.id]
            with self.writing() as connection:
                rows = connection.execute(select(one.c["_row"], one.c["_lon"], one.c["_lat"], one.c["_district"])).all()
                keys = self.districts.keys_at([(row[1], row[2]) for row in rows])
                moved = [{"r": row[0], "d": key} for row, key in zip(rows, keys, strict=True) if row[3] != key]
                if moved:
                    where = one.c["_row"] == bindparam("r")
                    connection.execute(update(one).where(where).values(_district=bindparam("d")), moved)

    # refreshes

    def record(self, refresh: RefreshRecord) -> None:
        """Keep how a refresh went."""
        changes = refresh.changes
        values = {name: getattr(refresh, name) for name in ("dataset", "started_at", "finished_at", "outcome", "error")}
        counts = {name: getattr(changes, name) for name in ("records", "added", "changed", "removed", "rejected")}
        with self.writing() as connection:
            connection.execute(insert(self.own.refreshes).values(**values, **counts))

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

    def rejected(self, dataset: Dataset, size: int) -> list[tuple[str, str]]:
        """Rows of the last read version that could not be read: reason, and the row as JSON."""
        own = self.own.rejected
        statement = (
            select(own.c.reason, own.c.row).where(own.c.dataset == dataset.id).order_by(own.c.position).limit(size)
        )
        with self.reading() as connection:
            return [(row.reason, row.row) for row in connection.execute(statement)]

    # questions

    def select(self, query: Query) -> Selection:
        """A page of records, in the order asked whichever way it was read."""
        one = self.tables[query.dataset.id]
        with self.reading() as connection:
            found = connection.execute(statements.page(one, query, self.dialect)).all()
        more = len(found) > query.window.size
        rows = list(found[: query.window.size])
        if query.window.backward:
            rows.reverse()
        width = len(statements.sort_columns(one, query.dataset, query.order))
        decode = _decoder(query.dataset, query.columns)
        return Selection([decode(row._mapping) for row in rows], more, [tuple(row[-width:]) for row in rows])

    def count(self, query: Query) -> int:
        """How many records match."""
        with self.reading() as connection:
            return connection.scalar(statements.count(self.tables[query.dataset.id], query, self.dialect)) or 0

    def aggregate(self, query: Aggregation) -> list[Group]:
        """Groups, largest first. Raises `TooMuch` when there are more than the limit."""
        with self.reading() as connection:
            rows = connection.execute(statements.aggregate(self.tables[query.dataset.id], query, self.dialect)).all()
        if len(rows) > query.limit:
            raise TooMuch(f"aggregate: more than {query.limit} groups; narrow the filter or group by something coarser")
        keys = len(query.group_by)
        return [Group(tuple(map(_text, row[:keys])), row[keys], _measures(query, row[keys + 1 :])) for row in rows]

    def by_key(self, dataset: Dataset, version: int, keys: Iterable[Any], columns: frozenset[str]) -> dict[Any, Row]:
        """The records of these keys, those that there are."""
        one = self.tables[dataset.id]
        decode = _decoder(dataset, columns)
        statement = statements.by_key(one, dataset, version, columns)
        found: dict[Any, Row] = {}
        with self.reading() as connection:
            for some in _batches(sorted(set(keys))):
                for row in connection.execute(statement, {"keys": some}):
                    found[row._mapping[dataset.key]] = decode(row._mapping)
        return found

    # words

    def find(self, find: Find) -> tuple[list[Found], int]:
        """What matches, best first, and how many in all."""
        with self.reading() as connection:
            hits, total = self.dialect.find(connection, find)
            found: dict[tuple[str, int], Found] = {}
            for id in {hit[0] for hit in hits}:
                dataset, one = self.catalog.datasets[id], self.tables[id]
                rows = {row: score for of, row, score in hits if of == id}
                wanted = {"_row", dataset.key, *searched_columns(dataset)}
                statement = select(*(one.c[name] for name in sorted(wanted))).where(one.c["_row"].in_(rows))
                for record in connection.execute(statement).mappings():
                    title, text = searched(dataset, dict(record))
                    score = rows[record["_row"]]
                    found[id, record["_row"]] = Found(id, record[dataset.key], title, text, score)
        return [found[of, row] for of, row, _ in hits], total

    def known(self, word: str, *, prefix: bool = False) -> bool:
        """Whether any record holds this folded word or stem, or one that begins with it."""
        with self.reading() as connection:
            return self.dialect.known(connection, word, prefix=prefix)

    def vocabulary(self) -> Iterable[tuple[str, int]]:
        """Every searched word and in how many records it occurs."""
        with self.reading() as connection:
            return self.dialect.vocabulary(connection)


def _batches(keys: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


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


def _decoder(dataset: Dataset, columns: frozenset[str]) -> Any:  # noqa: ANN401 - a function of a row
    """Column values as the model has them; a geometry stays well-known binary, since few ask for its coordinates."""
    lists = [one.name for one in dataset.fields if one.kind is tuple and one.name in columns]
    texts = [(one.name, one.name + ALL, one.html) for one in dataset.fields if one.localized and one.name in columns]

    def decode(row: Mapping[str, Any]) -> Row:
        values = dict(row)
        for name in lists:
            values[name] = None if values[name] is None else orjson.loads(values[name])
        for name, everything, _ in texts:
            languages = values.pop(everything)
            if values[name] is not None:
                values[name] = Localized(orjson.loads(languages)) if languages else Localized(pl=values[name])
        return values

    return decode
