"""Automatic persisted queries: a document is asked for by its SHA-256 and sent only when it is not known."""

from hashlib import sha256
from typing import Any

import orjson
import pytest

from broker.asked import KEPT_CHARACTERS, Persisted
from broker.errors import UnknownDocument
from tests.protocol.counted import asked

DOCUMENT = "query Double($n: Int!) { double(number: $n) }"
VARIABLES = {"n": 21}
ANSWER = {"data": {"double": 42}}


def hashed(document: str, version: object = 1, digest: object = None) -> dict[str, Any]:
    digest = sha256(document.encode()).hexdigest() if digest is None else digest
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


def by_get(**given: Any) -> dict[str, Any]:
    return {"params": {name: one for name, one in asked(given.pop("query", ""), **given).items() if one}}


def by_post(**given: Any) -> dict[str, Any]:
    return {"json": given}


@pytest.mark.parametrize("first", [by_get, by_post], ids=["by GET", "by POST"])
@pytest.mark.parametrize("then", [by_get, by_post], ids=["then by GET", "then by POST"])
async def test_a_document_is_sent_once(ask: Any, first: Any, then: Any) -> None:
    alone = {"extensions": hashed(DOCUMENT), "variables": VARIABLES}
    for way in (first, then):
        reply = await ask(**way(**alone))
        assert (reply.status, reply.code) == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert reply.message == "PersistedQueryNotFound: send the document with its hash once"
        assert (list(reply.json), reply.headers["cache-control"]) == (["errors"], "no-store")
    reply = await ask(**first(query=DOCUMENT, **alone))
    assert reply.json == ANSWER
    for way in (then, first):
        assert (await ask(**way(**alone))).json == ANSWER
        other = await ask(**way(extensions=hashed(DOCUMENT), variables={"n": -1}))
        assert other.json == {"data": {"double": -2}}


@pytest.mark.parametrize("ending", [" ", "\n# ż"], ids=["a blank more", "a comment more"])
async def test_another_document_has_another_hash(ask: Any, ending: str) -> None:
    reply = await ask({"query": DOCUMENT + ending, "extensions": hashed(DOCUMENT), "variables": VARIABLES})
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert reply.message == "persistedQuery.sha256Hash is not the SHA-256 of the document"
    for document in (DOCUMENT, DOCUMENT + ending):  # neither of them is known by this
        assert (await ask({"extensions": hashed(document)})).code == "PERSISTED_QUERY_NOT_FOUND"
    good = {"query": DOCUMENT + ending, "extensions": hashed(DOCUMENT + ending), "variables": VARIABLES}
    assert (await ask(good)).json == ANSWER


@pytest.mark.parametrize(
    "stated",
    [
        {"version": 2, "sha256Hash": "0" * 64},
        {"version": "1", "sha256Hash": "0" * 64},
        {"sha256Hash": "0" * 64},
        {"version": 1},
        {"version": 1, "sha256Hash": 7},
        {"version": 1, "sha256Hash": None},
        [],
        "0" * 64,
        False,
    ],
)
@pytest.mark.parametrize("query", [None, DOCUMENT], ids=["alone", "with the document"])
async def test_what_is_no_hash_of_this_protocol(ask: Any, stated: object, query: str | None) -> None:
    reply = await ask({"query": query, "variables": VARIABLES, "extensions": {"persistedQuery": stated}})
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert reply.message == 'persistedQuery must be {"version": 1, "sha256Hash": "…"}'


async def test_a_known_document_still_has_to_be_one(ask: Any) -> None:
    wrong = "{ doubel }"
    assert (await ask({"query": wrong, "extensions": hashed(wrong)})).code == "BAD_REQUEST"
    reply = await ask({"extensions": hashed(wrong)})
    assert reply.message == "Cannot query field 'doubel' on type 'Query'. Did you mean 'double'?"
    mutation = "mutation { change }"
    assert (await ask({"query": mutation, "extensions": hashed(mutation)})).json == {"data": {"change": True}}
    by_hash = await ask(params={"extensions": orjson.dumps(hashed(mutation)).decode()})
    assert (by_hash.status, by_hash.headers["allow"]) == (405, "POST")


def test_as_many_are_known_as_there_is_room_for() -> None:
    known = Persisted()
    documents = [f"# {number:06}".ljust(400_000) for number in range(7)]
    for document in documents:
        assert known.document(document, hashed(document)) == document
    assert sum(map(len, known._known.values())) <= KEPT_CHARACTERS
    for document in documents[-5:]:
        assert known.document(None, hashed(document)) == document
    with pytest.raises(UnknownDocument):
        known.document(None, hashed(documents[0]))
    known.document(None, hashed(documents[2]))  # used last, so another one goes
    known.document(documents[0], hashed(documents[0]))
    assert known.document(None, hashed(documents[2])) == documents[2]
    with pytest.raises(UnknownDocument):
        known.document(None, hashed(documents[3]))


def test_one_that_is_larger_than_the_room_is_answered_and_not_known() -> None:
    known, huge = Persisted(), "#".ljust(KEPT_CHARACTERS)
    assert known.document(huge, hashed(huge)) == huge
    assert len(known._known) == 0
