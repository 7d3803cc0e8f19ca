"""What the search keeps of a record: the stems of its title and texts, and the words of its title as they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from broker.language import stems, words
from broker.model import Dataset, Field
from broker.store.tables import ALL, PLAIN

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
    for number, row in enumerate(rows, start=first):
        title, text = searched(dataset, row)
        foreign = _foreign(dataset, row)
        yield {
            "id": number,
            "row": row["_row"],
            "title": stems(title),
            "text": stems(f"{text}\n{foreign}"),
            "words": " ".join(words(title)),
        }


def _foreign(dataset: Dataset, row: Mapping[str, Any]) -> str:
    """The other languages of a record's titles: found as text, so that a visitor's word finds the event too."""
    texts = [row[one.name + ALL] for one in dataset.fields if one.localized and one.search and not one.html]
    return "\n".join(text for raw in texts if raw for language, text in orjson.loads(raw).items() if language != "pl")
