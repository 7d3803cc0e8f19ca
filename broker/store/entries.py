"""What the search keeps of a record: the stems of its title and texts, and the words of its title as they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from broker.language import stem, stems, words
from broker.model import Dataset, Field
from broker.store.tables import ALL, KEY, PLAIN
from broker.text import MARK

MOST_TITLE, MOST_TEXT = 150_000, 600_000
"""Bytes of words that the search reads of a record's title and of its texts: a record of PostgreSQL's search holds a mebibyte at most."""

__all__ = ["entries", "searchable", "searched", "searched_columns"]


def searchable(dataset: Dataset) -> bool:
    """Whether the search looks at this data set: it does when a field is declared as its title."""
    return any(one.search == "title" for one in dataset.fields)


def searched_columns(dataset: Dataset) -> list[str]:
    """The columns that `searched` reads."""
    return [one.name + PLAIN if one.html else one.name for one in dataset.fields if one.search]


def searched(dataset: Dataset, row: Mapping[str, Any]) -> tuple[str, str]:
    """The title and the other searched text of a stored row, in Polish where there are several languages."""
    parts: dict[str | None, list[str]] = {"title": [], "text": []}
    for field in dataset.fields:
        if field.search and (value := _words(field, row)):
            parts[field.search].append(value)
    return " · ".join(parts["title"]), "\n".join(parts["text"])


def _words(field: Field, row: Mapping[str, Any]) -> str | None:
    value = row[field.name + PLAIN] if field.html else row[field.name]
    if value is None:
        return None
    return " ".join(orjson.loads(value)) if field.kind is tuple else str(value)


def entries(dataset: Dataset, rows: Sequence[Mapping[str, Any]], first: int) -> Iterator[dict[str, Any]]:
    """The search entries of encoded rows, numbered from ``first``."""
    titles = [one for one in dataset.fields if one.search == "title"]
    texts = [one for one in dataset.fields if one.search == "text"]
    for number, row in enumerate(rows, start=first):
        title = words(" ".join([_folded(one, row) for one in titles]))
        text = "\n".join([_folded(one, row) for one in texts])
        yield {
            "id": number,
            "row": row["_row"],
            "title": _first(" ".join(map(stem, title)), MOST_TITLE),
            "text": _first(stems(f"{text}\n{_foreign(dataset, row)}"), MOST_TEXT),
            "words": _first(" ".join(title), MOST_TITLE),
        }


def _first(words: str, most: int) -> str:
    """The longest prefix of whole words that has at most ``most`` bytes."""
    if len(words) * 4 <= most:  # no letter takes more than four
        return words
    raw = words.encode()
    return words if len(raw) <= most else raw[: raw.rindex(b" ", 0, most)].decode()


def _folded(field: Field, row: Mapping[str, Any]) -> str:
    """A searched field's words without case and marks: its collation key, where it has one, is that already."""
    if field.name + KEY in row:
        return (row[field.name + KEY] or "").replace(MARK, "")
    return _words(field, row) or ""


def _foreign(dataset: Dataset, row: Mapping[str, Any]) -> str:
    """The other languages of a record's titles: found as text, so that a visitor's word finds the event too."""
    texts = [row[one.name + ALL] for one in dataset.fields if one.localized and one.search and not one.html]
    return "\n".join(text for raw in texts if raw for language, text in orjson.loads(raw).items() if language != "pl")
