"""Collections of OGC API Features (OGC 17-069r4), as GeoJSON in degrees: read page by page along the ``next`` links.

A row is the feature's properties with ``id`` and ``geometry`` (shapely, EPSG:4326) added, as a WFS's (`connectors.protocols.wfs`).
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from broker.errors import RowError, Suspicious
from broker.model import Row
from broker.upstream import Page, Upstream
from connectors.protocols.geojson import features, shape
from connectors.protocols.wfs import Unplaced, whole_number

__all__ = ["Collection"]


@dataclass(frozen=True, slots=True)
class Collection:
    """Reads one collection.

    Args:
        id: the collection's id.
        page_size: features asked for at a time; servers may give fewer.
        most_pages: more are not believed.
        id_as: the name for the feature's own id, where properties may have any name.
    """

    id: str
    page_size: int = 1000
    most_pages: int = 10_000
    id_as: str = "id"

    @property
    def path(self) -> str:
        """Where its features are, below the landing page."""
        return f"collections/{self.id}/items"

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for every page. Raises `Suspicious` when there is no end, or fewer features come than are stated."""
        query: Mapping[str, str] = {"f": "json", "limit": str(self.page_size)}
        received, stated = 0, 0
        for _ in range(self.most_pages):
            page = await upstream.get(self.path, query)
            received += sum(1 for _ in features(page))
            yield page
            document = page.json
            stated = whole_number(document.get("numberMatched"))
            following = _next(document)
            if following is None:
                break
            query = following
        else:
            raise Suspicious(f"{self.id}: still no end after {self.most_pages} pages and {received} features")
        if received < stated:
            raise Suspicious(f"{self.id}: the source states {stated} features but gives {received}")

    def rows(self, page: Page) -> Iterator[Row]:
        """The page's features as rows; raises `Unreadable` when it is no feature collection."""
        for row in features(page, self.id_as):
            yield {**row, "geometry": _placed(row)}


def _next(document: Mapping[str, Any]) -> dict[str, str] | None:
    """The parameters of the next page. Only these are taken from a link: where to ask is never the answer's to decide."""
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "next":
            return dict(parse_qsl(urlsplit(str(link.get("href", ""))).query))
    return None


def _placed(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a shape, what stands for one that cannot be read, or none
    try:
        return shape(row["geometry"], row["crs"])
    except RowError as error:
        return Unplaced(str(error))
