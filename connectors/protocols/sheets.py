"""Tables that offices publish as files: CSV in whatever charset and delimiter, and XLSX.

A row maps the header's names to texts: dates as ISO, whole numbers without a decimal point, empty cells as empty texts.
The header is the first row with at least two names of its own; titles and blank rows above it are passed over. A row with
more cells than the header names is given under the name of that fault, so that it is rejected and no other is.
"""

import csv
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import BytesIO, StringIO
from zipfile import BadZipFile, ZipFile

from broker.charset import decoded
from broker.errors import Oversized, Unreadable
from broker.upstream import Page, Upstream

__all__ = ["Sheet", "csv_rows", "xlsx_rows"]

MAX_UNPACKED = 64 << 20  # bytes of all parts of a workbook together
MAX_RATIO = 200  # unpacked to packed: honest sheets stay below 30
MAX_ROWS = 1_000_000
MAX_CELLS = 20_000_000
HEADER_WITHIN = 30  # rows above the header that are looked at
DELIMITERS = ";,\t|"
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0"  # a workbook of before 2007, or one with a password


@dataclass(frozen=True, slots=True)
class Sheet:
    """Reads one table file: ``path`` below the source's base URL, with ``params`` if it is asked for with any.

    Args:
        path: relative to the source's base URL; CSV or XLSX is seen from the bytes, not from the name.
        sheet: the name of the XLSX sheet; the first one when left out.
        params: the query of the request.
        required: column names without which the file is another one than expected.
    """

    path: str
    sheet: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    async def fetch(self, upstream: Upstream) -> AsyncIterator[Page]:
        """Ask for the file."""
        yield await upstream.get(self.path, self.params)

    def rows(self, page: Page) -> Iterator[Mapping[str, str]]:
        """The rows below the header; raises `Unreadable` when it is no table or lacks a required column."""
        where = page.url or "the answer"
        lines = (
            xlsx_rows(page.body, self.sheet, where)
            if page.body[:4] == ZIP
            else csv_rows(page.body, where, page.charset)
        )
        return _named(lines, self.required, where)


def csv_rows(body: bytes, where: str = "the file", charset: str = "") -> Iterator[list[str]]:
    """The cells of a CSV file, row by row; raises `Unreadable` when it is markup, an old workbook, or binary.

    ``charset`` is the one that its sender declares.
    """
    start = body[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Unreadable(f"{where} is not a table: it is empty")
    if start.lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Unreadable(f"{where} is not a table: {Page(start).looks_like}")
    if start.startswith(OLE):
        raise Unreadable(
            f"{where} is a workbook of the format before 2007, or one with a password; XLSX or CSV is read"
        )
    text = decoded(body, where, charset).replace("\r\n", "\n").replace("\r", "\n")
    try:
        yield from csv.reader(StringIO(text), delimiter=_delimiter(text), strict=True)
    except csv.Error as error:
        raise Unreadable(f"{where} is not CSV: {error}") from error


def xlsx_rows(body: bytes, sheet: str | None = None, where: str = "the file") -> Iterator[list[str]]:
    """The cells of a workbook's sheet as text, row by row.

    Raises `Oversized` before anything is unpacked when it would grow beyond the bounds, `Unreadable` when it is no workbook.
    """
    # Takes a tenth of the start, and is needed only when a workbook is refreshed.
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    _bounded(body, where)
    try:
        book = load_workbook(BytesIO(body), read_only=True, data_only=True, keep_links=False)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError, SyntaxError, TypeError) as error:
        raise Unreadable(f"{where} is not a workbook: {type(error).__name__}: {error}") from error
    try:
        names = [one.title for one in book.worksheets]
        if not names or (sheet is not None and sheet not in names):
            raise Unreadable(f"{where} has no sheet {sheet!r}; it has {', '.join(names) or 'none'}")
        chosen = book[sheet or names[0]]
        # The stated size of a sheet can be wrong, and a wrong one cuts rows off or invents a million.
        chosen.reset_dimensions()
        try:
            seen = 0
            for cells in chosen.iter_rows(values_only=True):
                seen += len(cells)
                if seen > MAX_CELLS:
                    raise Oversized(f"{where} has more than {MAX_CELLS} cells")
                yield [_text(cell) for cell in cells]
        except (BadZipFile, KeyError, ValueError, OSError, SyntaxError, TypeError, IndexError) as error:
            raise Unreadable(f"{where}: its sheet cannot be read: {type(error).__name__}: {error}") from error
    finally:
        book.close()


def _named(lines: Iterable[list[str]], required: tuple[str, ...], where: str) -> Iterator[Mapping[str, str]]:
    """The rows below the header by its names."""
    header: list[str] | None = None
    filled = 0
    for position, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        filled += 1
        if filled > MAX_ROWS:
            raise Oversized(f"{where} has more than {MAX_ROWS} rows")
        if header is None:
            header = _header(cells, required, where, filled)
        elif any(cells[len(header) :]):
            yield {f"row {position} has {len(cells)} cells, the header {len(header)}": " | ".join(cells)}
        else:
            yield dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=False))
    if header is None:
        raise Unreadable(f"{where} has no header: no row in it names two columns or more")


def _header(cells: list[str], required: tuple[str, ...], where: str, position: int) -> list[str] | None:
    """The row's cells when it is the header, none when it is a title above it."""
    names = [" ".join(cell.split()) for cell in cells]
    present = [name for name in names if name]
    missing = [name for name in required if name not in present]
    if required and missing and len(missing) < len(required):
        raise Unreadable(f"{where}: the header lacks {', '.join(missing)}; it has {', '.join(present)}")
    if not missing and len(present) >= min(2, len(required) or 2):
        if twice := sorted({name for name in present if present.count(name) > 1}):
            raise Unreadable(f"{where}: the header names {', '.join(twice)} twice")
        return [name or f"column {order}" for order, name in enumerate(names, 1)]
    if position >= HEADER_WITHIN:
        raise Unreadable(f"{where} has no header with {', '.join(required)} in its first {HEADER_WITHIN} rows")
    return None


def _bounded(body: bytes, where: str) -> None:
    try:
        with ZipFile(BytesIO(body)) as packed:
            _sized(packed, len(body), where)
            for part in packed.infolist():
                text = packed.read(part) if part.filename.endswith((".xml", ".rels")) else b""
                if b"<!DOCTYPE" in text or b"\x00" in text[:100]:
                    raise Unreadable(f"{where}: its part {part.filename} declares a document type, which is refused")
    except (BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error) as error:
        raise Unreadable(f"{where} is not a workbook: {error}") from error


def _sized(packed: ZipFile, size: int, where: str) -> None:
    parts = packed.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED:
        raise Oversized(f"{where} would unpack to {unpacked} bytes; at most {MAX_UNPACKED} are read")
    if unpacked > MAX_RATIO * max(size, 1 << 14):
        raise Oversized(f"{where} would unpack to {unpacked // size} times its size; at most {MAX_RATIO} is read")


def _delimiter(text: str) -> str:
    """The delimiter that splits the first rows most evenly: the same count in the most rows, then the most columns."""
    best, found = (0, 0), ";"
    for delimiter in DELIMITERS:
        rows = [row for row, _ in zip(csv.reader(StringIO(text), delimiter=delimiter), range(40), strict=False)]
        widths = [len(row) for row in rows if len(row) > 1]
        score = max(((widths.count(width), width) for width in set(widths)), default=(0, 0))
        if score > best:
            best, found = score, delimiter
    return found


def _text(cell: object) -> str:
    """A cell as text: dates in ISO, midnight left out, whole numbers without a point, yes and no in Polish."""
    match cell:
        case None:
            return ""
        case bool():
            return "tak" if cell else "nie"
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep="T", timespec="seconds")
        case date():
            return cell.isoformat()
        case time():
            return cell.isoformat(timespec="minutes")
        case float():
            return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"  # the digits that the sheet itself keeps
        case _:
            return str(cell)
