"""The command line as a person uses it: what it prints and its exit code, each command as `main` runs it."""

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
import structlog

from broker.cli import main
from broker.settings import every_setting


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Broker = Callable[..., Done]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a store of its own."""
    return tmp_path_factory.mktemp("cli")


@pytest.fixture
def broker(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Broker:
    for one in every_setting():
        monkeypatch.delenv(one.variable, raising=False)
    monkeypatch.setenv("BROKER_STORE", f"sqlite:///{folder}/store.sqlite")
    monkeypatch.chdir(folder)

    def run(*words: str, told: str = "", **environment: str) -> Done:
        with monkeypatch.context() as during:
            during.setattr(sys, "argv", ["broker", *words])
            during.setattr(sys, "stdin", io.StringIO(told))
            for name, value in environment.items():
                during.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        structlog.reset_defaults()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def test_refresh_two_and_then_again(broker: Broker) -> None:
    done = broker("refresh", "mim.districts", "kontakt.contact_topics")
    assert done.returncode == 0, done.stderr
    rows = [line.replace("│", " ").split() for line in done.stdout.splitlines() if "." in line]
    assert [row[:3] for row in rows] == [
        ["kontakt.contact_topics", "published", "28"],
        ["mim.districts", "published", "42"],
    ]
    again = broker("refresh", "mim.districts")
    assert "unchanged" in again.stdout


def test_datasets_as_json(broker: Broker) -> None:
    done = broker("datasets", "--json")
    listed = {one["id"]: one for one in orjson.loads(done.stdout)}
    assert (listed["mim.districts"]["records"], listed["mim.districts"]["lastOutcome"]) == (42, "unchanged")
    assert (listed["mim.places"]["records"], listed["mim.places"]["fetchedAt"]) == (0, None)
    assert "mim.districts" in broker("datasets").stdout


def test_a_query_from_standard_input_with_variables(broker: Broker) -> None:
    text = "query Some($n: Int!) { districts(first: $n, orderBy: [{name: ASC}]) { totalCount nodes { name } } }"
    done = broker("query", "-", "--variables", '{"n": 1}', told=text)
    expected = {"totalCount": 42, "nodes": [{"name": "Antoninek-Zieliniec-Kobylepole"}]}
    assert orjson.loads(done.stdout) == {"data": {"districts": expected}}
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_query_prints_its_errors_and_fails(broker: Broker, folder: Path) -> None:
    (folder / "wrong.graphql").write_text("{ distrits { totalCount } }")
    done = broker("query", "wrong.graphql")
    assert done.returncode == 1
    assert "Did you mean 'districts'" in orjson.loads(done.stdout)["errors"][0]["message"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("refresh", "mim.plaices"), 1, "error no data set 'mim.plaices'; did you mean mim.places"),
        (
            ("refresh", "--loop", "mim.stops"),
            2,
            "error --loop: it refreshes what is due, and takes no data sets",
        ),
        (("query", "gone.graphql"), 2, "error gone.graphql: it cannot be read"),
        (("query", "-", "--variables", "{"), 2, "error --variables: it is not JSON"),
        (("query", "-", "--variables", "[]"), 2, "error --variables: it must be a JSON object"),
        (("schema", "--check"), 1, "error schema.graphql is not what the code says; run `broker schema --write`"),
        (("serve", "--port", "99999"), 2, "error BROKER_PORT (port in broker.toml): 99999 is not accepted; it takes"),
    ],
)
def test_what_goes_wrong_is_one_line(broker: Broker, words: tuple[str, ...], code: int, says: str) -> None:
    done = broker(*words)
    assert done.returncode == code
    assert done.stderr.startswith(says)
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_source_stops_the_start(broker: Broker) -> None:
    done = broker("datasets", BROKER_SOURCES__MMI__BASE_URL="http://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.startswith("error sources.mmi: there is no such source; there are bip, ")


def test_a_refresh_that_fails_says_why_and_the_exit_code_tells(broker: Broker) -> None:
    sources = {"BROKER_SAMPLE": "false", "BROKER_SOURCES__MIM__BASE_URL": "http://127.0.0.1:9"}
    done = broker("refresh", "mim.districts", BROKER_UPSTREAM__ATTEMPTS="1", **sources)
    assert done.returncode == 1
    assert "failed" in done.stdout
    assert "mim.districts: GET http://127.0.0.1:9" in done.stderr
    assert orjson.loads(broker("query", "-", told="{ districts { totalCount } }", **sources).stdout)["data"] == {
        "districts": {"totalCount": 42}
    }


def test_doctor_prints_a_line_a_finding_and_the_exit_code_tells(broker: Broker, tmp_path: Path) -> None:
    store = {"BROKER_STORE": f"sqlite:///{tmp_path}/store.sqlite"}
    broker("refresh", "mim.districts", **store)
    done = broker("doctor", **store)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0] == "✓ settings: no file; the environment alone"
    assert "✗ mim.places: it has never been read; run broker refresh mim.places" in lines
    told = orjson.loads(broker("doctor", "--json", **store).stdout)
    assert [f"{one['about']}: {one['found']}" for one in told if one["wrong"]] == [
        line[2:].partition(";")[0] for line in lines if line.startswith("✗")
    ]


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_the_loop_refreshes_what_is_due_and_ends_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended_by: signal.Signals
) -> None:
    monkeypatch.setenv("BROKER_STORE", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("BROKER_LOG_FORMAT", "json")
    words = [sys.executable, "-m", "broker", "refresh", "--loop"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as loop:
        assert loop.stderr is not None
        events = []
        for line in loop.stderr:
            events.append(orjson.loads(line)["event"])
            if events == ["broker.started", "refresh.finished"]:
                loop.send_signal(ended_by)
    assert (loop.returncode, events[-1]) == (0, "broker.stopped")


def test_the_schema_is_written_and_then_fresh(broker: Broker, folder: Path) -> None:
    assert broker("schema", "--write", "--file", "here.graphql").returncode == 0
    assert broker("schema", "--check", "--file", "here.graphql").returncode == 0
    assert broker("schema").stdout == (folder / "here.graphql").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["serve", "refresh", "datasets", "query", "schema", "doctor"])
def test_every_command_is_explained_with_an_example(broker: Broker, command: str) -> None:
    assert "Example: " in broker(command, "--help").stdout
