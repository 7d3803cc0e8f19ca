"""What servers said of the layers that were added by configuration, kept so that a start without them works.

Read before the store is opened, since the store's tables follow from it; in the same database, but in a table of its own.
"""

from collections.abc import Mapping

from sqlalchemy import Column, MetaData, String, Table, Text, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import StoreError
from broker.store.dialect import Dialect

__all__ = ["Descriptions"]

TABLE = Table(
    "broker_layer_descriptions",
    MetaData(),
    Column("layer", String(200), primary_key=True),
    Column("description", Text, nullable=False),
)


class Descriptions:
    """Descriptions by the layer's id, as text."""

    def __init__(self, url: str, dialect: Dialect) -> None:
        self._url = url
        self._dialect = dialect

    def read(self) -> dict[str, str]:
        """All that are kept. Raises `StoreError`."""
        return self._with({})

    def keep(self, descriptions: Mapping[str, str]) -> None:
        """Keep these in place of the earlier ones of the same layers. Raises `StoreError`."""
        self._with(descriptions)

    def _with(self, new: Mapping[str, str]) -> dict[str, str]:
        engine = self._dialect.open(self._url)
        try:
            with engine.connect().execution_options(writing=True) as connection, connection.begin():
                TABLE.create(connection, checkfirst=True)
                for layer, description in new.items():
                    connection.execute(delete(TABLE).where(TABLE.c.layer == layer))
                    connection.execute(insert(TABLE).values(layer=layer, description=description))
                return {row.layer: row.description for row in connection.execute(select(TABLE))}
        except SQLAlchemyError as error:
            raise StoreError(f"the descriptions of layers cannot be kept: {error}") from error
        finally:
            engine.dispose()
