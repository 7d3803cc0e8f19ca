"""Which charset a text from a source is in: decided by its bytes, since what a sender declares is often wrong."""

import codecs
import re
from collections.abc import Iterator

from broker.errors import Unreadable

__all__ = ["decoded"]

# The two charsets of Polish text differ in six letters: ą ś ź and their capitals. Read in the wrong one they are signs that no
# Polish word holds, or control characters: so the reading with more letters and without control characters is the true one.
LETTERS = re.compile(r"[ąćęłńóśźżĄĆĘŁŃÓŚŹŻ]")
STRANGE = re.compile(r"[¦ĽľĹĺŤťľˇ±¶·¬šž¤˝¨¸˛˘˙]")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
POLISH = ("cp1250", "iso-8859-2")
DECLARABLE = frozenset(
    {"cp1250", "cp1252", "cp852", "iso8859-1", "iso8859-2", "iso8859-15", "iso8859-16", "mac-latin2"}
)


def decoded(body: bytes, where: str = "the answer", declared: str = "") -> str:
    """The text in the charset the bytes give evidence of: UTF-8 or 16 by mark, UTF-8, then Windows-1250 or ISO-8859-2.

    The declared charset counts where it reads the bytes as well as these two. Raises `Unreadable`, beginning with ``where``,
    for bytes that are no text in any of them: a text is never given in a charset that nothing speaks for.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return body.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Unreadable(f"{where} is marked as UTF-16 but is not: {error}") from error
    if b"\x00" in body:
        raise Unreadable(f"{where} is not a text: it is a binary file")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Text in a one-byte charset is hardly ever valid as UTF-8 by chance: so where most of it is, it was damaged on the way.
        patched = body.decode("utf-8", errors="replace")
        if sum(letter > "\x7f" for letter in patched) > 2 * patched.count("\ufffd"):
            raise Unreadable(f"{where} is UTF-8 with damaged bytes in it: {error}") from error
        return _in_one_byte(body, where, declared)


def _in_one_byte(body: bytes, where: str, declared: str) -> str:
    stated = list(_readings(body, [name for name in [_name(declared)] if name in DECLARABLE]))
    readings = [*stated, *_readings(body, POLISH)]
    best = max(readings, key=_polish, default=None)  # the first of equals: what was declared
    if best is None or (_polish(best) < 0 and not stated):
        also = f", nor {declared}, as declared" if declared else ""
        raise Unreadable(
            f"{where} is in a charset that is not known: neither UTF-8 nor Windows-1250 nor ISO-8859-2{also}"
        )
    return best


def _readings(body: bytes, charsets: tuple[str, ...] | list[str]) -> Iterator[str]:
    """The body in each charset in which it has no control characters and nothing undefined."""
    for charset in charsets:
        try:
            text = body.decode(charset)
        except UnicodeDecodeError:
            continue
        if not CONTROL.search(text):
            yield text


def _name(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except (LookupError, ValueError):  # a name may be anything
        return ""


def _polish(text: str) -> int:
    return len(LETTERS.findall(text)) - 2 * len(STRANGE.findall(text))
