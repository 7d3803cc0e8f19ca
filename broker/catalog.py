"""Which sources and data sets there are: found through the entry-point group ``broker.connectors``, checked, looked up.

An entry point names a module, or a package of which every module is read. The broker's own sources come in the same way
as another package's, so the extension point is proved by its first user.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from types import ModuleType

from broker.errors import DeclarationError, NotFound
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
    """Every declared data set, by id, in the order of their ids."""

    datasets: Mapping[str, Dataset]
    broken: tuple[Broken, ...] = ()

    @classmethod
    def load(cls, configured: Iterable[Dataset] = (), unusable: Iterable[Broken] = ()) -> "Catalog":
        """Read every installed connector, and add what is configured. Raises `DeclarationError` when two contradict each other."""
        found: list[Dataset] = list(configured)
        broken: list[Broken] = list(unusable)
        for name in _module_names():
            try:
                found.extend(_declared(importlib.import_module(name)))
            except Exception as error:  # noqa: BLE001 - whatever another package does, the rest goes on
                broken.append(Broken(name, f"{type(error).__name__}: {error}"))
        return cls.of(found, tuple(broken))

    @classmethod
    def of(cls, datasets: Iterable[Dataset], broken: tuple[Broken, ...] = ()) -> "Catalog":
        """A catalogue of these data sets. Raises `DeclarationError` when they contradict one another."""
        ordered = sorted(datasets, key=lambda one: one.id)
        for what in ("id", "type_name"):
            _unique(ordered, what)
        _unique([one for one in ordered if not one.generic], "root")
        catalog = cls({one.id: one for one in ordered}, broken)
        for one in ordered:
            for field in one.fields:
                if field.to is not None and field.to not in catalog.datasets:
                    raise DeclarationError(
                        f"{one.id}.{field.name}: refers to {field.to!r}, which no connector declares"
                    )
        if sum(one.partition for one in ordered) > 1:
            raise DeclarationError("more than one data set is declared with partition=True")
        if sum(one.gazetteer is not None for one in ordered) > 1:
            raise DeclarationError("more than one data set is declared with gazetteer=")
        return catalog

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Every source that has a data set, by id."""
        return {one.source.id: one.source for one in self.datasets.values()}

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
