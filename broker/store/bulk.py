"""Many rows into a table: the statement and the conversion of its values are worked out once, not for every row."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert

from broker.store.column_types import Absent

__all__ = ["Bulk"]

Convert = Callable[[Any], Any]


class Bulk:
    """Inserts rows into one table; every row holds a value for every column that is there and not computed by the database."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        written = [one.key for one in table.columns if one.computed is None and not isinstance(one, Absent)]
        compiled = insert(table).compile(dialect=dialect, column_keys=written)
        self._statement = str(compiled)
        self._positional = compiled.positiontup is not None
        names = compiled.positiontup or written
        self._columns: list[tuple[str, str, Convert | None]] = [
            (
                name,
                table.c[name].info.get("value_of", name),
                table.c[name].type.dialect_impl(dialect).bind_processor(dialect),
            )
            for name in names
        ]

    def insert(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert them all, in one call of the driver."""
        values: list[Any]
        if self._positional:
            values = [tuple([row[of] if to is None else to(row[of]) for _, of, to in self._columns]) for row in rows]
        else:
            values = [{name: row[of] if to is None else to(row[of]) for name, of, to in self._columns} for row in rows]
        if values:
            connection.exec_driver_sql(self._statement, values)
