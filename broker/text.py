"""What the broker knows of text: Polish order and folding, safe HTML, plain text, texts in several languages."""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape
from unicodedata import normalize

import nh3
from lxml import html as lxml_html
from lxml.etree import ParserError

__all__ = ["MARK", "Localized", "collation", "fold", "nearest", "plain_text", "safe_html", "storable"]

# A letter with a Polish mark sorts after its plain letter and before the next one (PN-80/N-01223). Written as the plain letter
# followed by MARK, which is above every ASCII letter, the order of the bytes is the Polish order; with MARK taken out, the
# same string is the folded one. So one stored column serves order and search alike, in any database.
MARK = "\x7f"
POLISH = str.maketrans(
    {
        "ą": "a" + MARK,
        "ć": "c" + MARK,
        "ę": "e" + MARK,
        "ł": "l" + MARK,
        "ń": "n" + MARK,
        "ó": "o" + MARK,
        "ś": "s" + MARK,
        "ź": "z" + MARK,
        "ż": "z" + MARK + MARK,
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ı": "i",
        "\u00a0": " ",
        MARK: "",
    }
)


# What NFKD takes off a letter: the blocks of combining marks.
MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
REMEMBERED = 200  # letters: names and words come again, long texts seldom


def collation(text: str) -> str:
    """The key whose byte order is the Polish alphabetical order, case ignored."""
    return _remembered(text) if len(text) <= REMEMBERED else _collation(text)


def _collation(text: str) -> str:
    key = text.lower()
    if key.isascii():
        return key.replace(MARK, "")
    key = key.translate(POLISH)
    if key.isascii():
        return key
    return MARKS.sub("", normalize("NFKD", key).lower())


_remembered = lru_cache(maxsize=1 << 15)(_collation)


def fold(text: str) -> str:
    """Lower case, without Polish or other marks: ``Żółw`` becomes ``zolw``."""
    return collation(text).replace(MARK, "")


ALIKE = 0.5
"""The share of letters in common from which on a name may be what was meant."""


def nearest(wanted: str, names: Iterable[str]) -> list[str]:
    """At most three of the names that are like the wanted one, the likest first; case and Polish marks are ignored."""
    by_fold = {fold(one): one for one in names}
    found = difflib.get_close_matches(fold(wanted.strip()[:100]), by_fold, n=3, cutoff=ALIKE)
    return [by_fold[one] for one in found]


UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """A message as every store takes it: a NUL or half of a character, quoted from a source, becomes U+FFFD."""
    return UNSTORABLE.sub("\ufffd", text)


class Localized(dict[str, str]):
    """A text in several languages, by ISO 639-1 code; Polish (``pl``) is what others fall back to."""

    def best(self, language: str = "pl") -> str:
        """The text in this language, else in Polish, else in the first there is."""
        return self.get(language) or self.get("pl") or next(iter(self.values()), "")


TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "dl", "dt", "em", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title", "lang"}, "img": {"src", "alt", "width", "height"}, "td": {"colspan", "rowspan"}}
SCHEMES = {"http", "https", "mailto", "tel"}


def safe_html(markup: str) -> str:
    """The markup with only harmless elements, attributes and link schemes left; scripts and styles vanish whole."""
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    return nh3.clean(
        markup, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer"
    ).strip()


BLOCKS = frozenset(
    {
        "p",
        "br",
        "div",
        "li",
        "tr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "dt",
        "dd",
        "blockquote",
        "pre",
        "table",
        "ul",
        "ol",
    }
)
BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")


def plain_text(markup: str) -> str:
    """The words of the markup: entities read, a line a block, no tags."""
    if "<" not in markup:
        return _tidy(unescape(markup))
    try:
        tree = lxml_html.fragment_fromstring(markup, create_parent="div")
    except (ParserError, ValueError):
        return _tidy(unescape(re.sub(r"<[^>]*>", " ", markup)))
    for element in tree.iter():
        if element.tag in {"script", "style"}:
            element.text = None
        elif element.tag in BLOCKS:
            element.tail = "\n" + (element.tail or "")
            if element.tag != "br":
                element.text = "\n" + (element.text or "")
        elif element.tag in {"td", "th"}:
            element.tail = " " + (element.tail or "")
    return _tidy(str(tree.text_content()))


def _tidy(text: str) -> str:
    return "\n".join(_lines(text))


def _lines(text: str) -> Iterable[str]:
    for line in text.split("\n"):
        if tidy := BLANKS.sub(" ", line).strip():
            yield tidy
