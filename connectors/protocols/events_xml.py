"""The event calendar of the city's information service: XML over GET, one row an event, its texts in several languages.

Elements and their namespace as the service sends them; addresses and places are read leniently, since not every
installation fills them. A row has ``id``, ``category``, ``url``, ``start``, ``end``, ``names`` and ``descriptions`` (a mapping from
language to text), ``place_id``, ``place``, ``street``, ``number``, ``postcode``, ``city``, ``lon``, ``lat``: empty where absent.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.errors import Unreadable
from broker.upstream import Page, Upstream
from connectors.protocols import xml

__all__ = ["NAMESPACE", "EventCalendar"]

NAMESPACE = "http://sit-wlkp.eu/xmlrepo/events.xsd"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
NATIVE = "pl"  # what a version is in that does not say

VALUES = {
    "id": ("event_id",),
    "category": ("category",),
    "url": ("event_url",),
    "start": ("event_start",),
    "end": ("event_end",),
    "place_id": ("event_place", "place_id"),
    "place": ("event_place", "place_name"),
    "street": ("event_address", "street"),
    "number": ("event_address", "number"),
    "postcode": ("event_address", "postcode"),
    "city": ("event_address", "city"),
    "lon": ("event_address", "lon"),
    "lat": ("event_address", "lat"),
}


@dataclass(frozen=True, slots=True)
class EventCalendar:
    """Reads the events from today to ``ahead`` days from now in one page.

    Args:
        path: relative to the source's base URL.
        ahead: how far to look, in days.
    """

    path: str
    ahead: int = 365

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask once."""
        until = datetime.now(UTC).date() + timedelta(days=self.ahead)
        yield await upstream.get(self.path, {"co": "getEventsToDate", "dateTo": until.isoformat()})

    def rows(self, page: Page) -> Iterator[Mapping[str, Any]]:
        """The page's events; raises `Unreadable` when it is another kind of document."""
        root = xml.parse(page)
        if xml.name(root) != "events":
            raise Unreadable(f"{page.url or 'the answer'} holds no events: its root is <{xml.name(root)}>")
        for event in xml.children(root, "event"):
            row: dict[str, Any] = {of: xml.text(event, *path) for of, path in VALUES.items()}
            row["names"], row["descriptions"] = _texts(event)
            yield row


def _texts(event: xml.Element) -> tuple[dict[str, str], dict[str, str]]:
    """Names and descriptions by language; the first version in a language counts, an empty text is none."""
    names: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    for version in xml.children(event, "event_version", "version"):
        stated = version.get("lang") or version.get(LANGUAGE) or xml.text(version, "lang") or NATIVE
        language = str(stated).strip().lower()[:2]
        for texts, of in ((names, "evtml_name"), (descriptions, "evtml_desc")):
            if text := xml.text(version, of):
                texts.setdefault(language, text)
    return names, descriptions
