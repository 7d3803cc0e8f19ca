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

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from broker.errors import SettingError
from broker.settings_groups import (
    COUNT,
    DATABASE,
    LAYER_IDS,
    ORIGINS,
    YES_OR_NO,
    HistorySettings,
    LayerSettings,
    Limits,
    LiveSettings,
    Pages,
    RefreshSettings,
    SourceSettings,
    UpstreamSettings,
    database,
    layer_id,
    origin,
    setting,
)

__all__ = [
    "HistorySettings",
    "LayerSettings",
    "Limits",
    "LiveSettings",
    "Pages",
    "RefreshSettings",
    "Setting",
    "Settings",
    "SourceSettings",
    "UpstreamSettings",
    "every_setting",
    "settings_file",
]

PREFIX, NESTED, CONFIG, FILE = "BROKER_", "__", "BROKER_CONFIG", "broker.toml"
KEY = "[key]"  # how pydantic marks the key of a dict


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


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

    sample: bool = setting(True, "Sample data, made inside the process, in place of the real sources.", YES_OR_NO)  # noqa: FBT003
    store: Annotated[str, AfterValidator(database)] = setting(
        _default_store, "The database; the default depends on `sample` and lies in the user's data directory.", DATABASE
    )
    host: str = setting("127.0.0.1", "The address the server listens on.", "a host name or IP address", min_length=1)
    port: int = setting(
        8000, "The port the server listens on; 0 takes a free one.", "a whole number from 0 to 65535", ge=0, le=65535
    )
    kept_mib: int = setting(
        64,
        "Answers that each process keeps, to give them again while they are exact; 0 keeps none.",
        "a whole number, 0 or more",
        "MiB",
        ge=0,
    )
    workers: int = setting(1, "How many processes answer.", COUNT, "processes", ge=1)
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = setting(
        "info", "The least grave log lines that are written.", "debug, info, warning or error"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = setting(
        "console", "Log lines for people, or one JSON object a line.", "console or json"
    )
    graphiql: bool = setting(True, "Whether /graphiql is served.", YES_OR_NO)  # noqa: FBT003
    introspection: bool = setting(True, "Whether the graph tells its own schema.", YES_OR_NO)  # noqa: FBT003
    metrics: bool = setting(True, "Whether /metrics is served, for Prometheus.", YES_OR_NO)  # noqa: FBT003
    cors_origins: tuple[Annotated[str, AfterValidator(origin)], ...] = setting(
        (), "Whose pages may ask /graphql from a browser (CORS); pages of the same origin always may.", ORIGINS
    )
    sources: dict[str, SourceSettings] = Field(default_factory=dict, description="Per source, by its id.")
    layers: dict[Annotated[str, AfterValidator(layer_id)], LayerSettings] = Field(
        default_factory=dict, description="Layers added without code, by an id of your own."
    )
    upstream: UpstreamSettings = Field(default_factory=UpstreamSettings, description="How the sources are asked.")
    refresh: RefreshSettings = Field(default_factory=RefreshSettings, description="When a new version is made.")
    history: HistorySettings = Field(default_factory=HistorySettings, description="How much of the past is kept.")
    live: LiveSettings = Field(default_factory=LiveSettings, description="How live data sets are served.")
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
            raise SettingError(
                f"{variable}: it is not JSON; write a group or a list as JSON, or a variable a setting"
            ) from error
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


def settings_file() -> Path | None:
    """The file that settings are read from; None when there is none. Raises `SettingError` when one was named that is not there."""
    file = _file()
    return file.resolve() if file.is_file() else None


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
    if isinstance(default, tuple):
        return ", ".join(default) or "nothing"
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
    path = tuple(one for one in error["loc"] if isinstance(one, str) and one != KEY)  # no positions in a list
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
