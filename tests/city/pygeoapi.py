"""pygeoapi, the reference server of OGC API Features, for the time of a test run: collections from GeoJSON files.

It is installed once into a virtual environment of its own, from a lock file with hashes: what it needs is not the broker's business.
"""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import shapely

from bench.process import ROOT, free_port

__all__ = ["running"]

LOCK = Path(__file__).with_name("pygeoapi.lock")


def _programs() -> Path:
    """The programs of the environment for this lock; made when it is not there. Raises when it cannot be made."""
    home = ROOT / ".cache" / f"pygeoapi-{sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not (home / "made").exists():
        venv.create(home, with_pip=True, clear=True)
        command = [
            home / "bin/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            LOCK,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        (home / "made").touch()
    return home / "bin"


def _configuration(
    folder: Path, port: int, collections: Mapping[str, Sequence[tuple[Any, Mapping[str, Any]]]]
) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    for name, features in collections.items():
        file = folder / f"{name}.geojson"
        members = [
            {"type": "Feature", "id": own["id"], "properties": dict(own), "geometry": shapely.geometry.mapping(shape)}
            for shape, own in features
        ]
        file.write_text(json.dumps({"type": "FeatureCollection", "features": members}), "utf-8")
        resources[name] = {
            "type": "collection",
            "title": {"en": name},
            "description": {"en": name},
            "keywords": {"en": [name]},
            "extents": {
                "spatial": {"bbox": [16.7, 52.2, 17.1, 52.6], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
            },
            "providers": [{"type": "feature", "name": "GeoJSON", "data": str(file), "id_field": "id"}],
        }
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en"],
            "limits": {"default_items": 10, "max_items": 10},
            "map": {"url": "http://127.0.0.1/{z}/{x}/{y}.png", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {"title": {"en": "T"}, "description": {"en": "T"}, "keywords": {"en": ["t"]}, "keywords_type": "theme", "terms_of_service": "t", "url": "http://127.0.0.1"},
            "license": {"name": "CC0", "url": "http://127.0.0.1"},
            "provider": {"name": "T", "url": "http://127.0.0.1"},
            "contact": {"name": "T", "position": "T", "address": "T", "city": "T", "stateorprovince": "T", "postalcode": "T", "country": "T", "phone": "1", "fax": "1", "email": "t@city.example", "url": "http://127.0.0.1", "hours": "T", "instructions": "T", "role": "pointOfContact"},
        },
        "resources": resources,
    }  # fmt: skip


@contextmanager
def running(folder: Path, collections: Mapping[str, Sequence[tuple[Any, Mapping[str, Any]]]]) -> Iterator[str]:
    """Serve these collections of (shape in degrees, properties with an ``id``), ten features a page; gives the address."""
    programs, port = _programs(), free_port()
    config, openapi = folder / "pygeoapi.yml", folder / "openapi.yml"
    config.write_text(json.dumps(_configuration(folder, port, collections)), "utf-8")
    environment = {
        "PYGEOAPI_CONFIG": str(config),
        "PYGEOAPI_OPENAPI": str(openapi),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
    }
    made = subprocess.run(
        [programs / "pygeoapi", "openapi", "generate", config], env=environment, check=True, capture_output=True
    )
    openapi.write_bytes(made.stdout)
    with (folder / "pygeoapi.log").open("wb") as log:
        server = subprocess.Popen([programs / "pygeoapi", "serve"], env=environment, stdout=log, stderr=log)
    try:
        _wait(server, f"http://127.0.0.1:{port}/collections?f=json", folder / "pygeoapi.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path, seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            urlopen(url, timeout=5).close()
        except URLError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"pygeoapi did not start under {sys.version}: {log.read_text(errors='replace')[-2000:]}")
