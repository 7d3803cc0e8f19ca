"""Every folder `tests/sources/<data set>/` holds pages as the source sends them and what they must be read as.

`payload.json` is read as `records.json` says; `payload_list.json` as `records_list.json`, and so on. `asked.json`
(`asked_list.json`) holds what the reader noted on the page when it asked. A missing `records…json` is written, and fails.
"""

import json
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import shapely

from broker.catalog import Catalog
from broker.model import Dataset, Page, Record, Rejected, Repaired

HERE = Path(__file__).parent
CATALOG = Catalog.load()


def payloads() -> list[Any]:
    found = sorted(HERE.glob("*/payload*.*"))
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in found]


def plain(value: Any) -> Any:
    """The value as JSON has it: exact numbers and moments as text, shapes as WKT."""
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkt(value, rounding_precision=6)
    if isinstance(value, Decimal | date | datetime):
        return str(value) if isinstance(value, Decimal) else value.isoformat()
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def written(record: Record | Repaired | Rejected) -> dict[str, Any]:
    if isinstance(record, Rejected):
        return {"rejected": record.reason}
    if isinstance(record, Repaired):
        return {**written(record.record), "@repaired": record.what}
    return {one.name: plain(getattr(record, one.name)) for one in fields(record)}  # type: ignore[arg-type]


def page(path: Path) -> Page:
    asked = path.with_name(path.stem.replace("payload", "asked", 1) + ".json")
    return Page(path.read_bytes(), asked=json.loads(asked.read_text("utf-8")) if asked.exists() else {})


def dataset(path: Path) -> Dataset:
    assert CATALOG.broken == ()
    return CATALOG.dataset(path.parent.name)


@pytest.mark.parametrize("path", payloads())
def test_payload_is_read_as_recorded(path: Path) -> None:
    read = [written(one) for one in dataset(path).records(page(path))]
    expected = path.with_name(path.stem.replace("payload", "records", 1) + ".json")
    if not expected.exists():
        expected.write_text(json.dumps(read, ensure_ascii=False, indent=2) + "\n", "utf-8")
        pytest.fail(f"{expected.name} was missing: generated it, check the content")
    assert read == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize("path", payloads())
def test_rows_are_the_same_each_time(path: Path) -> None:
    reader, one = dataset(path).reader, page(path)
    assert list(map(plain, reader.rows(one))) == list(map(plain, reader.rows(one)))


@pytest.mark.parametrize("id", sorted(CATALOG.datasets))
def test_every_data_set_has_a_payload(id: str) -> None:
    assert list((HERE / id).glob("payload*.*")), (
        f"write tests/sources/{id}/payload.<ext>, a small page as the source sends it"
    )
