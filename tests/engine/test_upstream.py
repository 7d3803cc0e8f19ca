"""What a connector may ask, what is asked again, and what every answer is checked for before a reader sees it."""

from collections.abc import Iterator

import pytest
import stamina

from broker.errors import BrokerError, Refused, Unavailable, Unreadable
from broker.upstream import Page, Received, Request, Sample, Upstream


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


class Failing:
    """A transport that fails with each error in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.sent = 0

    async def send(self, request: Request) -> Received:
        self.sent += 1
        if self.errors:
            raise self.errors.pop(0)
        return Received(f"{request}".encode())


async def test_what_only_asks_is_sent_again_and_what_may_change_something_is_not() -> None:
    for ask, sent in (
        (lambda source: source.get("a"), 2),
        (lambda source: source.post("a", {"p": "1"}, only_asks=True), 2),
        (lambda source: source.post("a", {"p": "1"}), 1),
    ):
        transport = Failing(Unavailable("busy"))
        source = Upstream("http://city", transport)
        if sent == 1:
            with pytest.raises(Unavailable, match="busy"):
                await ask(source)
        else:
            await ask(source)
        assert transport.sent == sent


@pytest.mark.parametrize(("again", "sent"), [(True, 3), (0.0, 3), (30.0, 3), (False, 1)])
async def test_an_error_decides_whether_another_attempt_is_worth_it(again: float, sent: int) -> None:
    transport = Failing(*(Unavailable("busy", again=again) for _ in range(5)))
    with pytest.raises(Unavailable, match="busy"):
        await Upstream("http://city", transport).get()
    assert transport.sent == sent


MESSAGES = [
    (b"\n<!DOCTYPE html><title>Przerwa <b>techniczna</b></title>", "it is an HTML page: Przerwa techniczna"),
    (b"\xef\xbb\xbf<HTML lang=pl>", "it is an HTML page"),
    (b'<?xml version="1.0"?>\n<!-- a --><!-- b -->\n<html xmlns="http://www.w3.org/1999/xhtml"/>', "it is an HTML page"),
    (b"<h1>502 Bad Gateway</h1>", "it is an HTML page: 502 Bad Gateway"),
    (b"<br />\n<b>Warning</b>: mysql_connect()", "it is an HTML page"),
    (b'<?xml version="1.0"?><ows:ExceptionReport><a>No</a> <b>such layer</b></ows:ExceptionReport>', "it is an exception report: No such layer"),
    (b'<!DOCTYPE ServiceExceptionReport SYSTEM "http://x/y.dtd"><ServiceExceptionReport/>', "it is an exception report"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "what"), MESSAGES)
async def test_a_message_in_place_of_data_is_named(body: bytes, what: str) -> None:
    source = Upstream("http://city", Sample(lambda _: body))
    with pytest.raises(Unreadable) as raised:
        await source.get("x")
    assert str(raised.value) == f"GET http://city/x: {what}"
    with pytest.raises(Unreadable):
        await source.post("x", {})


async def test_an_html_page_that_is_wanted_is_given() -> None:
    assert (await Upstream("http://city", Sample(lambda _: b"<html>")).get(html=True)).body == b"<html>"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b'{"a": "<html>"}', b"<rss><title>html</title></rss>", b"<htmlish/>", b"a;b\n<html>;2",
        b"<events><ExceptionReport/></events>", b"<?xml version='1.0'?>" + b"<!-- -->" * 50_000 + b"<a/>",
        b"<!--" * 5000,
    ],
)  # fmt: skip
async def test_data_goes_to_the_reader_as_it_is(body: bytes) -> None:
    assert (await Upstream("http://city", Sample(lambda _: body)).get()).body == body


async def test_the_sample_answers_inside_the_process() -> None:
    def known(request: Request) -> bytes:
        return {"http://city/a?x=1": b"A"}[str(request).removeprefix("GET ")]

    source = Upstream("http://city", Sample(known))
    assert await source.get("a", {"x": "1"}) == Page(b"A", "GET http://city/a?x=1", {})
    with pytest.raises(Refused, match="GET http://city/b: the sample data has no answer for this"):
        await source.get("b")


async def test_an_error_of_our_own_is_passed_on_as_it_is() -> None:
    def broken(_: Request) -> bytes:
        raise BrokerError("ours")

    with pytest.raises(BrokerError, match=r"^ours$"):
        await Upstream("http://city", Sample(broken)).get()


@pytest.mark.parametrize(
    ("body", "looks"),
    [
        (b" \n", "it is empty"),
        (b"\n<!DOCTYPE html><title>Przerwa</title>", "it is an HTML page: Przerwa"),
        (b"<HTML lang=pl>", "it is an HTML page"),
        (b'<?xml version="1.0"?><ows:ExceptionReport/>', "it is an exception report"),
        (b'{"cut": ', "it begins with '{\"cut\": '"),
        (b"\xff\xfe", r"it begins with '\\xff\\xfe'"),
    ],
)
def test_what_is_not_json_is_described(body: bytes, looks: str) -> None:
    page = Page(body, "GET http://city/x")

    assert page.looks_like == looks
    with pytest.raises(Unreadable) as raised:
        _ = page.json
    assert str(raised.value).startswith(f"GET http://city/x is not JSON: {looks} (")


def test_json_is_read_once() -> None:
    page = Page(b'{"a": [1]}')
    assert page.json is page.json
