"""The image and the compose file keep their promises; what the image is made of installs and runs."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

INSTRUCTION = re.compile(r"^([A-Z]+) (.*)$", re.DOTALL)


@pytest.fixture(scope="module")
def stages(root: Path) -> list[list[tuple[str, str]]]:
    """The Dockerfile's instructions, stage by stage; continued lines are joined, comments are left out."""
    text = (root / "docker/Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ").splitlines()
    found: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, lines)):
        match = INSTRUCTION.match(line)
        assert match, f"not an instruction: {line}"
        if match[1] == "FROM":
            found.append([])
        found[-1].append((match[1], match[2]))
    return found


def said(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [text for instruction, text in stage if instruction == name]


def test_images_are_pinned(stages: list[list[tuple[str, str]]]) -> None:
    images = [said(stage, "FROM")[0].split(" ")[0] for stage in stages]
    assert len(images) == 2
    assert [
        one for one in images if not re.fullmatch(r"[a-z./-]+:\d+\.\d+\.\d+-[\w-]+(@sha256:[0-9a-f]{64})?", one)
    ] == []
    assert len(set(images)) == 1, "the environment must run under the Python it was built with"


def test_the_last_stage_runs_as_nobody_in_particular(stages: list[list[tuple[str, str]]]) -> None:
    last = stages[-1]
    (user,) = said(last, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    names = [name for name, _ in last]
    assert "RUN" not in names[names.index("USER") :]
    assert len(said(last, "HEALTHCHECK")) == 1
    assert "/health/ready" in said(last, "HEALTHCHECK")[0]
    assert "PYTHONSAFEPATH=1" in " ".join(said(last, "ENV")).split()
    assert said(last, "ENTRYPOINT") == ['["broker"]']


def test_the_last_stage_only_copies_what_was_built(stages: list[list[tuple[str, str]]]) -> None:
    assert [text.split(" ")[0] for text in said(stages[-1], "COPY")] == ["--from=build"]
    assert "pip install" not in " ".join(said(stages[-1], "RUN"))
    assert len(re.findall(r"pip install --require-hashes", " ".join(said(stages[0], "RUN")))) == 2


def test_what_is_copied_reaches_the_build(root: Path, stages: list[list[tuple[str, str]]]) -> None:
    ignore = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*", "leave everything out, then let in what the image is built from"
    let_in = {line[1:] for line in rules if line.startswith("!")}
    copied = {name for text in said(stages[0], "COPY") for name in text.split(" ")[:-1]}
    assert [name for name in copied if not (root / name).exists()] == []
    assert copied == {"docker/build.lock", "docker/requirements.lock", *(let_in - {"docker/*.lock"})}


def test_the_service_is_shut_in(root: Path) -> None:
    text = (root / "docker/compose.yaml").read_text(encoding="utf-8")
    blocks = re.findall(r"^    (\w+):(?: (\S.*))?\n((?:      .*\n)*)", text, re.MULTILINE)
    service = {
        name: value or [line.strip().removeprefix("- ") for line in body.splitlines()] for name, value, body in blocks
    }
    assert service["read_only"] == "true"
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/" + "tmp"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["data:/data"]
    assert re.search(r"^volumes:\n  data:$", text, re.MULTILINE)
    assert [port for port in service["ports"] if not port.strip('"').startswith("127.0.0.1:")] == []


def test_the_health_check_asks_the_broker(stages: list[list[tuple[str, str]]]) -> None:
    (text,) = said(stages[-1], "HEALTHCHECK")
    script = text[text.index('"-c", "') + 7 : text.rindex('"]')].replace('\\"', '"')
    answer = subprocess.run(
        ["env", "BROKER_PORT=9", sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "Connection refused" in answer.stderr


def test_the_wheel_runs_on_the_image_s_requirements(root: Path, tmp_path: Path) -> None:
    """The image's steps as far as they go without an engine: the wheel beside only what its lock names."""
    out, home = tmp_path / "wheels", tmp_path / "broker"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(out), str(root)], check=True)
    venv.create(home, symlinks=True)
    locked = set(re.findall(r"^([a-z0-9-]+)==", (root / "docker/requirements.lock").read_text("utf-8"), re.MULTILINE))
    site = next(home.glob("lib/python3*/site-packages"))
    link_installed(site, locked)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(site)]
    subprocess.run([*install, *map(str, out.glob("*.whl"))], check=True)
    script = "import broker.app, broker.cli, sys; print(broker.cli.__file__); print('pytest' in sys.modules)"
    answer = subprocess.run(
        ["env", "PYTHONSAFEPATH=1", str(home / "bin/python"), "-c", script], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [str(site / "broker/cli.py"), "False"]


def link_installed(site: Path, names: set[str]) -> None:
    """Put these distributions, as installed here, into another environment."""
    from importlib.metadata import distributions  # noqa: PLC0415 - only here

    for distribution in distributions():
        if distribution.name.lower().replace("_", "-").replace(".", "-") not in names:
            continue
        for top in {Path(str(file)).parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            target = site / top
            if not target.exists():
                target.symlink_to(Path(str(distribution.locate_file(top))))
