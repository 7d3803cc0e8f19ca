"""A lookup is declared as a data set is: what contradicts itself is refused with the remedy."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.catalog import Catalog
from broker.errors import DeclarationError
from broker.fields import field
from broker.geometry import Geometry
from broker.lookup import Item, lookup
from broker.model import CC0, Page, Row, Source, every, live
from broker.upstream import Upstream
from connectors.mim import Stop
from connectors.ztm import Departure

SHOP = Source("shop", "A shop", "http://127.0.0.1:9", "What is in stock.")


class Stock:
    async def fetch(self, upstream: Upstream, key: str) -> Page:
        return await upstream.get(key)

    def rows(self, page: Page) -> Iterator[Row]:
        yield page.json


def declared(cls: type[Item], **given: Any) -> Any:
    about = {"on": "mim.stops", "by": "name", "ordered_by": "price", "refresh": live(seconds=5), "licence": CC0}
    return lookup(SHOP, given.pop("name", "goods"), reader=Stock(), **{**about, **given})(cls)


def good() -> type[Item]:
    class Goods(Item):
        """Something that can be bought."""

        price: int = field("Price", unit="PLN")
        colour: str | None = field("Colour")

    return Goods


def test_what_it_is_called() -> None:
    made = declared(good()).__lookup__
    assert (made.id, made.type_name, made.title) == ("shop.goods", "Goods", "Goods")
    assert made.description == "Something that can be bought."
    assert [one.name for one in made.fields] == ["price", "colour"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Goods"}, "lower case with underscores"),
        ({"refresh": every(hours=1)}, "give it refresh=live"),
        ({"ordered_by": "size"}, "'size' is none of the fields that every item has"),
        ({"ordered_by": "colour"}, "'colour' is none of the fields that every item has"),
    ],
)
def test_a_contradiction_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        declared(good(), **given)


def test_items_hold_plain_values_and_are_described() -> None:
    class Shelf(Item):
        """Where things stand."""

        price: int = field("Price", unit="PLN")
        place: Geometry = field("Where")

    class Unsaid(Item):
        price: int = field("Price", unit="PLN")

    with pytest.raises(DeclarationError, match=r"Shelf\.place: an item holds plain values"):
        declared(Shelf)
    with pytest.raises(DeclarationError, match="say what one item is"):
        declared(Unsaid)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"on": "mim.nothing"}, "on='mim.nothing', which no connector declares"),
        ({"by": "zone"}, "by='zone' is no text that every record of mim.stops has"),
        ({"by": "nothing"}, "by='nothing' is no text"),
        ({"name": "lines"}, "has a field 'lines'; name the lookup otherwise"),
    ],
)
def test_it_fits_the_data_set_it_is_about(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Catalog.of([Stop.__dataset__], lookups=[replace(Departure.__lookup__, **changed)])


def test_its_source_is_one_of_the_city_s() -> None:
    catalog = Catalog.load()
    assert catalog.lookups["ztm.departures"] is Departure.__lookup__
    assert catalog.sources["ztm"] is Departure.__lookup__.source
