"""Places for records that have only an address: the gazetteer of the store's newest address register, kept per version."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from sqlalchemy import select

from broker.geocoding import AddressPoint, Gazetteer, Geocoded
from broker.model import Dataset, Geometry
from broker.query import GEOCODING, Version
from broker.store.database import Database
from broker.store.statements import at
from broker.store.tables import GEOCODED

__all__ = ["Geocoder"]

NO_REGISTER = Geocoded(reason="the register of addresses has not been read yet")


class Geocoder:
    """Looks up addresses in what the catalogue declares as the gazetteer."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._gazetteer = Gazetteer([])

    def newest(self) -> Version:
        """The newest version of the register; number 0 when there is none. Raises `StoreError`."""
        dataset = self._store.catalog.gazetteer
        return Version(0) if dataset is None else self._store.version(dataset).version

    def locate(self, dataset: Dataset, rows: Sequence[dict[str, Any]]) -> None:
        """Give rows without a place the one of their address (well-known binary), and tell in all of them how it went."""
        with self._lock:
            version, gazetteer = self._load()
        nothing = dict.fromkeys(name for name, _ in GEOCODED)
        for row in rows:
            row.update(nothing)
            if row[str(dataset.geometry)] is not None:
                continue
            place = gazetteer.find(_address(dataset, row)) if version.number else NO_REGISTER
            row.update(_told(place, version.number))
            if place.method is not None:
                row[str(dataset.geometry)] = _point(place)

    def _load(self) -> tuple[Version, Gazetteer]:
        version = self.newest()
        if version != self._version:
            self._gazetteer = Gazetteer(self._register(version))
            self._version = version
        return version, self._gazetteer

    def _register(self, version: Version) -> list[AddressPoint]:
        dataset = self._store.catalog.gazetteer
        if dataset is None or dataset.gazetteer is None:
            return []
        roles, table = dataset.gazetteer, self._store.tables[dataset.id]
        postcode = table.c[roles.postcode] if roles.postcode else None
        asked = [
            table.c[roles.street],
            table.c[roles.number],
            postcode,
            table.c["_lon"],
            table.c["_lat"],
            table.c[dataset.key],
        ]
        present = [one for one in asked if one is not None]
        statement = (
            select(*present).where(at(table, version), table.c["_lon"].is_not(None)).order_by(table.c[dataset.key])
        )
        with self._store.reading((dataset.id, version)) as connection:
            found = connection.execute(statement).all()
        if postcode is None:
            return [AddressPoint(row[0], row[1], None, *row[2:]) for row in found]
        return [AddressPoint(*row) for row in found]


def _address(dataset: Dataset, row: Mapping[str, Any]) -> str:
    """The texts of the fields that hold the address, as the row has them."""
    return ", ".join(str(row[name]) for name in dataset.geocode if row[name])


def _told(place: Geocoded, version: int) -> dict[str, Any]:
    return {
        f"{GEOCODING}_method": None if place.method is None else place.method.value,
        f"{GEOCODING}_confidence": place.confidence,
        f"{GEOCODING}_address": place.matched_address,
        f"{GEOCODING}_reason": place.reason,
        f"{GEOCODING}_version": version,
    }


def _point(place: Geocoded) -> bytes:
    point: Geometry = shapely.Point(place.lon, place.lat)
    wkb: bytes = shapely.to_wkb(point)
    return wkb
