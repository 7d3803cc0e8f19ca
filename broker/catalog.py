"""Which sources and data sets there are: found through the entry-point group ``broker.connectors``, checked, looked up.

An entry point names a module, or a package of which every module is read. The broker's own sources come in the same way
as another package's, so the extension point is proved by its first user.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from types import ModuleType

from broker.errors import DeclarationError, NotFound
from broker.lookup import Item, Lookup
from broker.model import Dataset, Record, Source
from broker.text import nearest

__all__ = ["GROUP", "Broken", "Catalog"]

GROUP = "broker.connectors"


@dataclass(frozen=True, slots=True)
class Broken:
    """A connector that could not be read, and why: shown, while the others go on."""

    module: str
    reason: str


@dataclass(frozen=True)
class Catalog:
    """Every declared data set and every lookup, by id, in the order of their ids."""

    datasets: Mapping[str, Dataset]
    broken: tuple[Broken, ...] = ()
    lookups: Mapping[str, Lookup] = field(default_factory=dict)

    @classmethod
    def load(cls, configured: Iterable[Dataset] = (), unusable: Iterable[Broken] = ()) -> "Catalog":
        """Read every installed connector, and add what is configured. Raises `DeclarationError` when two contradict each other."""
        found: list[Dataset] = list(configured)
        lookups: list[Lookup] = []
        broken: list[Broken] = list(unusable)
        for name in _module_names():
            try:
                module = importlib.import_module(name)
                found.extend(_declared(module))
                lookups.extend(_looked_up(module))
            except Exception as error:  # noqa: BLE001 - whatever another package does, the rest goes on
                broken.append(Broken(name, f"{type(error).__name__}: {error}"))
        return cls.of(found, tuple(broken), lookups)

    @classmethod
    def of(
        cls, datasets: Iterable[Dataset], broken: tuple[Broken, ...] = (), lookups: Iterable[Lookup] = ()
    ) -> "Catalog":
        """A catalogue of these. Raises `DeclarationError` when they contradict one another."""
        ordered = sorted(datasets, key=lambda one: one.id)
        for what in ("id", "type_name"):
            _unique(ordered, what)
        _unique([one for one in ordered if not one.generic], "root")
        asked = {one.id: one for one in sorted(lookups, key=lambda one: one.id)}
        catalog = cls({one.id: one for one in ordered}, broken, asked)
        for one in ordered:
            for its in one.fields:
                if its.to is not None and its.to not in catalog.datasets:
                    raise DeclarationError(f"{one.id}.{its.name}: refers to {its.to!r}, which no connector declares")
        if sum(one.partition for one in ordered) > 1:
            raise DeclarationError("more than one data set is declared with partition=True")
        if sum(one.gazetteer is not None for one in ordered) > 1:
            raise DeclarationError("more than one data set is declared with gazetteer=")
        for lookup in asked.values():
            _check_lookup(lookup, catalog)
        return catalog

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Every source that has a data set or a lookup, by id."""
        declared: Iterable[Dataset | Lookup] = (*self.datasets.values(), *self.lookups.values())
        return {one.source.id: one.source for one in declared}

    @cached_property
    def partition(self) -> Dataset | None:
        """The data set whose polygons divide the city (its districts), when there is one."""
        return next((one for one in self.datasets.values() if one.partition), None)

    @cached_property
    def gazetteer(self) -> Dataset | None:
        """The data set that is the city's register of addresses, when there is one."""
        return next((one for one in self.datasets.values() if one.gazetteer is not None), None)

    def dataset(self, id: str) -> Dataset:
        """The data set of this id. Raises `NotFound` that names the nearest ones."""
        try:
            return self.datasets[id]
        except KeyError:
            near = nearest(id, self.datasets) or list(self.datasets)
            raise NotFound(f"no data set {id!r}; did you mean {', '.join(near)}?") from None

    def by_name(self, name: str) -> Dataset:
        """The data set of this name, which is that of its root field too. Raises `NotFound`."""
        for one in self.datasets.values():
            if one.name == name and not one.generic:
                return one
        raise NotFound(f"no collection {name!r}")

    def by_type(self, type_name: str) -> Dataset:
        """The data set whose records are of this GraphQL type. Raises `NotFound`."""
        for one in self.datasets.values():
            if one.type_name == type_name:
                return one
        raise NotFound(f"no record type {type_name!r}")


def _unique(datasets: Iterable[Dataset], what: str) -> None:
    seen: dict[str, Dataset] = {}
    for one in datasets:
        other = seen.setdefault(getattr(one, what), one)
        if other is not one:
            raise DeclarationError(f"{one.id} and {other.id} have the same {what}, {getattr(one, what)!r}")


def _check_lookup(lookup: Lookup, catalog: Catalog) -> None:
    """Refuse a lookup that does not fit. Raises `DeclarationError` that names it and the remedy."""
    dataset = catalog.datasets.get(lookup.on)
    if dataset is None:
        raise DeclarationError(f"{lookup.id}: on={lookup.on!r}, which no connector declares")
    if all(one.name != lookup.by or one.kind is not str or one.optional for one in dataset.fields):
        raise DeclarationError(f"{lookup.id}: by={lookup.by!r} is no text that every record of {dataset.id} has")
    if any(one.name == lookup.name for one in dataset.fields):
        raise DeclarationError(f"{lookup.id}: {dataset.id} has a field {lookup.name!r}; name the lookup otherwise")
    if any(one.type_name == lookup.type_name for one in catalog.datasets.values()):
        raise DeclarationError(f"{lookup.id}: {lookup.type_name} is the type of a data set's records")


def _module_names() -> Iterator[str]:
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.value):
        try:
            spec = importlib.util.find_spec(point.value)
        except Exception:  # noqa: BLE001 - its parent package cannot be imported: importing the name itself tells why
            spec = None
        if spec is None or spec.submodule_search_locations is None:
            yield point.value
            continue
        for module in pkgutil.iter_modules(spec.submodule_search_locations, f"{point.value}."):
            if not module.ispkg:
                yield module.name


def _declared(module: ModuleType) -> Iterator[Dataset]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Record) and value.__module__ == module.__name__:
            yield value.__dataset__


def _looked_up(module: ModuleType) -> Iterator[Lookup]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Item) and value.__module__ == module.__name__:
            yield value.__lookup__
