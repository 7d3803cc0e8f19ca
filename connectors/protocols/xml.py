"""XML from other systems: parsed without entities and without a document type."""

import re

from lxml import etree

from broker.charset import decoded
from broker.errors import Unreadable
from broker.upstream import Page

__all__ = ["Element", "children", "name", "parse", "text"]

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type of its elements

DECLARED = re.compile(rb"""<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)""")
EXCERPT = 200  # bytes in which a declaration ends


def parse(page: Page) -> Element:
    """The root element of the page, in the encoding that its bytes give evidence of.

    Raises `Unreadable` when the page is not well-formed, cut short, or text in no encoding that is known, and when it declares a
    document type: nothing the city sends needs one, and entities are declared nowhere else.
    """
    where = page.url or "the answer"
    declared = DECLARED.match(page.body[:EXCERPT])
    body = decoded(page.body, where, declared[1].decode() if declared else page.charset).encode()
    if _has_doctype(body):
        raise Unreadable(f"{where} is not the XML expected: it declares a document type, which is refused")
    parser = etree.XMLParser(
        encoding="utf-8",  # what it is now, whatever it declares
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"{where} is not XML: {page.looks_like} ({error})") from error


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
    start = 0
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
