"""The least that reading a page from the store and writing its answer takes: SQL by hand, a dictionary a record, orjson.

It knows the one query it answers, checks nothing, and takes from the store what lies there ready: GeoJSON as text.
"""

import base64
import sqlite3

import orjson

__all__ = ["FIELDS", "Floor"]

FIELDS = "id name kind zone geometry location { lon lat }"
"""What it gives of a stop, as the graph has it."""
SQL = """
    SELECT "key", name, kind, zone, _geojson, _lon, _lat FROM mim_stops
    WHERE _since <= :version AND _until > :version ORDER BY "key" LIMIT :size
"""


class Floor:
    """A page of the stops of one version, out of a file of SQLite."""

    def __init__(self, file: str, version: int, size: int) -> None:
        self._connection = sqlite3.connect(file)
        self._given = {"version": version, "size": size}

    async def answer(self) -> bytes:
        """The body of the answer."""
        rows = self._connection.execute(SQL, self._given).fetchall()
        encode, ready = base64.urlsafe_b64encode, orjson.Fragment
        nodes = [
            {
                "id": encode(f"Stop:{key}".encode()).decode().rstrip("="),
                "name": name,
                "kind": kind,
                "zone": zone,
                "geometry": ready(geojson),
                "location": {"lon": lon, "lat": lat},
            }
            for key, name, kind, zone, geojson, lon, lat in rows
        ]
        return orjson.dumps({"data": {"stops": {"nodes": nodes}}})
