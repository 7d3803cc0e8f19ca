"""Global ids, as Relay wants them: a record's type and key, opaque to clients and the same after every refresh."""

import base64
import binascii
from typing import Annotated, Any

import strawberry

from broker.catalog import Catalog
from broker.errors import BadArgument, NotFound
from broker.model import Dataset
from resolvers.context import Info, RecordValue

__all__ = ["Node", "decode_id", "encode_id", "node", "nodes"]

MAX_IDS = 500


def encode_id(dataset: Dataset, key: Any) -> str:  # noqa: ANN401 - a text or a number
    """The global id of a record."""
    return base64.urlsafe_b64encode(f"{dataset.type_name}:{key}".encode()).decode().rstrip("=")


def decode_id(catalog: Catalog, text: str) -> tuple[Dataset, Any]:
    """The data set and key of a global id. Raises `BadArgument` for what is none."""
    try:
        type_name, _, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        dataset = catalog.by_type(type_name)
        return dataset, dataset.field(dataset.key).kind(key)
    except (ValueError, binascii.Error, NotFound):
        raise BadArgument(f"id: {text[:80]!r} is not an id of this graph; take it from a record's `id`") from None


def _id(root: strawberry.Parent[RecordValue]) -> strawberry.ID:
    return strawberry.ID(encode_id(root.dataset, root.key))


@strawberry.interface(description="Anything with a global id, by which `node` finds it again.")
class Node:
    """Relay's Node."""

    @classmethod
    def resolve_type(cls, value: RecordValue, *_: object) -> str:
        """The GraphQL type of a record."""
        return "Feature" if value.dataset.generic else value.dataset.type_name

    id: strawberry.ID = strawberry.field(
        resolver=_id, description="Global id, the same after every refresh; `node(id:)` finds the record again by it."
    )


async def node(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A record's `id`.")]
) -> Node | None:
    """The record of this global id; null when there is none any more."""
    dataset, key = decode_id(info.context.catalog, id)
    found: Any = await info.context.loader(dataset).load(key)
    return found  # type: ignore[no-any-return]


async def nodes(
    info: Info,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"Records' `id`s, at most {MAX_IDS}.")],
) -> list[Node | None] | None:
    """The records of these global ids, in their order; null where there is none any more."""
    if len(ids) > MAX_IDS:
        raise BadArgument(f"ids: {len(ids)} of them; at most {MAX_IDS} at a time")
    wanted = [decode_id(info.context.catalog, one) for one in ids]
    return await info.context.records(wanted)
