"""The catalogue: contradictions between declarations, broken connectors, sources of other packages."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.catalog import GROUP, Broken, Catalog
from broker.errors import DeclarationError, NotFound
from broker.model import CC0, Dataset, Page, Record, Row, Source, Upstream, dataset, every, field


class Nothing:
    """Reads nothing."""

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        yield await upstream.get()

    def rows(self, page: Page) -> Iterator[Row]:
        yield from page.json


def declared(
    source: str, name: str, type_name: str, *, to: str | None = None, partition: bool = False, title: str = "X"
) -> Dataset:
    """A data set of one field."""
    made = type(type_name, (Record,), {"__doc__": "A thing.", "__annotations__": {"number": str}})
    made.number = field("Number", to=to)  # type: ignore[attr-defined]  # as a class statement would
    owner = Source(source, title, "https://city.example", "A system")
    decorate: Any = dataset(
        owner, name, key="number", reader=Nothing(), refresh=every(hours=1), licence=CC0, partition=partition
    )
    found: Dataset = decorate(made).__dataset__
    return found


def test_data_sets_are_in_the_order_of_their_ids() -> None:
    catalog = Catalog.of([declared("b", "y", "Y"), declared("a", "z", "Z"), declared("a", "x", "X", to="b.y")])

    assert list(catalog.datasets) == ["a.x", "a.z", "b.y"]
    assert list(catalog.sources) == ["a", "b"]
    assert catalog.partition is None
    assert catalog.broken == ()


def test_the_partition_is_known() -> None:
    districts = declared("a", "districts", "District", partition=True)

    assert Catalog.of([declared("a", "x", "X"), districts]).partition is districts


@pytest.mark.parametrize(
    ("datasets", "said"),
    [
        ([("a", "x", "X"), ("a", "x", "Y")], "a.x and a.x have the same id, 'a.x'"),
        ([("a", "x", "X"), ("b", "x", "Y")], "b.x and a.x have the same root, 'x'"),
        ([("a", "x", "X"), ("b", "y", "X")], "b.y and a.x have the same type_name, 'X'"),
        ([("a", "fire_men", "X"), ("b", "fire__men", "Y")], "have the same root, 'fireMen'"),
    ],
)
def test_what_two_declarations_both_claim_is_named(datasets: list[tuple[str, str, str]], said: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        Catalog.of([declared(*one) for one in datasets])
    assert said in str(raised.value)


def test_a_reference_to_nothing_and_two_partitions_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"a\.x\.number: refers to 'b\.y', which no connector declares"):
        Catalog.of([declared("a", "x", "X", to="b.y")])
    with pytest.raises(DeclarationError, match="more than one data set is declared with partition=True"):
        Catalog.of([declared("a", "x", "X", partition=True), declared("a", "y", "Y", partition=True)])


def test_what_is_not_there_is_answered_with_what_is() -> None:
    catalog = Catalog.of([declared("bip", "contracts", "Contract"), declared("mim", "stops", "Stop")])

    assert catalog.dataset("mim.stops").id == "mim.stops"
    assert catalog.by_type("Contract").id == "bip.contracts"
    with pytest.raises(NotFound, match=r"no data set 'bip.contract'; did you mean bip\.contracts\?"):
        catalog.dataset("bip.contract")
    with pytest.raises(NotFound, match=r"no data set '\?'; did you mean bip\.contracts, mim\.stops\?"):
        catalog.dataset("?")
    with pytest.raises(NotFound, match="no record type 'Tram'"):
        catalog.by_type("Tram")


def test_the_citys_own_sources_come_through_the_same_door() -> None:
    catalog = Catalog.load()

    assert catalog.broken == ()
    assert {"mim", "bip", "legal_aid", "kontakt"} <= set(catalog.sources)
    assert catalog.partition is not None
    assert catalog.partition.id == "mim.districts"


LIST = """
import json
from broker.catalog import Catalog
from broker.errors import BrokerError
try:
    catalog = Catalog.load()
    print(json.dumps({"ids": list(catalog.datasets), "broken": [[one.module, one.reason] for one in catalog.broken]}))
except BrokerError as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"""
THEATRE = '''
from broker.model import CC0, Record, Source, dataset, every, field
from connectors.protocols.geojson import FeatureCollection

THEATRES = Source("theatres", "Teatry", "https://theatre.example", "The theatres")

@dataset(THEATRES, "{name}", key="number", reader=FeatureCollection("x", ({{}},)), refresh=every(hours=1), licence=CC0)
class {type_name}(Record):
    """A stage."""

    number: str = field("Number")
'''


def installed(folder: Path, modules: dict[str, str], entry: str) -> dict[str, Any]:
    """What the catalogue holds, in a new process, with a package of these modules installed in this folder."""
    for name, text in modules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    metadata = folder / "theatres-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theatres\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n", encoding="utf-8")
    program = f"import sys; sys.path.insert(0, {str(folder)!r})\n{LIST}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_another_package_adds_a_source_by_a_module(tmp_path: Path) -> None:
    text = THEATRE.format(name="stages", type_name="Stage")
    answer = installed(tmp_path, {"theatre_stages.py": text}, "stages = theatre_stages")

    assert "theatres.stages" in answer["ids"]
    assert "mim.stops" in answer["ids"]
    assert answer["broken"] == []


def test_of_a_package_every_module_is_read(tmp_path: Path) -> None:
    modules = {
        "theatres/__init__.py": "",
        "theatres/stages.py": THEATRE.format(name="stages", type_name="Stage"),
        "theatres/seats.py": THEATRE.format(name="seats", type_name="Seat"),
        "theatres/wire/__init__.py": "raise RuntimeError('a package inside is not read by itself')",
    }
    answer = installed(tmp_path, modules, "all = theatres")

    assert {"theatres.stages", "theatres.seats"} <= set(answer["ids"])
    assert answer["broken"] == []


def test_a_broken_module_is_shown_and_the_others_go_on(tmp_path: Path) -> None:
    modules = {
        "theatres/__init__.py": "",
        "theatres/stages.py": THEATRE.format(name="stages", type_name="Stage"),
        "theatres/crash.py": "raise OSError('no disk')",
        "theatres/typo.py": "def",
        "theatres/wrong.py": THEATRE.format(name="Wrong", type_name="Wrong"),
        "theatres/bare.py": "from broker.model import Record\nclass Bare(Record):\n    'Not declared.'\n",
    }
    answer = installed(tmp_path, modules, "all = theatres")
    broken = {Broken(*one) for one in answer["broken"]}

    assert {"theatres.stages", "mim.stops"} <= set(answer["ids"])
    assert {one.module for one in broken} == {f"theatres.{name}" for name in ("crash", "typo", "wrong", "bare")}
    assert Broken("theatres.crash", "OSError: no disk") in broken
    assert any(one.reason.startswith("SyntaxError: ") for one in broken)
    assert any(one.reason.startswith("DeclarationError: Wrong: the data set's name 'Wrong'") for one in broken)


def test_an_entry_point_that_leads_nowhere_is_shown(tmp_path: Path) -> None:
    answer = installed(tmp_path, {}, "gone = theatre_gone\ndeeper = theatre_gone.stages")

    assert "mim.stops" in answer["ids"]
    assert dict(answer["broken"]) == {
        "theatre_gone": "ModuleNotFoundError: No module named 'theatre_gone'",
        "theatre_gone.stages": "ModuleNotFoundError: No module named 'theatre_gone'",
    }


def test_a_package_that_claims_the_citys_names_stops_the_start(tmp_path: Path) -> None:
    text = THEATRE.format(name="stops", type_name="TheatreStop")
    answer = installed(tmp_path, {"theatre_stops.py": text}, "stops = theatre_stops")

    assert answer == {"error": "DeclarationError: theatres.stops and mim.stops have the same root, 'stops'"}
