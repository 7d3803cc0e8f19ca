"""The one way out, against real servers on the loopback that answer badly in every way a city's system has."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina

from broker.breaker import Circuit
from broker.errors import Refused, Unavailable
from broker.upstream import Request, Upstream
from tests.city.scripted import Writer, answer, failure, network, scripted, server, upstream


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Try again at once, as often as the source says but at most three times."""
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


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

    error = await failure(hang, timeout_seconds=0.2)

    assert type(error) is Unavailable
    assert "it did not answer in time" in str(error)


async def test_a_body_that_trickles_is_bounded_in_time() -> None:
    async def trickle(_: bytes, writer: Writer) -> None:
        writer.write(answer(length=1000))
        for _step in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    error = await failure(trickle, timeout_seconds=0.3)

    assert type(error) is Unavailable
    assert "it did not answer in time" in str(error)


async def test_a_body_cut_short() -> None:
    _, respond = scripted(answer(b'{"a":', length=400))
    error = await failure(respond)

    assert type(error) is Unavailable
    assert "the body was cut short" in str(error)


async def test_what_is_no_http_and_what_hangs_up() -> None:
    for said, reason in ((b"SSH-2.0-OpenSSH_9\r\n\r\n", "its answer is not HTTP"), (b"", "no connection")):
        _, respond = scripted(said)
        error = await failure(respond)
        assert type(error) is Unavailable
        assert reason in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_host_is_followed(status: int) -> None:
    seen, respond = scripted(answer(status=f"{status} There", headers="Location: ../there?x=1\r\n"), answer(b"there"))
    async with server(respond) as url, upstream(url) as source:
        assert (await source.get("a/b", {"page": "2"})).body == b"there"
    assert [one.split(b" HTTP")[0] for one in seen] == [b"GET /a/b?page=2", b"GET /there?x=1"]


async def test_redirects_without_end() -> None:
    seen, respond = scripted(answer(status="302 Found", headers="Location: /data\r\n"))
    error = await failure(respond, attempts=3)

    assert (type(error), len(seen)) == (Refused, 6)
    assert str(error).endswith("it redirects without end")


@pytest.mark.parametrize(
    ("location", "says"),
    [
        (
            "Location: http://elsewhere.example/data\r\n",
            "a redirect to http://elsewhere.example; this source is asked at",
        ),
        ("Location: //127.0.0.2/\r\n", "a redirect to http://127.0.0.2"),
        ("Location: http://127.0.0.1:9/\r\n", "a redirect to http://127.0.0.1:9"),
        ("Location: file:///etc/hostname\r\n", "a redirect to file://"),
        ("Location: http://[/\r\n", "a redirect to nowhere"),
        ("", "a redirect to nowhere"),
    ],
)
async def test_a_redirect_to_another_place_is_refused(location: str, says: str) -> None:
    seen, respond = scripted(answer(status="302 Found", headers=location))
    error = await failure(respond, attempts=3)

    assert (type(error), len(seen)) == (Refused, 1)
    assert says in str(error)


async def test_a_post_is_redirected_only_as_a_post() -> None:
    moved = "Location: /there\r\n"
    seen, respond = scripted(answer(status="307 There", headers=moved), answer(status="302 There", headers=moved))
    async with server(respond) as url, upstream(url) as source:
        with pytest.raises(Refused, match="answered 302, a redirect that would turn POST into GET"):
            await source.post("here", {"p": "1"})
    assert [one.split(b" HTTP")[0] for one in seen] == [b"POST /here", b"POST /there"]
    assert seen[1].endswith(b"\r\n\r\np=1")


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


async def test_a_source_has_one_gate_and_another_source_its_own() -> None:
    async with network(parallel=1) as opened:
        here, there, other = opened.transport("city"), opened.transport("city"), opened.transport("other")
        layers = opened.transport("layers", "http://a.example/wfs"), opened.transport("layers", "http://b.example/wfs")
    assert here.gate is there.gate
    assert len({id(one.gate) for one in (here, other, *layers)}) == 4


async def test_requests_beyond_the_rate_wait_for_their_turn() -> None:
    _, respond = scripted(answer(b"ok"))
    async with server(respond) as url, network(per_second=2) as opened:
        transport = opened.transport("city")
        for _each in range(2):
            await transport.send(Request("GET", url))
        assert not transport.gate.rate.has_capacity()
        await transport.send(Request("GET", url))  # waits, and comes through


async def test_a_source_that_is_silent_is_left_before_the_whole_time_is_over() -> None:
    async def silent(_: bytes, writer: Writer) -> None:
        writer.write(answer(b"x", length=1000))
        await writer.drain()
        await asyncio.sleep(30)

    error = await failure(silent, read_seconds=0.1, timeout_seconds=20.0)

    assert type(error) is Unavailable
    assert "it did not answer in time" in str(error)


async def test_a_source_that_fails_is_left_alone_then_tried_by_one_request() -> None:
    seen, respond = scripted(answer(status="503 Busy"), answer(status="503 Busy"), answer(b"back"))
    async with server(respond) as url, network(circuit_failures=2, circuit_seconds=0.2) as opened:
        source = Upstream(url, opened.transport("city"), attempts=3)
        with pytest.raises(Unavailable, match=r"not sent before .* UTC, since 2 requests .* answered 503 Busy"):
            await source.get()
        assert (len(seen), opened.circuit("city"), opened.circuit("other")) == (2, Circuit.OPEN, Circuit.CLOSED)
        await asyncio.sleep(0.25)
        assert opened.circuit("city") is Circuit.HALF_OPEN
        assert (await source.get()).body == b"back"
        assert opened.circuit("city") is Circuit.CLOSED


@pytest.mark.parametrize(
    ("after", "again"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), 0.0),
        ("3600", False),
        (format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True), False),
        ("soon", True),
    ],
)
async def test_what_a_source_says_of_when_to_come_again_is_heard(after: str, again: float) -> None:
    _, respond = scripted(answer(status="429 Too Many", headers=f"Retry-After: {after}\r\n"))
    error = await failure(respond)

    assert isinstance(error, Unavailable)
    assert error.again == again
    assert type(error.again) is type(again)


async def test_an_unchanged_answer_is_not_sent_again() -> None:
    head = 'ETag: "1"\r\nLast-Modified: Mon, 01 Jan 2018 00:00:00 GMT\r\n'
    seen, respond = scripted(answer(b"old" * 50, headers=head), answer(status="304 Same"), answer(b"new", headers=head))
    async with server(respond) as url, upstream(url) as source:
        assert [(await source.get("a")).body for _ in range(3)] == [b"old" * 50, b"old" * 50, b"new"]
        assert (await source.get("b")).body == b"new"
    assert [b'if-none-match: "1"' in one.lower() for one in seen] == [False, True, True, False]
    assert b"if-modified-since: mon, 01 jan 2018 00:00:00 gmt" in seen[1].lower()


@pytest.mark.parametrize(
    ("room", "head"), [(0, 'ETag: "1"\r\n'), (1, 'ETag: "1"\r\nCache-Control: no-store\r\n'), (1, "")]
)
async def test_what_may_not_or_cannot_be_kept_is_asked_for_anew(room: int, head: str) -> None:
    seen, respond = scripted(answer(b"x", headers=head))
    async with server(respond) as url, upstream(url, kept_mib=room) as source:
        await source.get()
        await source.get()
    assert not any(b"if-none-match" in one.lower() for one in seen)


async def test_the_charset_that_is_declared_comes_along() -> None:
    declared = "Content-Type: text/csv; charset=ISO-8859-15\r\n"
    _, respond = scripted(answer("10 € za lód".encode("iso-8859-15"), headers=declared))
    async with server(respond) as url, upstream(url) as source:
        assert (await source.get()).text == "10 € za lód"
