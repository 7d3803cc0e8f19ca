"""What every declared data set must keep, checked over its whole sample without a line of test code of its own."""

import asyncio
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from broker.catalog import Catalog
from broker.geometry import CITY
from broker.model import Geometry, Page, Record, Rejected, Repaired
from broker.upstream import Sample, Upstream

CATALOG = Catalog.load()
IDS = sorted(CATALOG.datasets)
EVERY = pytest.mark.parametrize("id", IDS)
AROUND = CITY.around(1.0)

LEAST = {
    "bip.contracts": 2000,
    "bip.information_requests": 1228,
    "mim.districts": 42,
    "mim.events": 500,
    "mim.places": 2000,
    "mim.stops": 1500,
    "sip.addresses": 10_000,
}


@cache
def pages(id: str) -> tuple[Page, ...]:
    dataset = CATALOG.dataset(id)
    assert dataset.source.sample is not None, f"source {dataset.source.id} has no sample"
    upstream = Upstream(dataset.source.base_url, Sample(dataset.source.sample), attempts=1)

    async def fetched() -> tuple[Page, ...]:
        return tuple([page async for page in dataset.reader.fetch(upstream)])

    return asyncio.run(fetched())


@cache
def records(id: str) -> tuple[Record, ...]:
    return tuple(one.record if isinstance(one, Repaired) else one for one in read(id) if not isinstance(one, Rejected))


@cache
def read(id: str) -> tuple[Record | Repaired | Rejected, ...]:
    dataset = CATALOG.dataset(id)
    return tuple(one for page in pages(id) for one in dataset.records(page))


def test_every_connector_can_be_read() -> None:
    assert CATALOG.broken == ()


@EVERY
def test_descriptions_are_written_alike(id: str) -> None:
    dataset = CATALOG.dataset(id)
    assert dataset.description.endswith("."), f"{id}: the record's docstring is a sentence with a full stop"
    for text in (dataset.title, dataset.source.description, dataset.source.title):
        assert text.strip() == text
        assert text
    for field in dataset.fields:
        where = f"{id}.{field.name}: {field.description!r}"
        assert len(field.description) > 3, f"{where} says nothing"
        assert field.description == field.description.strip(), f"{where} has blanks around it"
        assert not field.description.endswith("."), f"{where} is no sentence: no full stop"
        assert not field.description[0].islower(), f"{where} begins with a capital letter"


@EVERY
def test_numbers_have_units_and_terms_are_known(id: str) -> None:
    dataset = CATALOG.dataset(id)
    assert [one.name for one in dataset.fields if one.kind in (int, float, Decimal) and not one.unit] == []
    assert dataset.licence.url.startswith("https://")
    assert dataset.refresh.interval.total_seconds() > 0
    assert dataset.field(dataset.key).optional is False
    assert dataset.field(dataset.key).kind in (str, int)


@EVERY
def test_sample_is_read_whole(id: str) -> None:
    rejected = [one.reason for one in read(id) if isinstance(one, Rejected)]
    assert rejected == []
    assert len(records(id)) >= LEAST.get(id, 1)


@EVERY
def test_key_is_unique_over_the_sample(id: str) -> None:
    dataset = CATALOG.dataset(id)
    seen: dict[Any, Record] = {}
    for one in records(id):
        other = seen.setdefault(getattr(one, dataset.key), one)
        assert other == one, f"{id}: two records with the key {getattr(one, dataset.key)!r}"


@EVERY
def test_rows_are_the_same_each_time(id: str) -> None:
    reader = CATALOG.dataset(id).reader
    for page in pages(id)[:3]:
        assert list(reader.rows(page)) == list(reader.rows(page))


@EVERY
def test_values_are_of_their_declared_kind(id: str) -> None:
    dataset = CATALOG.dataset(id)
    for field in dataset.fields:
        for one in records(id)[:300]:
            value = getattr(one, field.name)
            assert field.optional if value is None else isinstance(value, field.kind), f"{id}.{field.name}: {value!r}"
            if isinstance(value, datetime):
                assert value.tzinfo is not None, f"{id}.{field.name}: {value!r} has no time zone"


@EVERY
def test_every_field_has_a_value_somewhere(id: str) -> None:
    dataset = CATALOG.dataset(id)
    fields = [one for one in dataset.fields if not one.geocode]  # a place found by address is found by the store
    empty = [one.name for one in fields if all(getattr(record, one.name) is None for record in records(id))]
    assert empty == [], f"{id}: the sample never fills {', '.join(empty)}"


@EVERY
def test_geometries_lie_near_the_city(id: str) -> None:
    dataset = CATALOG.dataset(id)
    for name in [one.name for one in dataset.fields if one.kind is Geometry and not one.geocode]:
        shapes = [shape for one in records(id) if (shape := getattr(one, name)) is not None]
        assert shapes
        for shape in shapes:
            west, south, east, north = shape.bounds
            assert AROUND.holds(west, south), shape.wkt[:80]
            assert AROUND.holds(east, north), shape.wkt[:80]
            assert not shape.has_z


@EVERY
def test_references_lead_to_records(id: str) -> None:
    for field in CATALOG.dataset(id).fields:
        if field.to is not None:
            keys = {getattr(one, CATALOG.dataset(field.to).key) for one in records(field.to)}
            wanted = {value for one in records(id) if (value := getattr(one, field.name)) is not None}
            assert wanted
            assert wanted <= keys, sorted(wanted - keys)[:5]


@EVERY
def test_page_template_names_fields(id: str) -> None:
    dataset = CATALOG.dataset(id)
    if dataset.page is not None:
        for one in records(id)[:50]:
            address = dataset.page.format(**{field.name: getattr(one, field.name) for field in dataset.fields})
            assert address.startswith(("https://", "http://"))
