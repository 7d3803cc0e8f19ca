"""XML from other systems: parsed without entities and without a document type, in the encoding it declares."""

from lxml import etree

from broker.errors import Unreadable
from broker.upstream import Page

__all__ = ["Element", "children", "name", "parse", "text"]

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type of its elements

REPORTS = frozenset({"ExceptionReport", "ServiceExceptionReport"})  # OWS Common 1.0 and 2.0; WMS and WFS 1.0
EXCERPT = 200


def parse(page: Page) -> Element:
    """The root element of the page.

    Raises `Unreadable` when the page is not well-formed, cut short, not in its declared encoding, or an exception report, and
    when it declares a document type: nothing the city sends needs one, and entities are declared nowhere else.
    """
    where = page.url or "the answer"
    if _has_doctype(page.body):
        what = (
            page.looks_like if b"<html" in page.body[:1000].lower() else "it declares a document type, which is refused"
        )
        raise Unreadable(f"{where} is not the XML expected: {what}")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(page.body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"{where} is not XML: {page.looks_like} ({error})") from error
    if (
        root.getroottree().docinfo.internalDTD is not None
    ):  # in an encoding the look at the bytes does not see, as UTF-16
        raise Unreadable(f"{where} is not the XML expected: it declares a document type, which is refused")
    if name(root) in REPORTS:
        said = " ".join(" ".join(str(part) for part in root.itertext()).split())
        raise Unreadable(f"{where} is an exception report: {said[:EXCERPT] or 'without a text'}")
    if name(root).lower() == "html":
        raise Unreadable(f"{where} is an HTML page, not the XML expected")
    return root


def name(element: Element) -> str:
    """The element's name without its namespace."""
    return etree.QName(element).localname


def children(element: Element, *path: str) -> list[Element]:
    """The elements at this path of names, namespaces ignored: ``children(root, "channel", "item")``."""
    found = [element]
    for step in path:
        found = [child for parent in found for child in parent.iterchildren(f"{{*}}{step}")]
    return found


def text(element: Element, *path: str) -> str:
    """The text of the first element at this path, with what is inside it, trimmed; empty when there is none."""
    for one in children(element, *path):
        return "".join(str(part) for part in one.itertext()).strip()
    return ""


def _has_doctype(body: bytes) -> bool:
    """Whether a document type follows the declaration, comments and processing instructions at the start."""
    start = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    while True:
        while body[start : start + 1].isspace():
            start += 1
        for opening, closing in ((b"<?", b"?>"), (b"<!--", b"-->")):
            if body.startswith(opening, start):
                end = body.find(closing, start)
                if end < 0:
                    return False
                start = end + len(closing)
                break
        else:
            return body[start : start + 9].upper() == b"<!DOCTYPE"
