"""A good answer taken apart and put together again: the rows of each form, and what can be done to them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any, Protocol

import openpyxl
import orjson
from lxml import etree

__all__ = ["Csv", "Form", "Json", "Opened", "Xlsx", "Xml"]


class Opened(Protocol):
    """An answer taken apart."""

    rows: list[Any]

    def written(self) -> bytes:
        """The answer with the rows as they are now."""
        ...

    def put(self, row: Any, name: str, value: str) -> None:
        """Give a row's field another value."""
        ...

    def rename(self, name: str, to: str) -> None:
        """Give a field another name, in all rows."""
        ...

    def swap(self) -> None:
        """Exchange the axes of every place."""
        ...

    def state(self, total: int) -> None:
        """State another number of rows; nothing where the form states none."""
        ...


class Form(Protocol):
    """How answers of one form are taken apart."""

    def __call__(self, body: bytes) -> Opened:
        """Take an answer apart."""
        ...


@dataclass(frozen=True)
class Json:
    """JSON: a list at the end of a path; ``totals`` are where the number is stated."""

    path: Sequence[str | int]
    totals: Sequence[Sequence[str | int]] = ()

    def __call__(self, body: bytes) -> "OpenedJson":
        return OpenedJson(self, orjson.loads(body))


class OpenedJson:
    def __init__(self, form: Json, document: Any) -> None:
        self.form = form
        self.document = document
        found = self._at(form.path)
        self.rows: list[Any] = found if isinstance(found, list) else [found] if found else []

    def written(self) -> bytes:
        holder = self._at(self.form.path[:-1])
        if isinstance(holder, dict):
            holder[self.form.path[-1]] = self.rows
        return orjson.dumps(self.document)

    def put(self, row: Any, name: str, value: str) -> None:
        (row if name in row else row["properties"])[name] = value

    def rename(self, name: str, to: str) -> None:
        for row in self.rows:
            held = row if name in row else row["properties"]
            held[to] = held.pop(name)

    def swap(self) -> None:
        for row in self.rows:
            row["geometry"]["coordinates"].reverse()

    def state(self, total: int) -> None:
        for path in self.form.totals:
            holder = self._at(path[:-1])
            if isinstance(holder, dict):
                holder[path[-1]] = total

    def _at(self, path: Sequence[str | int]) -> Any:
        found = self.document
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return found


@dataclass(frozen=True)
class Xml:
    """XML: the elements of a name, and in which elements the coordinates are."""

    row: str
    places: Sequence[str] = ()

    def __call__(self, body: bytes) -> "OpenedXml":
        return OpenedXml(self, etree.fromstring(body))


class OpenedXml:
    def __init__(self, form: Xml, root: Any) -> None:
        self.form = form
        self.root = root
        self.rows: list[Any] = list(root.iter(f"{{*}}{form.row}"))
        self.holder = self.rows[0].getparent() if self.rows else root

    def written(self) -> bytes:
        for one in list(self.holder.iterchildren(f"{{*}}{self.form.row}")):
            self.holder.remove(one)
        self.holder.extend(self.rows)
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8")

    def put(self, row: Any, name: str, value: str) -> None:
        for one in row.iter(f"{{*}}{name}"):
            one.text = value

    def rename(self, name: str, to: str) -> None:
        for row in self.rows:
            for one in row.iter(f"{{*}}{name}"):
                one.tag = f"{{{etree.QName(one).namespace}}}{to}" if etree.QName(one).namespace else to

    def swap(self) -> None:
        for row in self.rows:
            found = [one for name in self.form.places for one in row.iter(f"{{*}}{name}")]
            if len(self.form.places) > 1:
                texts = [one.text for one in found]
                for one, text in zip(found, reversed(texts), strict=True):
                    one.text = text
                continue
            for one in found:
                numbers = one.text.split()
                one.text = " ".join(" ".join(pair) for pair in zip(numbers[1::2], numbers[::2], strict=True))

    def state(self, total: int) -> None:
        if self.root.get("numberMatched"):
            self.root.set("numberMatched", str(total))


@dataclass(frozen=True)
class Attributes:
    """XML whose rows are elements with attributes alone, and in which attributes the coordinates are."""

    row: str
    places: tuple[str, str]

    def __call__(self, body: bytes) -> "OpenedAttributes":
        return OpenedAttributes(Xml(self.row, self.places), etree.fromstring(body))


class OpenedAttributes(OpenedXml):
    def put(self, row: Any, name: str, value: str) -> None:
        row.set(name, value)

    def rename(self, name: str, to: str) -> None:
        for row in self.rows:
            if name in row.attrib:
                row.set(to, row.attrib.pop(name))

    def swap(self) -> None:
        first, second = self.form.places
        for row in self.rows:
            one, other = row.get(first), row.get(second)
            row.set(first, other)
            row.set(second, one)


class Cells:
    """A table: its lines, of which one is the header."""

    def __init__(self, lines: list[list[Any]], header: int, places: Sequence[str]) -> None:
        self.above = lines[: header + 1]
        self.rows: list[Any] = lines[header + 1 :]
        self.places = places

    @property
    def lines(self) -> list[list[Any]]:
        return [*self.above, *self.rows]

    def put(self, row: Any, name: str, value: str) -> None:
        row[self.above[-1].index(name)] = value

    def rename(self, name: str, to: str) -> None:
        self.above[-1][self.above[-1].index(name)] = to

    def swap(self) -> None:
        first, second = (self.above[-1].index(one) for one in self.places)
        for row in self.rows:
            row[first], row[second] = row[second], row[first]

    def state(self, total: int) -> None:
        """A table states nothing."""


@dataclass(frozen=True)
class Csv:
    """CSV in Windows-1250 with semicolons, as offices write it."""

    header: int
    places: Sequence[str] = ()

    def __call__(self, body: bytes) -> "OpenedCsv":
        lines = list(csv.reader(StringIO(body.decode("cp1250")), delimiter=";"))
        return OpenedCsv(lines, self.header, self.places)


class OpenedCsv(Cells):
    def written(self) -> bytes:
        out = StringIO()
        csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(self.lines)
        return out.getvalue().encode("cp1250")


@dataclass(frozen=True)
class Xlsx:
    """One sheet of a workbook; the others are left out of what is written."""

    sheet: str
    header: int

    def __call__(self, body: bytes) -> "OpenedXlsx":
        book = openpyxl.load_workbook(BytesIO(body), read_only=True)
        lines = [list(line) for line in book[self.sheet].iter_rows(values_only=True)]
        book.close()
        return OpenedXlsx(self.sheet, lines, self.header)


class OpenedXlsx(Cells):
    def __init__(self, sheet: str, lines: list[list[Any]], header: int) -> None:
        super().__init__(lines, header, ())
        self.sheet = sheet

    def written(self) -> bytes:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet(self.sheet)
        for line in self.lines:
            sheet.append(line)
        out = BytesIO()
        book.save(out)
        return out.getvalue()
