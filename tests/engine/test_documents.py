import pytest
from graphql import GraphQLSchema, build_schema, get_introspection_query

from broker.errors import BadRequest, TooMuch
from broker.execution.documents import Documents
from broker.settings import Limits


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema("type Query { a: Query b(x: Int): String }")


def test_a_document_is_read_once(schema: GraphQLSchema) -> None:
    documents = Documents(schema, Limits())
    first = documents.read("{ b }")
    assert first.errors == ()
    assert documents.read("{ b }") is first
    assert documents.read("{ b } ") is not first


def test_a_wrong_document_is_kept_too(schema: GraphQLSchema) -> None:
    documents = Documents(schema, Limits())
    for text, message in (
        ("{ b ", "Syntax Error: Expected Name, found <EOF>."),
        ("{ c }", "Cannot query field 'c' on type 'Query'."),
    ):
        document = documents.read(text)
        assert document.errors[0].message.startswith(message)
        assert documents.read(text) is document


def test_the_kept_documents_are_bounded(schema: GraphQLSchema) -> None:
    documents = Documents(schema, Limits())
    for at in range(50):
        documents.read(f"{{ b }} # {'x' * 99_990} {at:02}")
    assert len(documents.kept) == 19
    assert documents.kept.currsize == 19 * 100_001


@pytest.mark.parametrize("text", ["{" + "b " * 99 + "}", "#\n" * 101 + "{ b }", "{ b(x: [" + "1 " * 99 + "]) }"])
def test_tokens_are_counted_while_parsing(schema: GraphQLSchema, text: str) -> None:
    with pytest.raises(TooMuch, match=r"^the document has more than 100 tokens, the limit limits.tokens$"):
        Documents(schema, Limits(tokens=100)).read(text)


def test_nested_deeper_than_can_be_parsed(schema: GraphQLSchema) -> None:
    (error,) = Documents(schema, Limits()).read("{" + "a{" * 4000 + "b" + "}" * 4001).errors
    assert "nested too deeply" in error.message


def test_a_limit_is_checked_before_validation(schema: GraphQLSchema) -> None:
    with pytest.raises(TooMuch, match="levels of nesting"):
        Documents(schema, Limits(depth=1)).read("{ unknown { unknown } }")


def test_the_usual_introspection_is_within_the_limits(schema: GraphQLSchema) -> None:
    text = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    assert Documents(schema, Limits()).read(text).errors == ()


def test_introspection_can_be_switched_off(schema: GraphQLSchema) -> None:
    document = Documents(schema, Limits(), introspection=False).read("{ __schema { types { name } } }")
    assert "introspection has been disabled" in document.errors[0].message


def test_which_operation(schema: GraphQLSchema) -> None:
    documents = Documents(schema, Limits())
    assert documents.read("query A { b }").operation(None).name.value == "A"  # type: ignore[union-attr]  # it has one
    two = documents.read("query A { b } query B { b }")
    assert two.operation("B") is two.operations["B"]
    with pytest.raises(BadRequest, match=r"^the document has 2 operations; operationName must be one of: A, B$"):
        two.operation("")
    with pytest.raises(BadRequest, match=r"^no operation 'C' in the document; operationName can be: A, B$"):
        two.operation("C")
