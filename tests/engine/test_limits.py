import pytest
from graphql import parse

from broker.errors import TooMuch
from broker.execution.documents import Document
from broker.limits import Measure, check_body, check_document, check_records, measure
from broker.settings import Limits, Pages


def measured(text: str) -> Measure:
    (one,) = measure(parse(text))
    return one


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("{ a }", Measure(depth=1, aliases=0, fields=1, root_fields=1)),
        ("{ a { b { c } } d }", Measure(depth=3, aliases=0, fields=4, root_fields=2)),
        ("{ x: a { y: b } ... { z: c } }", Measure(depth=2, aliases=3, fields=3, root_fields=2)),
        ("{ ...F a { ...F } } fragment F on Q { x: b { c } }", Measure(depth=3, aliases=2, fields=5, root_fields=2)),
        ("{ ...F } fragment F on Q { a { ...F } }", Measure(depth=1, aliases=0, fields=1, root_fields=1)),
        ("{ ...Gone a }", Measure(depth=1, aliases=0, fields=1, root_fields=1)),
    ],
)
def test_the_size_of_an_operation(text: str, size: Measure) -> None:
    assert measured(text) == size


def test_fragments_that_double_are_counted_as_written_out_without_being_written_out() -> None:
    steps = "".join(f"fragment F{at} on Q {{ ...F{at + 1} ...F{at + 1} }} " for at in range(60))
    text = f"{{ ...F0 }} {steps} fragment F60 on Q {{ x: a }}"
    assert measured(text) == Measure(depth=1, aliases=2**60, fields=2**60, root_fields=2**60)
    with pytest.raises(
        TooMuch, match=r"more than a thousand million fields at its root, the limit limits.root_fields is 30"
    ):
        check_document(parse(text), Limits())


def test_a_chain_of_fragments_is_followed_only_so_far() -> None:
    steps = "".join(f"fragment F{at} on Q {{ ...F{at + 1} }} " for at in range(1000))
    with pytest.raises(TooMuch, match="nested more than 100 levels deep"):
        check_document(parse(f"{{ ...F0 }} {steps} fragment F1000 on Q {{ a }}"), Limits())


@pytest.mark.parametrize(
    ("limit", "at_the_limit", "over", "says"),
    [
        ("depth", "{ a { b } }", "{ a { b { c } } }", "3 levels of nesting, the limit limits.depth is 2"),
        ("root_fields", "{ a b }", "{ a b c }", "3 fields at its root, the limit limits.root_fields is 2"),
        ("aliases", "{ x: a y: a }", "{ x: a y: a z: a }", "3 aliases, the limit limits.aliases is 2"),
        ("fields", "{ a { b } }", "{ a { b c } }", "3 fields, the limit limits.fields is 2"),
    ],
)
def test_each_limit(limit: str, at_the_limit: str, over: str, says: str) -> None:
    limits = Limits(**{limit: 2})
    check_document(parse(at_the_limit), limits)
    with pytest.raises(TooMuch) as caught:
        check_document(parse(over), limits)
    assert str(caught.value) == f"the operation has {says}"


def test_every_operation_of_a_document_is_checked() -> None:
    with pytest.raises(TooMuch):
        check_document(parse("query A { a } query B { a { b } }"), Limits(depth=1))


def test_the_body() -> None:
    check_body(10, Limits(body_bytes=10))
    with pytest.raises(TooMuch, match=r"^the request has more than 10 bytes, the limit limits.body_bytes$"):
        check_body(11, Limits(body_bytes=10))


@pytest.mark.parametrize(
    ("text", "variables", "records"),
    [
        ("{ stops(first: 7) { nodes { id } } }", {}, 7),
        ("{ stops { edges { node { id } } } }", {}, 20),
        ("{ stops { totalCount } a: stops(last: 3) { nodes { id } } }", {}, 3),
        ("query ($n: Int = 5) { stops(first: $n) { nodes { id } } }", {}, 5),
        ("query ($n: Int = 5) { stops(first: $n) { nodes { id } } }", {"n": 9}, 9),
        ("{ stops(first: 10) { nodes { related { places(first: 3) { nodes { id } } } } } }", {}, 10 * (1 + 3)),
        (
            "{ stops(first: 2) { nodes { ...F } } } fragment F on Stop { related { a: places { nodes { id } } } }",
            {},
            42,
        ),
        ("{ stops(first: 99999) { nodes { id } } }", {}, 1000),
    ],
)
def test_the_records_of_an_operation_are_counted_before_it(text: str, variables: dict[str, int], records: int) -> None:
    document = Document(parse(text))
    for _ in range(2):
        assert document.records(document.operation(None), variables, Pages()) == records
    check_records(records, Limits(records=records))
    if records > 1:
        with pytest.raises(TooMuch, match=f"may give {records} records, the limit limits.records is {records - 1}"):
            check_records(records, Limits(records=records - 1))


def test_what_hangs_on_variables_is_counted_for_each_request() -> None:
    document = Document(parse("query ($n: Int) { stops(first: $n) { nodes { id } } }"))
    counts = [document.records(document.operation(None), {"n": n}, Pages()) for n in (3, 500, 3)]
    assert counts == [3, 500, 3]
