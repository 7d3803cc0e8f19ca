"""The invented city: a true tiling of the right size, and addresses where they say they are."""

import re
import subprocess
import sys

import numpy as np
import shapely

from broker.geometry import CITY, metric
from connectors.sample import city
from connectors.sample.bip_texts import OFFICES


def test_42_districts_tile_the_city_without_gap_or_overlap() -> None:
    polygons = [one.polygon for one in city.districts()]
    whole = shapely.union_all(polygons)

    assert len({one.name for one in city.districts()}) == 42
    assert {one.geom_type for one in polygons} == {"Polygon"}
    assert shapely.coverage_is_valid(polygons)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    assert round(metric(whole).area / 1e6, 1) == 261.9
    assert round(sum(one.area_km2 for one in city.districts()), 1) == 261.9


def test_the_city_lies_within_its_extent_and_fills_it_irregularly() -> None:
    whole = shapely.union_all([one.polygon for one in city.districts()])
    west, south, east, north = whole.bounds

    assert CITY.holds(west, south)
    assert CITY.holds(east, north)
    assert whole.area / shapely.box(*whole.bounds).area < 0.7
    assert len(whole.exterior.coords) > 60


def test_well_known_places_are_in_their_districts() -> None:
    places = {
        "Stare Miasto": (16.934, 52.408),
        "Jeżyce": (16.905, 52.414),
        "Rataje": (16.957, 52.388),
        "Ławica": (16.826, 52.421),
        "Morasko-Radojewo": (16.940, 52.489),
        "Głuszyna": (16.953, 52.311),
    }
    by_name = {one.name: one.polygon for one in city.districts()}

    assert [name for name, place in places.items() if not by_name[name].contains(shapely.Point(place))] == []


def test_streets_and_addresses_lie_strictly_inside_their_district() -> None:
    by_name = {one.name: one.polygon for one in city.districts()}
    assert [one.name for one in city.streets() if not by_name[one.district].contains_properly(one.line)] == []

    addresses = city.addresses()
    points = shapely.points([(one.lon, one.lat) for one in addresses])
    homes = np.array([by_name[one.district] for one in addresses])
    assert len(addresses) >= 10_000
    assert shapely.contains_properly(homes, points).all()


def test_street_names_take_every_form() -> None:
    names = [one.name for one in city.streets()]

    assert len(names) == len(set(names)) >= 200
    assert {"ul. Święty Marcin", "ul. Głogowska", "al. Niepodległości", "pl. Wolności"} <= set(names)
    assert "os. Jana III Sobieskiego" in names
    assert {one.street for one in city.addresses()} == set(names)


def test_an_address_is_unique_and_well_formed() -> None:
    addresses = city.addresses()

    assert len({(one.street, one.number) for one in addresses}) == len(addresses)
    assert all(re.fullmatch(r"\d+a?", one.number) for one in addresses)
    assert all(re.fullmatch(r"6[01]-\d{3}", one.postcode) for one in addresses)
    assert any(one.number.endswith("a") for one in addresses)


def test_the_city_is_the_same_in_every_run() -> None:
    program = "from connectors.sample import city; print(city.addresses()[5000], city.districts()[7].polygon.wkt[:90])"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()

    assert other == f"{city.addresses()[5000]} {city.districts()[7].polygon.wkt[:90]}"


def test_a_generator_depends_on_its_name_alone() -> None:
    assert city.rng("a").random() == city.rng("a").random() != city.rng("b").random()


def test_the_city_halls_address_has_the_postcode_it_is_written_with_elsewhere() -> None:
    (hall,) = (one for one in city.addresses() if (one.street, one.number) == ("pl. Kolegiacki", "17"))

    assert hall.postcode == "61-841"
    assert all("61-841" in one for one in OFFICES if "Kolegiacki" in one)
