"""Tables as offices publish them: charsets, delimiters, titles above the header, workbooks, and what is refused."""

import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from broker.charset import decoded
from broker.errors import Oversized, Unreadable
from broker.upstream import Page, Request, Sample, Upstream
from connectors.protocols import sheets
from connectors.protocols.sheets import Sheet

TEXT = "Nazwa;Ulica\nPunkt Żegrze;ul. Śniadeckich\nŁazarz;Głogowska, źródło\n"
ROWS = [
    {"Nazwa": "Punkt Żegrze", "Ulica": "ul. Śniadeckich"},
    {"Nazwa": "Łazarz", "Ulica": "Głogowska, źródło"},
]


def rows(body: bytes, **options: Any) -> list[Mapping[str, str]]:
    return list(Sheet("x", **options).rows(Page(body, "GET x")))


def workbook(fill: Callable[[Any], None]) -> bytes:
    book, out = openpyxl.Workbook(), BytesIO()
    fill(book)
    book.save(out)
    return out.getvalue()


def repacked(body: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def plain(book: Any) -> None:
    for row in (["a", "b"], [1, 2]):
        book.active.append(row)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "cp1250", "iso-8859-2"])
def test_the_charset_is_found_by_evidence(charset: str) -> None:
    assert rows(TEXT.encode(charset)) == ROWS


@pytest.mark.parametrize("charset", ["cp1250", "iso-8859-2"])
@pytest.mark.parametrize("word", ["ąka", "śnieg", "źrebię", "ŚRÓDKA", "ŹRÓDŁO", "KĄTY"])
def test_one_word_is_evidence_enough(charset: str, word: str) -> None:
    assert decoded(word.encode(charset)) == word


def test_typographic_signs_speak_for_windows() -> None:
    assert decoded("„Cafe” – bar".encode("cp1250")) == "„Cafe” – bar"


def test_damaged_utf8_is_not_taken_for_another_charset() -> None:
    with pytest.raises(Unreadable, match="UTF-8 with damaged bytes"):
        rows((TEXT * 3).encode()[:-3] + b"\xc5")


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_ends_are_found(delimiter: str, end: str) -> None:
    lines = [["Nazwa", "Kwota", "Uwagi"], ["a", '"1,5; 2"', '"dwie\nlinie"'], ["b", "3", '"w ""cudzysłowie"""']]
    body = end.join(delimiter.join(line) for line in lines).encode()

    assert rows(body) == [
        {"Nazwa": "a", "Kwota": "1,5; 2", "Uwagi": "dwie\nlinie"},
        {"Nazwa": "b", "Kwota": "3", "Uwagi": 'w "cudzysłowie"'},
    ]


def test_decimal_commas_do_not_pass_for_delimiters() -> None:
    assert rows(b"a;b\n1,5;2,5\n3,0;4,0\n") == [{"a": "1,5", "b": "2,5"}, {"a": "3,0", "b": "4,0"}]


def test_titles_and_blank_rows_are_passed_over_and_short_rows_filled() -> None:
    body = b"Wykaz punktow;;\n;;\n\nnr;  nazwa   punktu ;\n1;a;\n;;\n2\n"

    assert rows(body) == [
        {"nr": "1", "nazwa punktu": "a", "column 3": ""},
        {"nr": "2", "nazwa punktu": "", "column 3": ""},
    ]


def test_a_row_with_too_many_cells_is_given_as_that_fault_alone() -> None:
    assert rows(b"a;b\n1;2\n3;4;5\n6;7\n") == [
        {"a": "1", "b": "2"},
        {"row 3 has 3 cells, the header 2": "3 | 4 | 5"},
        {"a": "6", "b": "7"},
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not a table: it is empty"),
        (b" \n", "it is empty"),
        (b"<!DOCTYPE html><html>", "is not a table: it is an HTML page"),
        (b"\xef\xbb\xbf\n<HTML><body>blad", "it is an HTML page"),
        (b"<?xml version='1.0'?><a/>", "it begins with"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "format before 2007"),
        (b"a;b\x00\n", "a binary file"),
        (b"only one column\nx\n", "has no header"),
        (b'a;b\n"never closed;1\n', "is not CSV"),
        (b"a;a\n1;2\n", "names a twice"),
        (b"\xff\xfea", "not: 'utf-16-le'"),
        (b"PK\x03\x04 cut short", "is not a workbook"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        rows(body)


def test_a_missing_column_is_named_beside_those_there_are() -> None:
    with pytest.raises(Unreadable, match="the header lacks c; it has a, b"):
        rows(b"a;b\n1;2\n", required=("a", "c"))
    with pytest.raises(Unreadable, match="no header with c, d in its first 30 rows"):
        rows(b"a;b\n" * 40, required=("c", "d"))
    assert rows(b"z;y\na;b\n1;2\n", required=("a", "b")) == [{"a": "1", "b": "2"}]


def test_a_workbook_gives_plain_texts() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.append(["Zestawienie"])
        sheet.append([])
        sheet.append(["dzień", "chwila", "od", "liczba", "ułamek", "czy", "nic", "tekst"])
        sheet.append(
            [
                date(2017, 1, 2),
                datetime.fromisoformat("2017-01-02T03:04"),
                time(7, 30),
                12.0,
                0.1 + 0.2,
                True,
                None,
                " ł ",
            ]
        )

    assert rows(workbook(fill)) == [
        {
            "dzień": "2017-01-02",
            "chwila": "2017-01-02T03:04:00",
            "od": "07:30",
            "liczba": "12",
            "ułamek": "0.3",
            "czy": "tak",
            "nic": "",
            "tekst": "ł",
        }
    ]


def test_a_sheet_is_chosen_by_name_and_a_missing_one_named() -> None:
    def fill(book: Any) -> None:
        plain(book)
        book.active.title = "pierwszy"
        other = book.create_sheet("drugi")
        other.append(["c", "d"])
        other.append([3, 4])

    body = workbook(fill)
    assert rows(body) == [{"a": "1", "b": "2"}]
    assert rows(body, sheet="drugi") == [{"c": "3", "d": "4"}]
    with pytest.raises(Unreadable, match="has no sheet 'trzeci'; it has pierwszy, drugi"):
        rows(body, sheet="trzeci")


def test_a_wrong_stated_size_cuts_nothing_off() -> None:
    body = repacked(workbook(plain), lambda _, part: part.replace(b'ref="A1:B2"', b'ref="A1:A1"'))

    assert rows(body) == [{"a": "1", "b": "2"}]


def test_a_workbook_that_would_unpack_too_large_is_refused_before_it_is() -> None:
    bomb = repacked(workbook(plain), lambda name, part: b" " * (5 << 20) if name.endswith("sheet1.xml") else part)
    with pytest.raises(Oversized, match="times its size; at most 200"):
        rows(bomb)

    huge = repacked(workbook(plain), lambda name, part: b" " * (65 << 20) if name.endswith("sheet1.xml") else part)
    with pytest.raises(Oversized, match=f"at most {64 << 20} are read"):
        rows(huge)


def test_entities_in_a_workbook_are_refused() -> None:
    head = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "eee">]>'
    with pytest.raises(Unreadable, match=r"sheet1\.xml declares a document type"):
        rows(repacked(workbook(plain), lambda name, part: head + part if name.endswith("sheet1.xml") else part))


def test_a_zip_that_is_no_workbook_and_a_damaged_sheet_are_refused() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("content.txt", "x")
    with pytest.raises(Unreadable, match="is not a workbook"):
        rows(out.getvalue())
    with pytest.raises(Unreadable, match=r"is not a workbook|cannot be read"):
        rows(repacked(workbook(plain), lambda name, part: part[:200] if name.endswith("sheet1.xml") else part))


def test_bounds_on_rows_and_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)
    assert len(rows(b"a;b\n\n\n1;2\n3;4\n")) == 2
    with pytest.raises(Oversized, match="more than 3 rows"):
        rows(b"a;b\n1;2\n3;4\n5;6\n")
    monkeypatch.setattr(sheets, "MAX_CELLS", 3)
    with pytest.raises(Oversized, match="more than 3 cells"):
        rows(workbook(plain))


async def test_the_file_is_asked_for_below_the_base() -> None:
    asked: list[str] = []

    def answer(request: Request) -> bytes:
        asked.append(str(request))
        return b"a;b\n1;2\n"

    reader = Sheet("files/x.csv", params={"v": "2"})
    pages = [page async for page in reader.fetch(Upstream("http://city/data", Sample(answer)))]

    assert asked == ["GET http://city/data/files/x.csv?v=2"]
    assert list(reader.rows(pages[0])) == [{"a": "1", "b": "2"}]


def test_a_part_that_ends_before_its_stated_size_is_refused() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as book:
        book.writestr("part.xml", b"<part/>")
    size = len(b"<part/>").to_bytes(4, "little")
    whole = packed.getvalue().replace(size * 2, (1 << 16).to_bytes(4, "little") * 2)
    with pytest.raises(Unreadable, match="is not a workbook"):
        rows(whole)
