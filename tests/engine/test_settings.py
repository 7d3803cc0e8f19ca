from pathlib import Path

import pytest

from broker.errors import SettingError
from broker.settings import Settings, every_setting


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for one in every_setting():
        monkeypatch.delenv(one.variable, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def test_the_defaults(bare: Path) -> None:
    settings = Settings.load()
    assert settings.sample is True
    assert settings.store == f"sqlite:///{bare}/data/poznan-broker/sample.sqlite"
    assert Settings.load(sample=False).store.endswith("/broker.sqlite")
    assert (settings.limits.body_bytes, settings.limits.tokens, settings.limits.depth) == (1048576, 10_000, 15)
    assert (settings.upstream.timeout_seconds, settings.upstream.parallel) == (60.0, 2)
    assert settings.pages.max_size == 1000


def test_argument_before_environment_before_file(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "broker.toml").write_text("port = 1\nworkers = 2\n[upstream]\nattempts = 5\nparallel = 7\n")
    monkeypatch.setenv("BROKER_PORT", "3")
    monkeypatch.setenv("BROKER_UPSTREAM__ATTEMPTS", "9")
    settings = Settings.load(host="::1", workers=None)
    assert (settings.host, settings.port, settings.workers) == ("::1", 3, 2)
    assert (settings.upstream.attempts, settings.upstream.parallel) == (9, 7)


def test_a_source_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_SOURCES__LEGAL_AID__BASE_URL", "http://127.0.0.1:9/aid")
    assert Settings.load().sources["legal_aid"].base_url == "http://127.0.0.1:9/aid"


def test_another_file(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "mine.toml").write_text('log_format = "JSON"\n')
    monkeypatch.setenv("BROKER_CONFIG", str(bare / "mine.toml"))
    assert Settings.load().log_format == "json"
    monkeypatch.setenv("BROKER_CONFIG", "gone.toml")
    with pytest.raises(SettingError, match=r"^BROKER_CONFIG: there is no file 'gone.toml'"):
        Settings.load()


WRONG = [
    (
        "BROKER_PORT",
        "x",
        "BROKER_PORT (port in broker.toml): 'x' is not accepted; it takes a whole number from 0 to 65535",
    ),
    (
        "BROKER_SOURCES__MIM__BASE_URL",
        "ftp://x",
        (
            "BROKER_SOURCES__MIM__BASE_URL (sources.mim.base_url in broker.toml): 'ftp://x' is not accepted; "
            "it takes an address that begins with http:// or https://"
        ),
    ),
    (
        "BROKER_UPSTREAM__ATTEMPS",
        "1",
        (
            "BROKER_UPSTREAM__ATTEMPS (upstream.attemps in broker.toml): there is no such setting; "
            "there are connect_seconds, read_seconds, timeout_seconds, max_body_mib, attempts, parallel, per_second, "
            "circuit_failures, circuit_seconds, kept_mib, resume_mib, resume_minutes"
        ),
    ),
    (
        "BROKER_CORS_ORIGINS",
        '["*", "https://www.example/page"]',
        (
            "BROKER_CORS_ORIGINS (cors_origins in broker.toml): 'https://www.example/page' is not accepted; "
            'it takes a list of origins such as ["https://www.example"], without a path, in small letters; ["*"] stands for all'
        ),
    ),
    (
        "BROKER_UPSTREAM",
        "x",
        "BROKER_UPSTREAM: it is not JSON; write a group or a list as JSON, or a variable a setting",
    ),
    (
        "BROKER_STORE",
        "bad://u:secret@h:port/x",
        (
            "BROKER_STORE (store in broker.toml): 'bad://u:…@h:port/x' is not accepted; "
            "it takes a SQLAlchemy URL of SQLite or PostgreSQL, e.g. sqlite:////var/lib/broker/broker.sqlite "
            "or postgresql+psycopg://user:password@host/broker"
        ),
    ),
    (
        "BROKER_STORE",
        "mysql://u:secret@x/y",
        (
            "BROKER_STORE (store in broker.toml): 'mysql://u:…@x/y' is not accepted; "
            "it takes a SQLAlchemy URL of SQLite or PostgreSQL, e.g. sqlite:////var/lib/broker/broker.sqlite "
            "or postgresql+psycopg://user:password@host/broker"
        ),
    ),
    (
        "BROKER_STORE",
        "postgresql+psycopg2://x/y",
        (
            "BROKER_STORE (store in broker.toml): 'postgresql+psycopg2://x/y' is not accepted; "
            "it takes a SQLAlchemy URL of SQLite or PostgreSQL, e.g. sqlite:////var/lib/broker/broker.sqlite "
            "or postgresql+psycopg://user:password@host/broker"
        ),
    ),
    (
        "BROKER_LAYERS__a.b__URL",
        "http://x",
        (
            "BROKER_LAYERS__A.B (layers.a.b in broker.toml): 'a.b' is not accepted as an id; "
            "it takes at most 40 small letters, digits and underscores, the first one a letter"
        ),
    ),
]


@pytest.mark.parametrize(("variable", "value", "line"), WRONG, ids=[f"{one[0]}={one[1]}" for one in WRONG])
def test_a_wrong_value_is_one_line(variable: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError) as caught:
        Settings.load()
    assert str(caught.value) == line


def test_two_wrong_values_are_two_lines() -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load(port=-1, upstream={"attempts": 0})
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "BROKER_PORT",
        "BROKER_UPSTREAM__ATTEMPTS",
    ]


@pytest.mark.parametrize(
    "url", ["sqlite:////x.sqlite", "sqlite+pysqlite:////x", "postgresql://h/x", "postgresql+psycopg://u:p@h/x"]
)
def test_a_store_of_either_kind_is_accepted(url: str) -> None:
    assert Settings.load(store=url).store == url


def test_an_unknown_name(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "broker.toml").write_text("portt = 1\n")
    with pytest.raises(SettingError, match=r"^BROKER_PORTT \(portt in broker.toml\): there is no such setting"):
        Settings.load()
    monkeypatch.setenv("BROKER_STOER", "x")
    with pytest.raises(SettingError, match=r"^BROKER_STOER: there is no such setting; there are sample, store,"):
        Settings.load()


def test_a_file_that_is_not_toml(bare: Path) -> None:
    (bare / "broker.toml").write_text("port: 1\n")
    with pytest.raises(SettingError, match=r"^broker.toml: it cannot be read as TOML"):
        Settings.load()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().port = 1


def test_handed_down_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(
        port=81, sources={"mim": {"base_url": "http://x"}}, limits={"depth": 3}, cors_origins=["*"]
    )
    for name in Settings.model_fields:  # what hand_down writes is taken back with the test
        monkeypatch.setenv(f"BROKER_{name.upper()}", "")
    settings.hand_down()
    assert Settings.load() == settings


def test_every_setting_is_described() -> None:
    settings = {one.variable: one for one in every_setting()}
    assert settings["BROKER_SOURCES__<source>__BASE_URL"].default == "the public address"
    assert settings["BROKER_LAYERS__<layer>__TITLE"].default == "none, it must be given"
    assert settings["BROKER_LIMITS__BODY_BYTES"].unit == "bytes"
    assert all(one.description.endswith(".") and one.accepts and one.default for one in settings.values())
    assert len(settings) == 55
