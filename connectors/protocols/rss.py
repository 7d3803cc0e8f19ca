"""RSS 2.0 over GET: one row an item.

A row has the item's elements by their names without namespace (``title``, ``link``, ``description``, ``pubDate`` …), the
full text (``content:encoded``) as ``encoded``, and two names of its own: ``id`` (the guid, or the link where there is none) and
``categories`` (a tuple).
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from broker.errors import Unreadable
from broker.upstream import Page, Upstream
from connectors.protocols import xml

__all__ = ["Rss", "moment"]


@dataclass(frozen=True, slots=True)
class Rss:
    """Reads one feed, or several of the same kind: a page each.

    Args:
        paths: relative to the source's base URL.
    """

    paths: tuple[str, ...]

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for every feed in turn."""
        for path in self.paths:
            yield await upstream.get(path)

    def rows(self, page: Page) -> Iterator[Mapping[str, Any]]:
        """The feed's items; raises `Unreadable` when the page is no RSS."""
        root = xml.parse(page)
        if xml.name(root) != "rss" or not xml.children(root, "channel"):
            raise Unreadable(f"{page.url or 'the answer'} is not RSS 2.0: its root is <{xml.name(root)}>")
        for item in xml.children(root, "channel", "item"):
            row: dict[str, Any] = {}
            for element in item.iterchildren("*"):
                row.setdefault(xml.name(element), xml.text(element))
            row["id"] = row.get("guid") or row.get("link", "")
            row["categories"] = tuple(found for one in xml.children(item, "category") if (found := xml.text(one)))
            enclosures = xml.children(item, "enclosure")
            row["enclosure"] = str(enclosures[0].get("url", "")) if enclosures else ""
            yield row


def moment(text: str | None) -> datetime | None:
    """A date of RSS (RFC 822) as a moment; without a zone it is taken as UTC. Raises ``ValueError``."""
    if not text or not text.strip():
        return None
    made = parsedate_to_datetime(text.strip())
    return made if made.tzinfo else made.replace(tzinfo=UTC)
