"""MapServer as the city's WFS: layers from GeoJSON files in EPSG:2177, served over HTTP by the CGI program of the system."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import shapely

from broker.geometry import METRIC, WGS84, transform

__all__ = ["MapServer", "running"]

MAP = """MAP
  NAME "{prefix}"
  EXTENT 6400000 5780000 6460000 5830000
  PROJECTION "init=epsg:2177" END
  WEB METADATA
    "wfs_title" "{prefix}"
    "wfs_onlineresource" "{url}"
    "wfs_srs" "EPSG:2177 EPSG:4326"
    "wfs_enable_request" "*"
    "wfs_encoding" "UTF-8"
    "wfs_namespace_prefix" "{prefix}"
    "wfs_namespace_uri" "http://www.poznan.pl/{prefix}"
    "wfs_maxfeatures" "{cap}"
    "wfs_compute_number_matched" "true"
    "wfs_getfeature_formatlist" "geojson"
  END END
  OUTPUTFORMAT
    NAME "geojson" DRIVER "OGR/GEOJSON" MIMETYPE "application/json"
    FORMATOPTION "STORAGE=memory" FORMATOPTION "FORM=SIMPLE" FORMATOPTION "USE_FEATUREID=true"
  END
{layers}
END
"""
LAYER = """  LAYER
    NAME "{name}" TYPE {type} STATUS ON
    CONNECTIONTYPE OGR CONNECTION "{file}"
    PROJECTION "init=epsg:2177" END
    METADATA
      "wfs_title" "{name}"
      "wfs_featureid" "{id}"
      "gml_include_items" "all"
      "gml_featureid" "{id}"
      "gml_types" "auto"
      "wfs_srs" "EPSG:2177 EPSG:4326"
      "wfs_getfeature_formatlist" "geojson"
    END
    TEMPLATE "none"
  END
"""
TYPES = {"Point": "POINT", "LineString": "LINE", "Polygon": "POLYGON", "MultiPolygon": "POLYGON"}


class MapServer:
    """A running server; layers are published under a path of their own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.maps: dict[str, Path] = {}
        self.asked: list[str] = []
        (folder / "mapserver.conf").write_text('CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\nEND\n', "utf-8")

    def publish(
        self,
        path: str,
        prefix: str,
        layers: Mapping[str, Sequence[tuple[Any, Mapping[str, Any]]]],
        *,
        id: str,
        cap: int,
    ) -> None:
        """Serve layers of (shape in EPSG:4326, properties) at a path; no answer holds more than ``cap`` features."""
        written = []
        for name, features in layers.items():
            file = self.folder / f"{prefix}.{name}.geojson"
            members = [
                {
                    "type": "Feature",
                    "properties": dict(own),
                    "geometry": shapely.geometry.mapping(transform(shape, WGS84, METRIC)),
                }
                for shape, own in features
            ]
            crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{METRIC}"}}
            file.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": members}), "utf-8")
            written.append(LAYER.format(name=name, type=TYPES[features[0][0].geom_type], file=file, id=id))
        found = self.folder / f"{prefix}.map"
        found.write_text(MAP.format(prefix=prefix, url=f"{self.url}{path}?", cap=cap, layers="".join(written)), "utf-8")
        self.maps[path] = found

    def answer(self, path: str, query: str) -> tuple[int, Mapping[str, str], bytes]:
        """One request to the CGI program."""
        environment = {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": query,
            "MS_MAPFILE": str(self.maps[path]),
            "MAPSERVER_CONFIG_FILE": str(self.folder / "mapserver.conf"),
        }
        done = subprocess.run([_program()], env=environment, capture_output=True, check=True, timeout=60)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        return int(headers.pop("Status", "200").split()[0]), headers, body


def _program() -> str:
    for place in ("/usr/lib/cgi-bin/mapserv", shutil.which("mapserv")):
        if place and Path(place).exists():
            return place
    raise RuntimeError("no MapServer here; tests/packages.sh brings it up when run by root")


@contextmanager
def running(folder: Path) -> Iterator[MapServer]:
    """Serve on a free port until the end. Raises when there is no MapServer: the tests need it."""
    _program()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            server.asked.append(self.path)
            status, headers, body = (
                server.answer(parts.path, parts.query) if parts.path in server.maps else (404, {}, b"")
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = MapServer(folder, http.server_address[1])
        Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            http.shutdown()
