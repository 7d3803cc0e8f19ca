"""A text is read in the charset it is in, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.charset import decoded
from broker.errors import Unreadable

PANGRAM = "Zażółć gęślą jaźń. ŚWIĘTOSŁAW, ŹREBIĘ, ĄDAMCZEWSKI; 10% – „tak”"


@pytest.mark.parametrize("declared", ["", "utf-8", "iso-8859-1", "iso-8859-2", "windows-1250", "klingon", "utf-7"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "cp1250", "iso-8859-2"])
def test_the_bytes_decide(charset: str, declared: str) -> None:
    text = PANGRAM if charset != "iso-8859-2" else PANGRAM.replace("–", "-").replace("„tak”", '"tak"')
    assert decoded(text.encode(charset), declared=declared) == text


@pytest.mark.parametrize(("charset", "text"), [("iso-8859-15", "10 €"), ("iso-8859-1", "Größe ½"), ("cp852", "Żółw")])
def test_what_is_declared_counts_where_it_reads_as_well(charset: str, text: str) -> None:
    assert decoded(text.encode(charset), declared=charset) == text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            PANGRAM.replace("–", "-").replace("„tak”", "").encode("cp852"),
            "neither UTF-8 nor Windows-1250 nor ISO-8859-2$",
        ),
        ("ŻĄ".encode("cp852"), "is in a charset that is not known"),
        (b"\x81\x83\x88", "is in a charset that is not known"),
        (b"PK\x03\x04\x00\x00", "it is a binary file"),
        (b"\xff\xfea", "is marked as UTF-16 but is not"),
        ("Zażółć gęślą jaźń".encode()[:-1], "UTF-8 with damaged bytes"),
    ],
)
def test_what_is_no_text_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=rf"^GET x .*{says}"):
        decoded(body, "GET x")


def test_a_charset_declared_in_vain_is_named() -> None:
    with pytest.raises(Unreadable, match=r"nor ISO-8859-2, nor utf-8, as declared$"):
        decoded(b"\x81\x83\x88", declared="utf-8")


@given(st.binary(max_size=200), st.text(max_size=20))
def test_whatever_comes_is_a_text_or_unreadable(body: bytes, declared: str) -> None:
    try:
        text = decoded(body, declared=declared)
    except Unreadable:
        return
    assert "\ufffd" not in text or b"\xef\xbf\xbd" in body or body[:2] in (b"\xff\xfe", b"\xfe\xff")


@given(st.text())
def test_what_is_utf8_stays_what_it_is(text: str) -> None:
    if "\x00" not in text:
        assert decoded(text.encode()) == text.removeprefix("\ufeff")
