"""Every setting: its name, default, unit and one sentence; frozen, and the only reader of the environment.

A value comes from the first of these that has it: an argument, the environment (``BROKER_UPSTREAM__ATTEMPTS``), the file
``broker.toml`` in the working directory or at ``BROKER_CONFIG``, the default. Raises `SettingError`, a line a setting.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from broker.errors import SettingError

__all__ = [
    "LayerSettings",
    "Limits",
    "Pages",
    "RefreshSettings",
    "Setting",
    "Settings",
    "SourceSettings",
    "UpstreamSettings",
    "every_setting",
]

PREFIX, NESTED, CONFIG, FILE = "BROKER_", "__", "BROKER_CONFIG", "broker.toml"
LAYER_ID = r"[a-z][a-z0-9_]{0,39}"
LAYER_IDS = "at most 40 small letters, digits and underscores, the first one a letter"
KEY = "[key]"  # how pydantic marks the key of a dict
YES_OR_NO = "true or false"
COUNT = "a whole number, 1 or more"
ADDRESS = "an address that begins with http:// or https://"
STORES = {"sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"}  # what `broker.store` opens, which is above
DATABASE = (
    "a SQLAlchemy URL of SQLite or PostgreSQL, e.g. sqlite:////var/lib/broker/broker.sqlite "
    "or postgresql+psycopg://user:password@host/broker"
)


def _setting(default: Any, description: str, accepts: str, unit: str = "", **bounds: Any) -> Any:  # noqa: ANN401 - stands where the value will be
    about: dict[str, Any] = {"accepts": accepts, "unit": unit}
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**given, description=description, json_schema_extra=about, **bounds)


def _http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(ADDRESS)
    return value


def _database(value: str) -> str:
    try:
        kind = make_url(value).drivername
    except ArgumentError as error:
        raise ValueError(DATABASE) from error
    if kind not in STORES:
        raise ValueError(DATABASE)
    return value


def _layer_id(value: str) -> str:
    if not re.fullmatch(LAYER_ID, value):
        raise ValueError(LAYER_IDS)
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSettings(_Group):
    """Where one source is asked."""

    base_url: Annotated[str, AfterValidator(_http)] = _setting(
        PydanticUndefined, "Where this source is asked, in place of its public address.", ADDRESS
    )


class LayerSettings(_Group):
    """A layer of a map server, added without code."""

    url: Annotated[str, AfterValidator(_http)] = _setting(
        PydanticUndefined,
        "Where the service answers: of a WFS its address, of OGC API Features its landing page.",
        ADDRESS,
    )
    kind: Literal["wfs", "ogcapi"] = _setting("wfs", "Which standard it speaks.", "wfs or ogcapi")
    type_name: str = _setting(
        PydanticUndefined,
        "The feature type of a WFS, or the collection's id.",
        "a text that is not empty",
        min_length=1,
    )
    title: str = _setting(PydanticUndefined, "What people call it.", "a text that is not empty", min_length=1)
    licence: str = _setting(
        PydanticUndefined,
        "The terms of use: an SPDX id such as CC0-1.0, or a text.",
        "a text that is not empty",
        min_length=1,
    )
    licence_url: str = _setting("", "The full text of the terms.", "an address, or nothing")
    version: Literal["1.1.0", "2.0.0"] = _setting("2.0.0", "The version of WFS.", "1.1.0 or 2.0.0")
    crs: str = _setting(
        "EPSG:4326",
        "The coordinate system to ask a WFS for.",
        "an EPSG code such as EPSG:2177",
        pattern=r"^EPSG:\d{4,6}$",
    )
    refresh_hours: float = _setting(24.0, "How often it is read.", "a number above 0", "hours", gt=0)


class UpstreamSettings(_Group):
    """How the sources are asked."""

    timeout_seconds: float = _setting(60.0, "How long one answer may take.", "a number above 0", "seconds", gt=0)
    max_body_mib: int = _setting(64, "The largest answer that is read.", COUNT, "MiB", ge=1)
    attempts: int = _setting(3, "How often a request is sent before a source counts as unavailable.", COUNT, ge=1)
    parallel: int = _setting(2, "How many requests one source gets at a time.", COUNT, ge=1)


class RefreshSettings(_Group):
    """When a new version of a data set is made, and when it is not believed."""

    max_loss: float = _setting(
        0.5,
        "The share of records a new version may have lost and still be published.",
        "a number from 0 to 1",
        ge=0,
        le=1,
    )
    schedule: bool = _setting(True, "Whether the server refreshes the data sets by itself.", YES_OR_NO)  # noqa: FBT003


class Pages(_Group):
    """How many records a page of the graph has."""

    default_size: int = _setting(20, "Records on a page when the query does not say.", COUNT, "records", ge=1)
    max_size: int = _setting(1000, "Records on the largest page.", COUNT, "records", ge=1)


class Limits(_Group):
    """What one request may be; over it the request is refused before it is executed."""

    body_bytes: int = _setting(1 << 20, "The largest request body.", COUNT, "bytes", ge=1)
    tokens: int = _setting(10_000, "The most tokens of a document.", COUNT, "tokens", ge=1)
    depth: int = _setting(
        15,
        "The deepest nesting of fields; introspection counts too.",
        "a whole number from 1 to 50",
        "levels",
        ge=1,
        le=50,
    )
    aliases: int = _setting(100, "The most aliases of an operation, its fragments spread out.", COUNT, "aliases", ge=1)
    fields: int = _setting(1000, "The most fields of an operation, its fragments spread out.", COUNT, "fields", ge=1)
    fragments: int = _setting(100, "The most fragments of a document.", COUNT, "fragments", ge=1)
    root_fields: int = _setting(30, "The most fields at the root of an operation.", COUNT, "fields", ge=1)
    records: int = _setting(
        2_000_000, "The most records that an operation may give, pages within pages multiplied.", COUNT, "records", ge=1
    )
    answer_mib: int = _setting(64, "The most that one answer may read from the store.", COUNT, "MiB", ge=1)


def _default_store(values: Mapping[str, Any]) -> str:
    """The file under the user's data directory (XDG Base Directory Specification), sample data apart from real."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    name = "sample.sqlite" if values.get("sample", True) else "broker.sqlite"
    return f"sqlite:///{Path(home) / 'poznan-broker' / name}"


class Settings(BaseSettings):
    """All settings of one broker."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, frozen=True, extra="forbid", env_ignore_empty=True
    )

    sample: bool = _setting(True, "Sample data, made inside the process, in place of the real sources.", YES_OR_NO)  # noqa: FBT003
    store: Annotated[str, AfterValidator(_database)] = _setting(
        _default_store, "The database; the default depends on `sample` and lies in the user's data directory.", DATABASE
    )
    host: str = _setting("127.0.0.1", "The address the server listens on.", "a host name or IP address", min_length=1)
    port: int = _setting(
        8000, "The port the server listens on; 0 takes a free one.", "a whole number from 0 to 65535", ge=0, le=65535
    )
    kept_mib: int = _setting(
        64,
        "Answers that each process keeps, to give them again while they are exact; 0 keeps none.",
        "a whole number, 0 or more",
        "MiB",
        ge=0,
    )
    workers: int = _setting(1, "How many processes answer.", COUNT, "processes", ge=1)
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _setting(
        "info", "The least grave log lines that are written.", "debug, info, warning or error"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = _setting(
        "console", "Log lines for people, or one JSON object a line.", "console or json"
    )
    graphiql: bool = _setting(True, "Whether /graphiql is served.", YES_OR_NO)  # noqa: FBT003
    introspection: bool = _setting(True, "Whether the graph tells its own schema.", YES_OR_NO)  # noqa: FBT003
    sources: dict[str, SourceSettings] = Field(default_factory=dict, description="Per source, by its id.")
    layers: dict[Annotated[str, AfterValidator(_layer_id)], LayerSettings] = Field(
        default_factory=dict, description="Layers added without code, by an id of your own."
    )
    upstream: UpstreamSettings = Field(default_factory=UpstreamSettings, description="How the sources are asked.")
    refresh: RefreshSettings = Field(default_factory=RefreshSettings, description="When a new version is made.")
    pages: Pages = Field(default_factory=Pages, description="How many records a page has.")
    limits: Limits = Field(default_factory=Limits, description="What one request may be.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=_file())

    @classmethod
    def load(cls, **overrides: Any) -> "Settings":  # noqa: ANN401 - the settings' values
        """Read every setting; an override of None counts as not given. Raises `SettingError`."""
        unknown = list(_unknown(os.environ))
        if unknown:
            raise SettingError("\n".join(unknown))
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except ValidationError as error:
            raise SettingError("\n".join(map(_line, _worth_a_line(error.errors())))) from error
        except SettingsError as error:
            named = re.search(r'field "(\w+)"', str(error))
            variable = _variable((named[1],)) if named else f"{PREFIX}…"
            raise SettingError(f"{variable}: it is not JSON; write a group as JSON, or a variable a setting") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise SettingError(f"{_file()}: it cannot be read as TOML ({error})") from error

    def hand_down(self) -> None:
        """Write these settings into the environment, where the worker processes read them."""
        for name, value in self.model_dump(mode="json").items():
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            os.environ[f"{PREFIX}{name.upper()}"] = text


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the documentation shows it; ``name`` is its path in the file."""

    name: str
    variable: str
    default: str
    unit: str
    accepts: str
    description: str


def every_setting() -> tuple[Setting, ...]:
    """Every setting there is, in the order of declaration; ``<source>`` stands for a source's id."""
    config = Setting("", CONFIG, FILE, "", "the path of a file", "Which file the settings are read from.")
    return (config, *_settings(Settings, ()))


def _settings(group: type[BaseModel], path: tuple[str, ...]) -> Iterator[Setting]:
    for name, field in group.model_fields.items():
        inner = _inner(field.annotation)
        here = (*path, name)
        if inner is not None:
            yield from _settings(inner, (*here, f"<{name[:-1]}>") if get_origin(field.annotation) is dict else here)
            continue
        about = field.json_schema_extra
        extra: Mapping[str, Any] = about if isinstance(about, dict) else {}
        yield Setting(
            ".".join(here),
            _variable(here),
            _shown_default(here, field.default, field.default_factory),
            extra["unit"],
            extra["accepts"],
            field.description or "",
        )


def _shown_default(path: Sequence[str], default: object, factory: Callable[..., Any] | None) -> str:
    if factory is not None:
        return "sqlite:///<data directory>/poznan-broker/sample.sqlite, or broker.sqlite"
    if default is PydanticUndefined:
        return "the public address" if path[0] == "sources" else "none, it must be given"
    return str(default).lower() if isinstance(default, bool) else str(default) or "nothing"


def _inner(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type expression
    """The group a field's type holds, directly or as the values of a dict."""
    held = get_args(annotation)[1] if get_origin(annotation) is dict else annotation
    return held if isinstance(held, type) and issubclass(held, BaseModel) else None


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + NESTED.join(one if one.startswith("<") else one.upper() for one in path)


def _file() -> Path:
    """The file of settings. Raises `SettingError` when one was named that is not there."""
    named = os.environ.get(CONFIG)
    if named and not Path(named).is_file():
        raise SettingError(f"{CONFIG}: there is no file {named!r}; it takes the path of a file like {FILE}")
    return Path(named or FILE)


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    """The variables that look like settings at the root and are none; deeper ones are found when values are read."""
    for variable in environment:
        head = variable.upper().removeprefix(PREFIX).split(NESTED)[0].lower()
        if variable.upper().startswith(PREFIX) and variable.upper() != CONFIG and head not in Settings.model_fields:
            yield f"{variable}: there is no such setting; there are {_names(Settings)}"


def _names(group: type[BaseModel]) -> str:
    return ", ".join(group.model_fields)


def _worth_a_line(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """The errors without those that only follow from others: a default that depends on a wrong setting, a group of a wrong id."""
    misnamed = {error["loc"][:-1] for error in errors if error["loc"][-1:] == (KEY,)}
    return [
        one
        for one in errors
        if one["type"] != "default_factory_not_called" and (one["loc"][-1:] == (KEY,) or one["loc"][:2] not in misnamed)
    ]


def _line(error: ErrorDetails) -> str:
    """One line for one wrong setting: both of its names, the value, what is accepted."""
    path = tuple(str(one) for one in error["loc"] if one != KEY)
    where = f"{_variable(path)} ({'.'.join(path)} in {FILE})"
    if error["loc"][-1:] == (KEY,):
        return f"{where}: {path[-1]!r} is not accepted as an id; it takes {LAYER_IDS}"
    group, accepts = _described(path)
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such setting; there are {_names(group)}"
    if error["type"] == "missing":
        return f"{where}: it is missing; it takes {accepts}"
    return f"{where}: {_masked(error['input'])} is not accepted; it takes {accepts}"


def _described(path: tuple[str, ...]) -> tuple[type[BaseModel], str]:
    """The deepest group on a path, and what the setting at its end accepts."""
    group: type[BaseModel] = Settings
    accepts = ""
    for name in path:
        field = group.model_fields.get(name)
        if field is None:  # a source's id, or no setting at all
            continue
        extra = field.json_schema_extra
        group = _inner(field.annotation) or group
        accepts = str(extra["accepts"]) if isinstance(extra, dict) else f"a group of {_names(group)}"
    return group, accepts


def _masked(value: object) -> str:
    """The value as text, without the password of a database's address."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:…@", repr(value))
