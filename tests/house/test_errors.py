"""The tree of errors is the one drawn, every code is documented, and whatever aiohttp raises has its place in it."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker import errors
from broker.errors import BrokerError, Oversized, Refused, SourceError, Unavailable, Unreadable
from broker.transport import as_source_error
from broker.upstream import Request


def descendants(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(descendants(one) for one in kind.__subclasses__()))


def drawn() -> dict[str, str]:
    """Child → parent, as the docstring draws them; the depth of a line is where its name begins."""
    parents, path = {}, ["BrokerError"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│ ]*[├└]── )(\w+)", line):
            path[len(match[1]) // 4 :] = [match[2]]
            parents[match[2]] = path[-2]
    return parents


def test_the_tree_is_drawn_as_it_is() -> None:
    ours = {one for one in descendants(BrokerError) if one.__module__ == "broker.errors"}
    assert drawn() == {one.__name__: one.__bases__[0].__name__ for one in ours - {BrokerError}}
    assert set(errors.__all__) == {one.__name__ for one in ours}


def test_codes_are_distinct() -> None:
    codes = [one.code for one in descendants(BrokerError) if issubclass(one, BrokerError)]
    assert sorted(set(codes)) == sorted(codes)


def test_every_code_is_documented(root: Path) -> None:
    page = (root / "docs/errors.md").read_text(encoding="utf-8")
    titles = re.findall(r"^### `([A-Z_]+)`$", page, re.MULTILINE)
    assert {one.code for one in descendants(BrokerError) if issubclass(one, BrokerError)} - set(titles) == set()


EXPECTED: dict[str, type[BrokerError]] = {
    "ClientConnectionError": Unavailable,
    "ClientConnectionResetError": Unavailable,
    "ClientConnectorCertificateError": Refused,
    "ClientConnectorDNSError": Unavailable,
    "ClientConnectorError": Unavailable,
    "ClientConnectorSSLError": Refused,
    "ClientError": Unavailable,
    "ClientHttpProxyError": Unavailable,
    "ClientOSError": Unavailable,
    "ClientPayloadError": Unavailable,
    "ClientProxyConnectionError": Unavailable,
    "ClientResponseError": Unavailable,
    "ClientSSLError": Refused,
    "ConnectionTimeoutError": Unavailable,
    "ContentTypeError": Unreadable,
    "InvalidURL": Refused,
    "InvalidUrlClientError": Refused,
    "InvalidUrlRedirectClientError": Refused,
    "NonHttpUrlClientError": Refused,
    "NonHttpUrlRedirectClientError": Refused,
    "RedirectClientError": Unavailable,
    "ServerConnectionError": Unavailable,
    "ServerDisconnectedError": Unavailable,
    "ServerFingerprintMismatch": Unavailable,
    "ServerTimeoutError": Unavailable,
    "SocketTimeoutError": Unavailable,
    "TooManyRedirects": Refused,
    "UnixClientConnectorError": Unavailable,
    "UploadAbortedError": Unavailable,
    "WSServerHandshakeError": Unavailable,
}
KINDS = {one.__name__: one for one in descendants(aiohttp.ClientError) if one.__module__.startswith("aiohttp.")}


class Named(Exception):
    """Gives an aiohttp error a text without the connection its own text is made of."""

    def __str__(self) -> str:
        return "as it happened"


def test_every_error_of_aiohttp_has_its_place() -> None:
    assert set(KINDS) == set(EXPECTED), "aiohttp's errors have changed: give each a place in transport.AIOHTTP_ERRORS"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_error_of_aiohttp_becomes_ours(name: str) -> None:
    shown: Any = type(name, (KINDS[name],), {"__str__": Named.__str__})
    request = Request("GET", "https://city.example/data", {"page": "2"})
    made = as_source_error(shown.__new__(shown), request)
    assert type(made) is EXPECTED[name]
    assert str(made).startswith("GET https://city.example/data?page=2: ")
    assert str(made).endswith(f"({name}: as it happened)")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(TimeoutError("60 s"), Unavailable), (ConnectionResetError("gone"), Unavailable), (ValueError("?"), SourceError)],
)
def test_what_lies_below_aiohttp_becomes_ours(raised: Exception, expected: type[BrokerError]) -> None:
    assert type(as_source_error(raised, Request("GET", "https://city.example"))) is expected


def test_only_what_a_client_can_do_something_about_reaches_it() -> None:
    public = {one.__name__ for one in descendants(BrokerError) if issubclass(one, BrokerError) and one.public}
    assert public == {
        *(
            "RequestError",
            "BadRequest",
            "BadArgument",
            "Busy",
            "NotFound",
            "NotInVersion",
            "TooMuch",
            "Overdue",
            "UnknownDocument",
            "VersionGone",
        ),
        "StoreUnavailable",
        *("SourceError", "Unavailable", "Refused", "Oversized", "Unreadable", "Suspicious"),
    }
    assert issubclass(Oversized, SourceError)
