"""The audits of the GraphQL over HTTP specification, each under its id, and what the broker says beyond them."""

from typing import Any

import orjson
import pytest
import structlog

from broker import telemetry

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
ONE = {"query": "{ __typename }"}
WITH_NAME = {"query": "query A { __typename } query B { double }", "operationName": "A"}
WITH_VARIABLES = {
    "query": "query Type($name: String!) { __type(name: $name) { name } }",
    "variables": {"name": "Query"},
}
WRONG_VARIABLE = {"query": "query V($n: Int!) { double(number: $n) }", "variables": {"n": "many"}}
BROKEN, INVALID = {"query": "{"}, {"query": "{ eight }"}
NO_TEXTS: list[Any] = [{"obj": "ect"}, 0, False, ["array"]]
NO_MAPS: list[Any] = ["string", 0, False, ["array"]]


@pytest.mark.parametrize(
    ("accept", "type"),
    [
        pytest.param(GRAPHQL, GRAPHQL, id="22EB"),
        pytest.param(JSON, JSON, id="4655"),
        pytest.param("*/*", JSON, id="47DE"),
        pytest.param(None, JSON, id="80D8"),
        pytest.param("application/*", JSON, id="a range of types"),
        pytest.param(f"{GRAPHQL}, {JSON}", GRAPHQL, id="both: the newer one"),
        pytest.param(f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON, id="the heavier one"),
        pytest.param(f"{GRAPHQL};q=0, */*", JSON, id="one is excluded"),
        pytest.param("text/html, application/json; charset=UTF-8;q=0.8", JSON, id="among others"),
    ],
)
async def test_accept(ask: Any, accept: str | None, type: str) -> None:
    reply = await ask(ONE, accept=accept)
    assert reply.status == 200
    assert reply.type == f"{type}; charset=utf-8"  # 82A3
    assert reply.json == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("accept", ["text/html", f"{JSON}; charset=utf-16", f"{JSON};q=0", f"{JSON};q=x"])
async def test_neither_type_accepted(ask: Any, accept: str) -> None:
    reply = await ask(ONE, accept=accept)
    assert (reply.status, reply.code) == (406, "BAD_REQUEST")
    assert reply.message == f"the endpoint answers as {GRAPHQL} or {JSON}; the Accept header allows neither"


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("application/json; charset=utf-8", id="BF61"),
        pytest.param("application/json", id="78D5"),
        pytest.param('Application/JSON ;charset="UTF-8"', id="03D4"),
    ],
)
async def test_content_type(ask: Any, content_type: str) -> None:
    reply = await ask({"query": "{ later }"}, content_type=content_type)
    assert (reply.status, reply.json) == (200, {"data": {"later": "Żółw"}})


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="9ABE"),
        pytest.param("text/plain", id="text"),
        pytest.param("application/x-www-form-urlencoded", id="form"),
        pytest.param("multipart/form-data; boundary=x", id="multipart"),
        pytest.param("application/json; charset=iso-8859-2", id="another charset"),
    ],
)
async def test_other_content_types(ask: Any, content_type: str | None) -> None:
    reply = await ask(ONE, content_type=content_type)
    assert (reply.status, reply.headers["accept-post"]) == (415, JSON)
    assert reply.message.startswith("the body must be JSON: Content-Type: application/json")


async def test_a_compressed_body(ask: Any) -> None:
    assert (await ask(ONE, headers={"content-encoding": "gzip"})).status == 415


async def test_post_is_answered_2c94(ask: Any) -> None:
    assert (await ask(ONE)).status == 200


async def test_get_is_answered_5a70(ask: Any) -> None:
    assert (await ask(params=ONE)).json == {"data": {"__typename": "Query"}}


async def test_no_mutation_by_get_9c48(ask: Any) -> None:
    reply = await ask(params={"query": "mutation { change }"})
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert reply.message == "a mutation is not executed for GET; use POST"
    assert (await ask({"query": "mutation { change }"})).json == {"data": {"change": True}}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods(ask: Any, method: str) -> None:
    reply = await ask(method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param(b"", "the body is not JSON", id="A5BF"),
        pytest.param(b"{ 'not a JSON", "the body is not JSON", id="BCF8"),
        pytest.param(b'{"query": "\xff"}', "the body is not JSON", id="not UTF-8"),
        pytest.param(b"{}", "the parameter 'query' is missing", id="423L"),
        pytest.param(b'{"query": " "}', "the parameter 'query' is missing", id="blank"),
        pytest.param(b'{"qeury": "{ __typename }"}', "the parameter 'query' is missing", id="3E3A"),
        pytest.param(b'"{ __typename }"', "the body must be a JSON object", id="text"),
        pytest.param(b'[{"query": "{ __typename }"}]', "the body is a list; batches are not accepted", id="batch"),
        pytest.param(b"[" * 1500, "the body is not JSON", id="nested"),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL], ids=["json", "graphql"])  # B7N8
async def test_malformed_bodies(ask: Any, raw: bytes, says: str, accept: str) -> None:
    reply = await ask(raw=raw, accept=accept)
    assert (reply.status, reply.code, list(reply.json)) == (400, "BAD_REQUEST", ["errors"])
    assert reply.message.startswith(says)


@pytest.mark.parametrize("value", NO_TEXTS, ids=["LKJ0", "LKJ1", "LKJ2", "LKJ3"])
async def test_query_is_a_text(ask: Any, value: object) -> None:
    assert (await ask({"query": value})).status == 400


@pytest.mark.parametrize("value", NO_TEXTS, ids=["6C00", "6C01", "6C02", "6C03"])
async def test_operation_name_is_a_text(ask: Any, value: object) -> None:
    reply = await ask({**ONE, "operationName": value})
    assert (reply.status, reply.message) == (400, "the parameter 'operationName' must be a text")


@pytest.mark.parametrize("value", NO_MAPS, ids=["4760", "4761", "4762", "4763"])
async def test_variables_are_a_map(ask: Any, value: object) -> None:
    reply = await ask({**ONE, "variables": value})
    assert (reply.status, reply.message) == (400, "the parameter 'variables' must be an object")


@pytest.mark.parametrize("value", NO_MAPS, ids=["58B0", "58B1", "58B2", "58B3"])
async def test_extensions_are_a_map(ask: Any, value: object) -> None:
    reply = await ask({**ONE, "extensions": value})
    assert (reply.status, reply.message) == (400, "the parameter 'extensions' must be an object")


@pytest.mark.parametrize(
    ("body", "data"),
    [
        pytest.param(ONE, {"__typename": "Query"}, id="34A2 13EE"),
        pytest.param(WITH_NAME, {"__typename": "Query"}, id="8161 B8B3"),
        pytest.param({**ONE, "operationName": None}, {"__typename": "Query"}, id="94B0 0220"),
        pytest.param({**ONE, "variables": None}, {"__typename": "Query"}, id="94B1 0221"),
        pytest.param({**ONE, "extensions": None}, {"__typename": "Query"}, id="94B2 0222"),
        pytest.param({**ONE, "operationName": ""}, {"__typename": "Query"}, id="an empty name"),
        pytest.param(WITH_VARIABLES, {"__type": {"name": "Query"}}, id="2EA1 28B9"),
        pytest.param({**ONE, "extensions": {"some": "value"}}, {"__typename": "Query"}, id="428F 1B7A"),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL], ids=["json", "graphql"])
async def test_parameters(ask: Any, body: object, data: object, accept: str) -> None:
    reply = await ask(body, accept=accept)
    assert (reply.status, reply.json) == (200, {"data": data})


@pytest.mark.parametrize("accept", [GRAPHQL, JSON], ids=["D6D5", "6A70"])
async def test_variables_in_a_query_string(ask: Any, accept: str) -> None:
    params = {**WITH_VARIABLES, "variables": '{"name": "Query"}'}
    assert (await ask(params=params, accept=accept)).json == {"data": {"__type": {"name": "Query"}}}


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ("", "the parameter 'query' is missing"),
        ("query=%7B__typename%7D&variables=%7B", "the parameter 'variables' is not JSON"),
        ("query=%7B__typename%7D&variables=%5B1%5D", "the parameter 'variables' must be an object"),
        ("query=%7B__typename%7D&query=x", "the parameter 'query' is given more than once"),
        ("query=%ff", "the query string cannot be read"),
        ("&".join(f"p{at}=1" for at in range(50)), "the query string cannot be read"),
    ],
)
async def test_malformed_query_strings(ask: Any, params: str, says: str) -> None:
    reply = await ask(params=params)
    assert reply.status == 400
    assert reply.message.startswith(says)


@pytest.mark.parametrize(
    ("body", "accept", "status"),
    [
        pytest.param(BROKEN, JSON, 200, id="572B"),
        pytest.param(INVALID, JSON, 200, id="FDE2"),
        pytest.param(WRONG_VARIABLE, JSON, 200, id="7B9B"),
        pytest.param(BROKEN, GRAPHQL, 400, id="865D 556A D586"),
        pytest.param(INVALID, GRAPHQL, 400, id="51FE 74FF 5E5B"),
        pytest.param(WRONG_VARIABLE, GRAPHQL, 400, id="86EE"),
        pytest.param({**WITH_NAME, "operationName": "C"}, GRAPHQL, 400, id="an unknown operation"),
        pytest.param({"query": WITH_NAME["query"]}, GRAPHQL, 400, id="no operation named"),
        pytest.param({"query": "fragment F on Query { double }"}, GRAPHQL, 400, id="no operation there"),
    ],
)
async def test_documents_that_cannot_be_executed(ask: Any, body: object, accept: str, status: int) -> None:
    reply = await ask(body, accept=accept)
    assert (reply.status, reply.code, list(reply.json)) == (status, "BAD_REQUEST", ["errors"])


async def test_which_operation(ask: Any) -> None:
    assert (await ask({**WITH_NAME, "operationName": "C"})).message == (
        "no operation 'C' in the document; operationName can be: A, B"
    )


async def test_a_validation_error_says_where_and_what(ask: Any) -> None:
    assert (await ask({"query": "{ doubel }"})).json["errors"] == [
        {
            "message": "Cannot query field 'doubel' on type 'Query'. Did you mean 'double'?",
            "extensions": {"code": "BAD_REQUEST"},
            "locations": [{"line": 1, "column": 3}],
        }
    ]


async def test_one_field_fails_and_the_others_are_answered(ask: Any) -> None:
    reply = await ask({"query": "{ double(number: 3) away }"}, accept=GRAPHQL)
    assert reply.status == 200
    assert reply.json["data"] == {"double": 6, "away": None}
    assert reply.json["errors"] == [
        {
            "message": "bip did not answer in 60 s",
            "extensions": {"code": "SOURCE_UNAVAILABLE"},
            "locations": [{"line": 1, "column": 21}],
            "path": ["away"],
        }
    ]


async def test_data_that_became_null_is_still_data(ask: Any) -> None:
    reply = await ask({"query": "{ needed }"}, accept=GRAPHQL)
    assert (reply.status, reply.json["data"], reply.code) == (200, None, "SOURCE_UNAVAILABLE")


async def test_an_unexpected_error_is_hidden_and_logged(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("info", "json")
    reply = await ask({"query": "{ secret }"})
    (error,) = reply.json["errors"]
    assert error["message"] == "internal error"
    assert error["extensions"] == {"code": "INTERNAL_ERROR", "requestId": reply.headers["x-request-id"]}
    assert b"hunter2" not in reply.raw
    line, answered = map(orjson.loads, capsys.readouterr().err.splitlines())
    assert (answered["event"], answered["errors"]) == ("request.answered", 1)
    structlog.reset_defaults()
    assert (line["event"], line["level"]) == ("request.failed", "error")
    assert line["request_id"] == reply.headers["x-request-id"]
    assert line["exception"][0]["exc_value"] == "password=hunter2"


async def test_what_the_resolvers_say_beside_the_data(ask: Any) -> None:
    assert (await ask({"query": "{ fresh }"})).json == {
        "data": {"fresh": True},
        "extensions": {"sources": [{"id": "mim", "stale": True}]},
    }
    assert "extensions" not in (await ask(ONE)).json


async def test_a_message_does_not_echo_a_long_value(ask: Any) -> None:
    reply = await ask({"query": f'{{ double(number: "{"a" * 1500}") }}'})
    assert len(reply.message) == 1001


@pytest.mark.parametrize("chunks", [1, 7])
async def test_a_body_over_the_limit(ask: Any, chunks: int) -> None:
    reply = await ask(raw=b" " * 2001, chunks=chunks)
    assert (reply.status, reply.code) == (413, "TOO_MUCH")
    assert reply.message == "the request has more than 2000 bytes, the limit limits.body_bytes"


async def test_an_announced_body_over_the_limit_is_not_read(ask: Any) -> None:
    reply = await ask(raw=b"", headers={"content-length": "2001"})
    assert reply.status == 413


async def test_a_document_over_a_limit(ask: Any) -> None:
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        reply = await ask({"query": "{ itself" * 6 + "{ double }" + "}" * 6}, accept=accept)
        assert (reply.status, reply.code) == (status, "TOO_MUCH")
        assert reply.message == "the operation has 7 levels of nesting, the limit limits.depth is 5"
