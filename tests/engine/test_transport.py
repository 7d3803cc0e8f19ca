"""The one way out, against real servers on the loopback that answer badly in every way a city's system has."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import stamina

from broker.errors import BrokerError, Oversized, Refused, SourceError, Unavailable, Unreadable
from broker.upstream import Http, Page, Request, Sample, Upstream, connect


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Try again at once, as often as the source says but at most three times."""
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


Writer = asyncio.StreamWriter
Respond = Callable[[bytes, Writer], Awaitable[None]]


def answer(body: bytes = b"", status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}Connection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def server(respond: Respond) -> AsyncIterator[str]:
    """Serve one answer a connection; ``respond`` gets the request's head and body."""

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0"
            )
            await respond(head + await reader.readexactly(int(length)), writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}"
    finally:
        made.close()


def scripted(*answers: bytes) -> tuple[list[bytes], Respond]:
    """Answer with each in turn, the last one for ever; and the requests as they came."""
    seen: list[bytes] = []

    async def respond(request: bytes, writer: Writer) -> None:
        writer.write(answers[min(len(seen), len(answers) - 1)])
        seen.append(request)

    return seen, respond


@asynccontextmanager
async def upstream(
    base_url: str, *, attempts: int = 1, seconds: float = 5.0, max_bytes: int = 1 << 20, parallel: int = 4
) -> AsyncIterator[Upstream]:
    async with connect(seconds) as session:
        yield Upstream(base_url, Http(session, max_bytes, asyncio.Semaphore(parallel)), attempts)


async def failure(respond: Respond, **options: float) -> SourceError:
    async with server(respond) as url, upstream(url, **options) as source:  # type: ignore[arg-type]  # passed on by name
        with pytest.raises(SourceError) as raised:
            await source.get("data", {"page": "2"})
    assert str(raised.value).startswith(f"GET {url}/data?page=2: ")
    return raised.value


async def test_a_good_answer_is_a_page_that_knows_where_it_came_from() -> None:
    seen, respond = scripted(answer(b'{"a": 1}'))
    async with server(respond) as url, upstream(f"{url}/base/") as source:
        page = await source.get("/data.json", {"co": "umowa ż"}, asked={"kind": "7"})

    assert page.json == {"a": 1}
    assert page.url == f"GET {url}/base/data.json?co=umowa+%C5%BC"
    assert page.asked == {"kind": "7"}
    assert seen[0].startswith(b"GET /base/data.json?co=umowa+%C5%BC HTTP/1.1\r\n")
    assert b"user-agent: poznan-broker/" in seen[0].lower()


async def test_a_form_is_sent_as_a_form() -> None:
    seen, respond = scripted(answer(b"ok"))
    async with server(respond) as url, upstream(url) as source:
        page = await source.post("rejestr/", {"co": "search", "p": "0"}, asked={"p": "0"})

    assert (page.body, page.asked) == (b"ok", {"p": "0"})
    assert seen[0].startswith(b"POST /rejestr/ HTTP/1.1\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded" in seen[0]
    assert seen[0].endswith(b"\r\n\r\nco=search&p=0")


@pytest.mark.parametrize("status", ["500 Oops", "502 Bad Gateway", "503 Busy", "408 Slow", "425 Early", "429 Too Many"])
async def test_what_can_pass_is_tried_again(status: str) -> None:
    seen, respond = scripted(answer(status=status), answer(status=status), answer(b"at last"))
    async with server(respond) as url, upstream(url, attempts=3) as source:
        page = await source.get()

    assert page.body == b"at last"
    assert len(seen) == 3


async def test_after_the_last_attempt_the_reason_is_told() -> None:
    seen, respond = scripted(answer(status="503 Busy"))
    error = await failure(respond, attempts=2)

    assert type(error) is Unavailable
    assert str(error).endswith("the source answered 503 Busy")
    assert len(seen) == 2


@pytest.mark.parametrize("status", ["400 Bad", "401 Who", "403 Forbidden", "404 Not Found", "410 Gone", "304 Same"])
async def test_a_refusal_is_not_tried_again(status: str) -> None:
    seen, respond = scripted(answer(status=status))
    error = await failure(respond, attempts=3)

    assert type(error) is Refused
    assert str(error).endswith(f"the source answered {status}")
    assert len(seen) == 1


async def test_nobody_there() -> None:
    _, respond = scripted(answer())
    async with server(respond) as url:
        pass
    async with upstream(url) as source:
        with pytest.raises(Unavailable, match="no connection"):
            await source.get()


async def test_a_server_that_never_answers() -> None:
    async def hang(_: bytes, writer: Writer) -> None:
        await asyncio.sleep(3)
        writer.write(answer(b"too late"))

    error = await failure(hang, seconds=0.2)

    assert type(error) is Unavailable
    assert "it did not answer in time" in str(error)


async def test_a_body_that_trickles_is_bounded_in_time() -> None:
    async def trickle(_: bytes, writer: Writer) -> None:
        writer.write(answer(length=1000))
        for _step in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    error = await failure(trickle, seconds=0.3)

    assert type(error) is Unavailable
    assert "it did not answer in time" in str(error)


async def test_a_body_cut_short() -> None:
    _, respond = scripted(answer(b'{"a":', length=400))
    error = await failure(respond)

    assert type(error) is Unavailable
    assert "the body was cut short" in str(error)


async def test_a_body_too_large_is_left_after_the_bound() -> None:
    sent = 0

    async def endless(_: bytes, writer: Writer) -> None:
        nonlocal sent
        writer.write(answer(length=1 << 30))
        while sent < 1 << 30:
            writer.write(b"x" * (1 << 16))
            await writer.drain()
            sent += 1 << 16

    error = await failure(endless, max_bytes=1 << 20, attempts=3)

    assert type(error) is Oversized
    assert str(error).endswith("the body is larger than 1048576 bytes")
    assert sent < 1 << 26


async def test_a_body_exactly_at_the_bound_is_read() -> None:
    _, respond = scripted(answer(b"x" * 1000))
    async with server(respond) as url, upstream(url, max_bytes=1000) as source:
        assert len((await source.get()).body) == 1000


async def test_a_packed_body_is_bounded_by_what_it_unpacks_to() -> None:
    bomb = gzip.compress(b"0" * (1 << 25))
    _, respond = scripted(answer(bomb, headers="Content-Encoding: gzip\r\n"))

    assert len(bomb) < 1 << 20
    assert type(await failure(respond, max_bytes=1 << 20)) is Oversized


async def test_a_packed_body_is_unpacked() -> None:
    _, respond = scripted(answer(gzip.compress("żółw".encode()), headers="Content-Encoding: gzip\r\n"))
    async with server(respond) as url, upstream(url) as source:
        assert (await source.get()).body.decode() == "żółw"


async def test_what_is_no_http_and_what_hangs_up() -> None:
    for said, reason in ((b"SSH-2.0-OpenSSH_9\r\n\r\n", "its answer is not HTTP"), (b"", "no connection")):
        _, respond = scripted(said)
        error = await failure(respond)
        assert type(error) is Unavailable
        assert reason in str(error)


async def test_redirects_are_followed_but_not_without_end() -> None:
    _, respond = scripted(answer(status="302 Found", headers="Location: /other\r\n"), answer(b"there"))
    async with server(respond) as url, upstream(url) as source:
        assert (await source.get()).body == b"there"

    _, respond = scripted(answer(status="302 Found", headers="Location: /data\r\n"))
    error = await failure(respond, attempts=3)
    assert type(error) is Refused
    assert "it redirects without end" in str(error)


async def test_an_address_that_is_none() -> None:
    async with upstream("no address") as source:
        with pytest.raises(Refused, match="the address is not a URL"):
            await source.get()


async def test_a_server_without_the_tls_it_should_have() -> None:
    def plainly(_: asyncio.StreamReader, writer: Writer) -> None:
        writer.write(answer(b"in the clear"))
        writer.close()

    async with await asyncio.start_server(plainly, "127.0.0.1", 0) as made:
        url = f"https://127.0.0.1:{made.sockets[0].getsockname()[1]}"
        async with upstream(url) as source:
            with pytest.raises(Refused, match="its certificate was not accepted"):
                await source.get()


async def test_at_most_a_few_requests_at_a_time() -> None:
    now, most = 0, 0

    async def busy(_: bytes, writer: Writer) -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.02)
        now -= 1
        writer.write(answer(b"ok"))

    async with server(busy) as url, upstream(url, parallel=2) as source:
        await asyncio.gather(*(source.get(params={"p": str(number)}) for number in range(10)))

    assert most == 2


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
        (b"\n<!DOCTYPE html><title>Przerwa</title>", "it is an HTML page"),
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
