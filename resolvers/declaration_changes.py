"""`datasets { declarationChanges }`: what the table of a data set followed, and what became of the versions that were there."""

from datetime import datetime
from enum import Enum

import strawberry

from broker.store import SqlStore

__all__ = ["DeclarationChange", "DeclarationChangeKind", "declaration_changes"]


@strawberry.enum(description="What a data set's table followed.")
class DeclarationChangeKind(Enum):
    """What a table followed, as the graph has it."""

    ADOPTED = strawberry.enum_value(
        "adopted", description="Its versions were taken over from an earlier layout of the store."
    )
    FIELD_ADDED = strawberry.enum_value("field_added", description="A new field; earlier versions have no value of it.")
    FIELD_RESTORED = strawberry.enum_value(
        "field_restored", description="A field that had gone is back, with its earlier values."
    )
    FIELD_RENAMED = strawberry.enum_value("field_renamed", description="A field has another name; its values stayed.")
    FIELD_RETYPED = strawberry.enum_value(
        "field_retyped",
        description="A field is of another kind: converted where that is exact, else empty in earlier versions.",
    )
    FIELD_REMOVED = strawberry.enum_value(
        "field_removed", description="A field has gone; its values stay until their versions expire."
    )
    FIELD_OPTIONAL = strawberry.enum_value(
        "field_optional", description="A record may lack a field that every record had."
    )
    FIELD_REQUIRED = strawberry.enum_value(
        "field_required", description="Every record has a field now; earlier ones may lack it."
    )
    MARKUP = strawberry.enum_value("markup", description="A text is markup now, or no longer.")
    SEARCH = strawberry.enum_value("search", description="A field is searched now, or no longer.")
    GEOCODING = strawberry.enum_value("geocoding", description="Addresses are looked up by other fields, or no longer.")
    KEY = strawberry.enum_value("key", description="Records are identified by another field: a new history began.")


@strawberry.type(description="A change of a data set's declaration, and what became of the versions that were there.")
class DeclarationChange:
    """A change of a declaration."""

    at: datetime | None = strawberry.field(
        description="When the table followed; null while it waits for `broker migrate`."
    )
    kind: DeclarationChangeKind = strawberry.field(description="What changed.")
    field: str | None = strawberry.field(description="The field, as it is declared.")
    description: str = strawberry.field(description="What changed, in words.")
    version: int = strawberry.field(
        description="The newest version then: it and earlier ones were read before the change."
    )


def declaration_changes(store: SqlStore, dataset: str, version: int) -> list[DeclarationChange]:
    """How the declaration of a data set has changed, the latest change first; ``version`` is its newest one."""
    applied_migrations = [
        (one.at, change, one.version)
        for one in store.applied_migrations
        if one.dataset == dataset
        for change in one.changes
    ]
    waiting = [(None, change, version) for change in store.table_states[dataset].waiting]
    return [
        DeclarationChange(
            at=at, kind=DeclarationChangeKind(str(one.kind)), field=one.field, description=one.text, version=then
        )
        for at, one, then in (*waiting, *applied_migrations)
    ]
