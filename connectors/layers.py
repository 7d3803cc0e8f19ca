"""Layers of map servers that are added by configuration: described by their own server, read like every other data set.

A layer becomes a declared record like those that connectors write by hand, only made at the start: its properties are typed as
its server describes them, its key is the feature's own id, or a print of the feature where the server makes ids anew.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import orjson

from broker.errors import Refused
from broker.model import CC0, CC_BY, Dataset, Geometry, Licence, Reader, Record, Source, dataset, every, field
from broker.upstream import Upstream
from connectors.protocols import wfs
from connectors.protocols.described import Property, of_features, of_json_schema, of_xml_schema
from connectors.protocols.ogc_features import Collection

__all__ = ["LAYERS", "ConfiguredLayer", "declare", "describe", "described", "written"]

LAYERS = Source(
    id="layers",
    title="Layers added by configuration",
    base_url="",
    description="Layers of map servers that this broker's operator has added",
)
LICENCES = {one.id: one for one in (CC0, CC_BY)}
TAKEN = frozenset(
    {"id", "key", "provenance", "geometry", "location", "area", "length", "district", "distance", "geocoding", "related", "intersection"}
)  # fmt: skip
ID = "@id"  # no property is called so, but many are called "id"
TITLES = ("name", "nazwa", "title", "tytul", "opis")
KINDS = {one.__name__: one for one in (str, int, float, bool, date, datetime)}


@dataclass(frozen=True, slots=True)
class ConfiguredLayer:
    """One layer, as its operator configured it (see the settings ``layers.<layer>``)."""

    id: str
    url: str
    kind: str
    type_name: str
    title: str
    licence: str
    licence_url: str
    version: Any
    crs: str
    refresh_hours: float

    @property
    def reader(self) -> Reader:
        """What reads it."""
        if self.kind == "ogcapi":
            return Collection(self.type_name, id_as=ID)
        form = FORMATS[self.version]
        return wfs.Layer("", self.type_name, version=self.version, srs=self.crs, format=form, id_as=ID)


FORMATS = {"1.1.0": wfs.GML31, "2.0.0": wfs.GML32}


async def describe(layer: ConfiguredLayer, upstream: Upstream) -> tuple[Property, ...]:
    """Ask the server for the layer's properties. Raises `SourceError` that says what was asked and what came."""
    if layer.kind == "wfs":
        newer = layer.version == "2.0.0"
        asked = {"service": "WFS", "version": layer.version, "request": "DescribeFeatureType"}
        page = await upstream.get("", {**asked, "typeNames" if newer else "typeName": layer.type_name})
        return of_xml_schema(page, layer.type_name)
    for part in ("schema", "queryables"):  # Part 5 of the standard, then Part 3, which more servers have
        with suppress(Refused):
            return of_json_schema(await upstream.get(f"collections/{layer.type_name}/{part}", {"f": "json"}))
    collection = Collection(layer.type_name, id_as=ID)
    first = await upstream.get(collection.path, {"f": "json"})
    own = (
        {name: value for name, value in row.items() if name not in (ID, "geometry", "crs")}
        for row in collection.rows(first)
    )
    return of_features(own)


def written(properties: tuple[Property, ...]) -> str:
    """A description as text, to be kept."""
    return orjson.dumps([[one.name, one.kind.__name__] for one in properties]).decode()


def described(text: str) -> tuple[Property, ...]:
    """A description that was kept."""
    return tuple(Property(name, KINDS[kind]) for name, kind in orjson.loads(text))


def declare(layer: ConfiguredLayer, properties: tuple[Property, ...]) -> Dataset:
    """The data set of a layer with these properties."""
    named = _named(properties)
    title = _title(named)
    body: dict[str, Any] = {"__doc__": f"A feature of the layer “{layer.title}”.", "__annotations__": {}}

    def add(name: str, kind: Any, value: Any) -> None:  # noqa: ANN401 - a type, a declared field
        body["__annotations__"][name] = kind
        body[name] = value

    add(
        "key",
        str,
        field("The feature's id at its server", of=(ID, "geometry", *(one.name for one in properties)), read=_key),
    )
    for name, one in named.items():
        search: Any = None if one.kind is not str else "title" if name == title else "text"
        unit = "1" if one.kind in (int, float) else None
        add(
            name,
            one.kind | None,
            field(
                f"Property `{one.name}` of the layer", of=one.name, read=READ.get(one.kind), unit=unit, search=search
            ),
        )
    add("geometry", Geometry | None, field("Its place", read=wfs.place))
    made = type("Layer" + "".join(part.capitalize() for part in layer.id.split("_")), (Record,), body)
    licence = LICENCES.get(layer.licence) or Licence(layer.licence, layer.licence, layer.licence_url)
    declared: type[Record] = dataset(
        LAYERS, layer.id, key="key", reader=layer.reader, refresh=every(hours=layer.refresh_hours), licence=licence,
        title=layer.title, address=layer.url, generic=True,
    )(made)  # fmt: skip
    return declared.__dataset__


def _named(properties: tuple[Property, ...]) -> dict[str, Property]:
    """The properties by names that the broker can use: small letters, none of its own, none twice."""
    found: dict[str, Property] = {}
    for one in properties:
        name = re.sub(r"[^a-z0-9]+", "_", one.name.lower()).strip("_") or "property"
        name = f"p_{name}" if name in TAKEN or name[0].isdigit() else name
        while name in found:
            name += "_"
        found[name] = one
    return found


def _title(named: dict[str, Property]) -> str | None:
    texts = [name for name, one in named.items() if one.kind is str]
    return next((name for name in TITLES if name in texts), texts[0] if texts else None)


def _key(id: object, geometry: object, *properties: object) -> str:
    own = str(id or "").strip()
    if own and ".fid-" not in own:  # GeoServer's form for a view without a primary key
        return own
    return blake2b(repr((str(geometry), properties)).encode(), digest_size=12).hexdigest()


def _whole(value: object) -> int | None:
    """Whole numbers, also as servers write them: ``5.0``."""
    written_as = "" if value is None else str(value).strip()
    if not written_as:
        return None
    number = float(written_as)
    if number != int(number):
        raise ValueError(f"{written_as!r} is not a whole number")
    return int(number)


READ: dict[type, Callable[[object], Any]] = {int: _whole}
