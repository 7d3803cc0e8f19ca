"""Migration plans: what a table lacks to follow its declaration, compared column by column by name, type and nullability."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Connection, Index, MetaData, Table, func, select
from sqlalchemy import Dialect as Compiler

from broker.model import Dataset
from broker.query import GEOJSON, MENDED
from broker.store.backfill import Backfill, Conversion
from broker.store.bookkeeping import Bookkeeping
from broker.store.dialect import Dialect, FoundTable
from broker.store.legacy_layouts import adopted
from broker.store.located import IN_METRES, PLACE
from broker.store.schemas import ChangeKind, SchemaChange, SetAside, TableSchema, evolve, initial
from broker.store.tables import GEOCODED, derived, metric_column, table

__all__ = ["DatasetPlan", "Inventory"]

CONTENT = frozenset({ChangeKind.FIELD_RETYPED, ChangeKind.FIELD_REMOVED, ChangeKind.FIELD_RESTORED, ChangeKind.MARKUP})
"""Changes after which the words of a record may be others."""
HASHED = frozenset(
    {ChangeKind.FIELD_RETYPED, ChangeKind.FIELD_REMOVED, ChangeKind.FIELD_RESTORED, ChangeKind.GEOCODING}
)
"""Changes after which a record that a source gives as before would have another hash."""
OWN = frozenset({"_row", "_since", "_until", "_hash"})
MEASURED = frozenset(name for name, _ in PLACE) - {MENDED, "_district"} | {IN_METRES}
"""Columns of a place without which it cannot be asked for."""


@dataclass(frozen=True)
class DatasetPlan:
    """A data set, the schema that its table is to have, and the table as it was found."""

    dataset: Dataset
    dialect: Dialect
    schema: TableSchema
    before: TableSchema | None
    found: FoundTable | None
    changes: tuple[SchemaChange, ...] = ()
    behind: int = 0
    """The number of the newer schema that the table follows; 0 when there is none."""
    newest: int = 0
    oldest: int = 0
    kept_since: datetime | None = None
    """Tables that were set aside before are dropped."""

    @cached_property
    def table(self) -> Table:
        """The table as it is to be."""
        made = table(self.dataset, self.schema, MetaData())
        self.dialect.declare(made, self.found)
        return made

    def readable(self, metadata: MetaData) -> Table:
        """The table as it can be read and written now: what is missing of it is absent."""
        made = table(self.dataset, self.schema, metadata, None if self.found is None else self.found.columns)
        self.dialect.declare(made, self.found)
        return made

    @property
    def table_missing(self) -> bool:
        """Whether the table has to be made."""
        return self.found is None

    @cached_property
    def missing_columns(self) -> list[Column[Any]]:
        """The columns that the table lacks."""
        return [] if self.found is None else [one for one in self.table.columns if one.name not in self.found.columns]

    @cached_property
    def lacks_derived(self) -> bool:
        """Whether records have values of which the columns that are worked out from them are missing."""
        there = self.found.columns if self.found else {}
        shape = self.schema.geometry
        places = (
            shape is not None and shape.column in there and any(one.key in MEASURED for one in self.missing_columns)
        )
        return places or bool(self._underived)

    @cached_property
    def _underived(self) -> list[str]:
        """The fields whose column is there and one that is worked out from it is not."""
        there = self.found.columns if self.found else {}
        return [
            one.name
            for one in self.schema.fields
            if one.column in there
            and any(
                one.column + suffix not in there for suffix in derived(one.kind, html=one.html) if suffix != "__all"
            )
        ]

    @cached_property
    def constrained_columns(self) -> list[str]:
        """The columns that may not be null and will be."""
        if self.found is None:
            return []
        kept = {one.column for one in self.schema.fields if not one.optional} | OWN
        return [name for name, one in self.found.columns.items() if not one.nullable and name not in kept]

    @property
    def unwanted_indexes(self) -> list[str]:
        """The indexes that are not declared any more, or are on other columns."""
        wanted = {str(one.name): _names(one) for one in self.table.indexes}
        found = self.found.indexes if self.found else {}
        own = f"ix_{self.schema.table}_"
        return [name for name, columns in found.items() if name.startswith(own) and wanted.get(name) != columns]

    @property
    def missing_indexes(self) -> list[Index]:
        """The indexes that the table lacks."""
        found = self.found.indexes if self.found else {}
        return sorted(
            (one for one in self.table.indexes if found.get(str(one.name)) != _names(one)), key=lambda i: str(i.name)
        )

    @cached_property
    def places_change(self) -> bool:
        """Whether everything that follows from shapes is worked out anew."""
        shape, before = self.schema.geometry, self.before.geometry if self.before else None
        if shape is None or self.found is None or not self.found.columns.keys() & {GEOJSON, "_lon"}:
            return False
        return (
            before is None
            or before.column != shape.column
            or (self.lacks_derived and shape.column in self.found.columns)
        )

    def backfill(self) -> Backfill:
        """What is worked out anew in its rows."""
        kinds = {one.kind for one in self.changes}
        fields = {one.field for one in self.changes if one.kind is ChangeKind.MARKUP} | set(self._underived)
        adopted = self.before is not None and self.before.number == 0
        conversions = [
            Conversion(self.dataset.field(str(one.field)), one.converted.column, one.converted.kind)
            for one in self.changes
            if one.converted is not None
        ]
        return Backfill(
            self.dataset,
            self.table,
            conversions=conversions,
            fields=[one for one in self.dataset.fields if one.name in fields],
            places=self.places_change,
            hashes=adopted or bool(kinds & HASHED),
        )

    @property
    def search_changes(self) -> bool:
        """Whether the search has to read the records anew."""
        before, after = self.before, self.schema
        if before is None or before.number == 0:
            return False
        searched = {one.name for one in (*before.fields, *after.fields) if one.search}
        content = any(one.kind in CONTENT and one.field in searched for one in self.changes)
        titles = [any(one.search == "title" for one in schema.fields) for schema in (before, after)]
        return content or titles[0] != titles[1] or any(one.kind is ChangeKind.SEARCH for one in self.changes)

    @property
    def geocodes_again(self) -> bool:
        """Whether addresses that were looked up before are due once more."""
        before = self.before.geocode if self.before else ()
        return bool(before and self.schema.geocode) and before != self.schema.geocode

    @property
    def key_changes(self) -> bool:
        """Whether a new history begins."""
        return any(one.kind is ChangeKind.KEY for one in self.changes)

    @property
    def expired_columns(self) -> list[str]:
        """The columns that no version reads any more; one that the database computes from another comes before it."""
        if self.found is None or self.behind:
            return []
        names: list[str] = []
        for one in self.schema.retired:
            if one.until >= self.oldest > 0:
                continue
            own = [one.column + suffix for suffix in derived(one.kind, html=one.html)]
            if one.kind == "geometry":
                own.append(metric_column(one.column))
                own += [] if self.schema.geometry else [name for name, _ in (*PLACE, *GEOCODED)]
            names += [*self.found.computed_from(one.column), *own, one.column]
        return [name for name in dict.fromkeys(names) if name in self.found.columns]

    @property
    def expired_tables(self) -> list[SetAside]:
        """The tables of earlier histories that are kept no longer."""
        if self.behind or self.kept_since is None:
            return []
        return [one for one in self.schema.set_aside if datetime.fromisoformat(one.at) < self.kept_since]

    @property
    def steps(self) -> list[str]:
        """What is to be done, in words."""
        if self.behind or self.idle:
            return []
        if self.table_missing and not self.changes:
            return ["its table is to be made"]
        found = [one.text for one in self.changes]
        if self.missing_columns and not self.changes:
            found.append(f"columns are to be made: {', '.join(one.name for one in self.missing_columns)}")
        if indexes := sorted({str(one.name) for one in self.missing_indexes} | set(self.unwanted_indexes)):
            found.append(f"indexes are to be made or dropped: {', '.join(indexes)}")
        if self.expired_columns:
            found.append(f"columns that no version reads are to be dropped: {', '.join(self.expired_columns)}")
        if self.expired_tables:
            found.append(
                f"tables of earlier histories are to be dropped: {', '.join(t.table for t in self.expired_tables)}"
            )
        return found

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        lacking = self.table_missing or self.changes or self.missing_columns or self.missing_indexes
        excess = self.constrained_columns or self.unwanted_indexes or self.expired_columns or self.expired_tables
        return not (lacking or excess)


def _names(index: Index) -> tuple[str, ...]:
    return tuple(one.name for one in index.columns)


@dataclass(frozen=True)
class Inventory:
    """What a database holds of the store: its tables, the schemas they follow, the versions there are."""

    tables: Mapping[str, FoundTable]
    schemas: Mapping[str, Sequence[TableSchema]] = field(default_factory=dict)
    versions: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def at(cls, connection: Connection, dialect: Dialect, own: Bookkeeping) -> "Inventory":
        """Read it."""
        tables = dialect.tables(connection)
        schemas: dict[str, list[TableSchema]] = {}
        if own.schemas.name in tables:
            kept = select(own.schemas.c.dataset, own.schemas.c.schema).order_by(own.schemas.c.number)
            for id, text in connection.execute(kept):
                schemas.setdefault(id, []).append(TableSchema.loaded(text))
        versions: dict[str, tuple[int, int]] = {}
        if own.versions.name in tables:
            of = own.versions.c
            for id, least, most in connection.execute(
                select(of.dataset, func.min(of.number), func.max(of.number)).group_by(of.dataset)
            ):
                versions[id] = least, most
        return cls(tables, schemas, versions)

    def plans(
        self,
        datasets: Sequence[Dataset],
        dialect: Dialect,
        of: Compiler,
        now: datetime,
        kept_since: datetime,
        *,
        back: bool,
    ) -> Iterator[DatasetPlan]:
        """A plan for each data set; ``back`` lets a table follow a declaration that it has followed before."""
        for one in datasets:
            yield self._plan(one, dialect, of, now, kept_since, back=back)

    def _plan(
        self, dataset: Dataset, dialect: Dialect, of: Compiler, now: datetime, kept_since: datetime, *, back: bool
    ) -> DatasetPlan:
        kept, fresh = self.schemas.get(dataset.id, ()), initial(dataset)
        oldest, newest = self.versions.get(dataset.id, (0, 0))
        if not kept and fresh.table not in self.tables:
            return DatasetPlan(dataset, dialect, fresh, None, None)
        before = kept[-1] if kept else adopted(dataset, fresh.table, self.tables[fresh.table], of)
        schema, changes = evolve(dataset, before, max(newest, before.floor), now)
        behind = 0
        if not kept:
            text = "its versions were taken over from an earlier layout of the store"
            schema = replace(schema, number=1)
            changes = (SchemaChange(ChangeKind.ADOPTED, text), *changes)
        elif changes and not back and not dataset.generic:  # a layer is as its server describes it, whatever the build
            known = [one for one in kept[:-1] if one.declaration == fresh.declaration]
            if known:
                schema, changes, behind = known[-1], (), before.number
        found = self.tables.get(schema.table)
        return DatasetPlan(dataset, dialect, schema, before, found, changes, behind, newest, oldest, kept_since)
