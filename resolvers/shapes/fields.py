"""Shapes of what every record has: its declared fields, its id, its provenance, the records it refers to."""

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from graphql import Executor

from broker.execution.plan import Selected
from broker.execution.shape import Batch, Later, NotShaped, Plan, Shape, Values
from broker.model import CITY_TIME, Dataset, Field, Geometry, Localized
from broker.query import MENDED
from broker.text import plain_text
from resolvers.context import Context, stale
from resolvers.derive import camel
from resolvers.provenance import page_fields

__all__ = ["Maker", "Makers", "as_it_is", "constant", "field_makers", "plan", "reference", "taken"]

Maker = Callable[[Selected], Shape | Later]
"""Makes the shape of a selected field. Raises `NotShaped` when it has none with these arguments."""

Makers = Mapping[str, Maker]

LEAST, MOST = -(2**31), 2**31 - 1
"""GraphQL's Int."""
URL_SAFE = bytes.maketrans(b"+/", b"-_")
UNPRINTED = (datetime, tuple, Localized, Geometry)
"""Kinds of which an answer has another form than the address of a record's page."""


def plan(selected: Sequence[Selected], makers: Makers) -> Plan:
    """The plan of a selection of records. Raises `NotShaped` when a field of it has no shape."""
    return Plan(tuple(one.key for one in selected), tuple(_shape(one, makers) for one in selected))


def _shape(one: Selected, makers: Makers) -> Shape | Later:
    if one.name == "__typename":
        name = one.parent.name
        return constant(lambda _: name)
    maker = makers.get(one.name)
    if maker is None:
        raise NotShaped(one.name)
    return maker(one)


def constant(value: Callable[[Batch], Any]) -> Shape:
    """The same for all records of a batch."""
    return Shape(frozenset(), lambda batch: [value(batch)] * batch.size)


def taken(name: str) -> Shape:
    """A column as it is."""
    return Shape(frozenset({name}), lambda batch: batch[name])


def field_makers(dataset: Dataset) -> dict[str, Maker]:
    """The makers of everything that does not lead to another data set."""
    makers: dict[str, Maker] = {"id": lambda _: _id(dataset), "provenance": lambda one: _provenance(dataset, one)}
    for field in dataset.fields:
        if field.kind is Geometry or field.to is not None:
            continue
        name = camel(field.name)
        own = {name: _localized(field.name, None) if field.localized else _plain(field)}
        if field.html:
            text = camel(f"{field.name}_text")
            own[text] = _localized(field.name, plain_text) if field.localized else as_it_is(f"{field.name}__text")
        makers |= own if field.optional else {key: _required(field.name, maker) for key, maker in own.items()}
    return makers


def _required(name: str, maker: Maker) -> Maker:
    """The maker of a field that every record has now, though versions from before it was declared may lack it."""

    def make(selected: Selected) -> Shape | Later:
        shape = maker(selected)
        assert isinstance(shape, Shape)  # noqa: S101 - as every field of the record's own

        def values(batch: Batch) -> Sequence[Any]:
            if batch.run.store.may_lack(batch.dataset, name) and None in batch[name]:
                raise NotShaped(name)
            return shape.values(batch)

        return Shape(shape.columns | {name}, values, shape.beside)

    return make


def as_it_is(name: str) -> Maker:
    """The maker of a field that is a column as it is."""
    shape = taken(name)
    return lambda _: shape


def _plain(field: Field) -> Maker:
    if field.kind is not int:
        return as_it_is(field.name)
    shape = Shape(frozenset({field.name}), lambda batch: _whole(batch[field.name]))
    return lambda _: shape


def _whole(values: Sequence[int | None]) -> Sequence[int | None]:
    if any(one is not None and not LEAST <= one <= MOST for one in values):
        raise NotShaped("a number that GraphQL's Int does not hold")
    return values


def _localized(name: str, turn: Callable[[str], str] | None) -> Maker:
    everything = f"{name}__all"

    def make(selected: Selected) -> Shape:
        lang = selected.arguments["lang"]

        def best(text: str, languages: str | None) -> str:
            found = text if languages is None else Localized(orjson.loads(languages)).best(lang)
            return turn(found) if turn else found

        def values(batch: Batch) -> list[str | None]:
            pairs = zip(batch[name], batch[everything], strict=True)
            return [None if text is None else best(text, languages) for text, languages in pairs]

        return Shape(frozenset({name, everything}), values)

    return make


def _id(dataset: Dataset) -> Shape:
    key, head = dataset.key, f"{dataset.type_name}:"

    def values(batch: Batch) -> list[str]:
        ids = [b2a_base64(f"{head}{one}".encode(), newline=False) for one in batch[key]]
        return [one.translate(URL_SAFE).rstrip(b"=").decode() for one in ids]

    return Shape(frozenset({key}), values)


# provenance


def _provenance(dataset: Dataset, selected: Selected) -> Shape:
    inner = plan(selected.below(), _provenance_makers(dataset))
    return Shape(inner.columns, inner.records)


def _provenance_makers(dataset: Dataset) -> Makers:
    facts: Mapping[str, Callable[[Batch], Any]] = {
        "source": lambda _: dataset.source.id,
        "dataset": lambda _: dataset.id,
        "licence": lambda _: dataset.licence.id,
        "licenceUrl": lambda _: dataset.licence.url,
        "version": lambda batch: batch.published.number,
        "versionId": lambda batch: batch.published.id,
        "sample": lambda batch: batch.published.sample,
        "stale": lambda batch: stale(dataset, batch.published, batch.run.store.clock.now()),
        "fetchedAt": lambda batch: _moment(batch.published.checked_at or batch.run.store.clock.now()),
    }
    makers: dict[str, Maker] = {name: _constantly(fact) for name, fact in facts.items()}
    makers["recordUrl"] = lambda _: _page(dataset)
    makers["repaired"] = lambda _: taken(MENDED) if dataset.located else constant(lambda _: None)
    return makers


def _constantly(fact: Callable[[Batch], Any]) -> Maker:
    shape = constant(fact)
    return lambda _: shape


def _moment(moment: datetime) -> str:
    return moment.astimezone(CITY_TIME).isoformat(timespec="seconds")


def _page(dataset: Dataset) -> Shape:
    template, names = dataset.page, sorted(page_fields(dataset))
    if template is None or not names:
        return constant(lambda _: template)
    if any(dataset.field(name).kind in UNPRINTED for name in names):
        raise NotShaped("recordUrl")

    def values(batch: Batch) -> list[str | None]:
        rows = zip(*(batch[name] for name in names), strict=True)
        return [None if None in row else template.format(**dict(zip(names, row, strict=True))) for row in rows]

    return Shape(frozenset(names), values)


# other records


def reference(column: str, dataset: Dataset, makers: Makers) -> Maker:
    """The record of another data set whose key is in a column: all that a batch needs in one statement."""

    def make(selected: Selected) -> Later:
        inner = plan(selected.below(), makers)

        async def ready(executor: "Executor[Context]") -> Values:
            published = await executor.context_value.published(dataset)
            made = await inner.ready(executor)

            def values(batch: Batch) -> list[Any]:
                wanted = {one for one in batch[column] if one is not None}
                run, asked = batch.run, made.columns
                found = run.store.columns.by_key(dataset, published.version, wanted, asked, run.how)
                records = dict(
                    zip(found.values[dataset.key], made.records(Batch(dataset, published, found, run)), strict=True)
                )
                return [records.get(one) for one in batch[column]]

            return values

        return Later(frozenset({column}), ready, quick=inner.quick)

    return make
