"""The groups of settings: each setting's default, unit, what it accepts, and one sentence; `broker.settings` reads their values."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticUndefined
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

__all__ = [
    "COUNT",
    "DATABASE",
    "LAYER_IDS",
    "ORIGINS",
    "YES_OR_NO",
    "HistorySettings",
    "LayerSettings",
    "Limits",
    "LiveSettings",
    "Pages",
    "RefreshSettings",
    "SourceSettings",
    "UpstreamSettings",
    "database",
    "layer_id",
    "origin",
    "setting",
]

LAYER_ID = r"[a-z][a-z0-9_]{0,39}"
LAYER_IDS = "at most 40 small letters, digits and underscores, the first one a letter"
YES_OR_NO = "true or false"
COUNT = "a whole number, 1 or more"
ADDRESS = "an address that begins with http:// or https://"
ORIGINS = 'a list of origins such as ["https://www.example"], without a path, in small letters; ["*"] stands for all'
STORES = {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}  # what `broker.store` opens, which is above
DATABASE = (
    "a SQLAlchemy URL of SQLite or PostgreSQL, e.g. sqlite:////var/lib/broker/broker.sqlite "
    "or postgresql+psycopg://user:password@host/broker"
)


def setting(default: Any, description: str, accepts: str, unit: str = "", **bounds: Any) -> Any:  # noqa: ANN401 - stands where the value will be
    """A setting, as the documentation and the refusals show it; ``bounds`` are pydantic's own."""
    about: dict[str, Any] = {"accepts": accepts, "unit": unit}
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**given, description=description, json_schema_extra=about, **bounds)


def _http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(ADDRESS)
    return value


def origin(value: str) -> str:
    """What a browser sends as ``Origin``, or ``*`` for every one. Raises `ValueError`."""
    parts = urlsplit(value)
    if value != "*" and not (parts.scheme and parts.netloc and value == f"{parts.scheme}://{parts.netloc}".lower()):
        raise ValueError(ORIGINS)
    return value


def database(value: str) -> str:
    """The address of a database that a store is for. Raises `ValueError`."""
    try:
        kind = make_url(value).drivername
    except ArgumentError as error:
        raise ValueError(DATABASE) from error
    if kind not in STORES:
        raise ValueError(DATABASE)
    return value


def layer_id(value: str) -> str:
    """An id that a layer may have. Raises `ValueError`."""
    if not re.fullmatch(LAYER_ID, value):
        raise ValueError(LAYER_IDS)
    return value


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSettings(_Group):
    """Where one source is asked."""

    base_url: Annotated[str, AfterValidator(_http)] = setting(
        PydanticUndefined, "Where this source is asked, in place of its public address.", ADDRESS
    )


class LayerSettings(_Group):
    """A layer of a map server, added without code."""

    url: Annotated[str, AfterValidator(_http)] = setting(
        PydanticUndefined,
        "Where the service answers: of a WFS its address, of OGC API Features its landing page.",
        ADDRESS,
    )
    kind: Literal["wfs", "ogcapi"] = setting("wfs", "Which standard it speaks.", "wfs or ogcapi")
    type_name: str = setting(
        PydanticUndefined,
        "The feature type of a WFS, or the collection's id.",
        "a text that is not empty",
        min_length=1,
    )
    title: str = setting(PydanticUndefined, "What people call it.", "a text that is not empty", min_length=1)
    licence: str = setting(
        PydanticUndefined,
        "The terms of use: an SPDX id such as CC0-1.0, or a text.",
        "a text that is not empty",
        min_length=1,
    )
    licence_url: str = setting("", "The full text of the terms.", "an address, or nothing")
    version: Literal["1.1.0", "2.0.0"] = setting("2.0.0", "The version of WFS.", "1.1.0 or 2.0.0")
    crs: str = setting(
        "EPSG:4326",
        "The coordinate system to ask a WFS for.",
        "an EPSG code such as EPSG:2177",
        pattern=r"^EPSG:\d{4,6}$",
    )
    refresh_hours: float = setting(24.0, "How often it is read.", "a number above 0", "hours", gt=0)


class UpstreamSettings(_Group):
    """How the sources are asked."""

    connect_seconds: float = setting(
        10.0, "How long a connection to a source may take.", "a number above 0", "seconds", gt=0
    )
    read_seconds: float = setting(
        30.0, "How long a source may be silent while it answers.", "a number above 0", "seconds", gt=0
    )
    timeout_seconds: float = setting(60.0, "How long one answer may take.", "a number above 0", "seconds", gt=0)
    max_body_mib: int = setting(64, "The largest answer that is read.", COUNT, "MiB", ge=1)
    attempts: int = setting(3, "How often a request is sent before a source counts as unavailable.", COUNT, ge=1)
    parallel: int = setting(2, "How many requests one source gets at a time.", COUNT, ge=1)
    per_second: float = setting(
        10.0, "How many requests one source gets a second, as an average.", "a number above 0", gt=0
    )
    circuit_failures: int = setting(
        5, "After how many unavailable answers in a row a source is left alone for a while.", COUNT, ge=1
    )
    circuit_seconds: float = setting(
        30.0, "How long it is left alone before one request tries it again.", "a number above 0", "seconds", gt=0
    )
    kept_mib: int = setting(
        32,
        "Answers with a validator that each process keeps, compressed, to ask for only when they have changed.",
        "a whole number, 0 or more",
        "MiB",
        ge=0,
    )
    resume_mib: int = setting(
        64,
        "Pages of refreshes that were cut off that each process keeps, compressed, so that the next one asks only for the rest.",
        "a whole number, 0 or more",
        "MiB",
        ge=0,
    )
    resume_minutes: float = setting(10.0, "How old such a page may be.", "a number, 0 or more", "minutes", ge=0)


class RefreshSettings(_Group):
    """When a new version of a data set is made, and when it is not believed."""

    max_loss: float = setting(
        0.5,
        "The share of records a new version may have lost and not be held in quarantine.",
        "a number from 0 to 1",
        ge=0,
        le=1,
    )
    max_rejected: float = setting(
        0.1,
        "By how much the share of rows that cannot be read, or whose key is not theirs alone, may grow before a version is held.",
        "a number from 0 to 1",
        ge=0,
        le=1,
    )
    agreements: int = setting(
        3,
        "How often in a row a source must give the same before what is held is believed; 0 leaves that to `broker accept`.",
        "a whole number, 0 or more",
        "refreshes",
        ge=0,
    )
    schedule: bool = setting(True, "Whether the server refreshes the data sets by itself.", YES_OR_NO)  # noqa: FBT003


class HistorySettings(_Group):
    """How much of the past is kept."""

    days: int = setting(
        365,
        "How long a version is kept after another has taken its place, for `asOf` and `changes`.",
        COUNT,
        "days",
        ge=1,
    )


class LiveSettings(_Group):
    """How data sets that are fetched when asked are served."""

    stale_minutes: float = setting(
        15.0,
        "How old the last answer of a live source may be and still be shown when the source fails.",
        "a number, 0 or more",
        "minutes",
        ge=0,
    )


class Pages(_Group):
    """How many records a page of the graph has."""

    default_size: int = setting(20, "Records on a page when the query does not say.", COUNT, "records", ge=1)
    max_size: int = setting(1000, "Records on the largest page.", COUNT, "records", ge=1)


class Limits(_Group):
    """What one request may be, and how many at once; over it the request is refused before it is executed."""

    body_bytes: int = setting(1 << 20, "The largest request body.", COUNT, "bytes", ge=1)
    tokens: int = setting(10_000, "The most tokens of a document.", COUNT, "tokens", ge=1)
    depth: int = setting(
        15,
        "The deepest nesting of fields; introspection counts too.",
        "a whole number from 1 to 50",
        "levels",
        ge=1,
        le=50,
    )
    aliases: int = setting(100, "The most aliases of an operation, its fragments spread out.", COUNT, "aliases", ge=1)
    fields: int = setting(1000, "The most fields of an operation, its fragments spread out.", COUNT, "fields", ge=1)
    fragments: int = setting(100, "The most fragments of a document.", COUNT, "fragments", ge=1)
    root_fields: int = setting(30, "The most fields at the root of an operation.", COUNT, "fields", ge=1)
    records: int = setting(
        2_000_000, "The most records that an operation may give, pages within pages multiplied.", COUNT, "records", ge=1
    )
    lookups: int = setting(
        30,
        "About how many records of one request a source may be asked one by one, as for a stop's departures.",
        COUNT,
        "records",
        ge=1,
    )
    seconds: float = setting(
        30.0, "How long a request may take; then the work for it is stopped.", "a number above 0", "seconds", gt=0
    )
    answer_mib: int = setting(64, "The most that one answer may read from the store.", COUNT, "MiB", ge=1)
    in_flight: int = setting(
        64,
        "How many requests each process executes at once; one more is told to come again, while kept answers are still given.",
        COUNT,
        "requests",
        ge=1,
    )
