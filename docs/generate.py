"""Writes the parts of the documentation that the code knows best, so that they cannot go stale.

A page says where with ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; NAME is one of `BLOCKS`, with an argument behind
it when the block takes one. ``python docs/generate.py`` says which pages are stale (exit code 1), ``--write`` renews them.
"""  # noqa: INP001 - a script beside the pages, no package

import asyncio
import atexit
import re
import runpy
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

import orjson
import typer.main
from graphql import build_schema
from shapely.geometry import shape

from broker import errors
from broker.catalog import Catalog
from broker.errors import BrokerError
from broker.lookup import Lookup
from broker.metrics import REGISTRY
from broker.model import Dataset, Field
from broker.settings import Setting, Settings, every_setting
from broker.telemetry import configure

__all__ = ["BLOCKS", "main", "maps", "pages", "renewed"]

DOCS = Path(__file__).resolve().parent
ENDINGS = {"counter": "_total", "info": "_info"}
"""What a metric's name ends in where it is read, by its kind."""
MARK = re.compile(r"<!-- begin (?P<name>\w+)(?: (?P<argument>\S+))? -->\n.*?<!-- end (?P=name) -->", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars in cells are escaped, line breaks become spaces."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()).replace('|', '¦') for cell in line)} |" for line in lines)


def code(text: str) -> str:
    """Text as code, nothing when there is none."""
    return f"`{text}`" if text else ""


def settings(group: str) -> str:
    """Every setting, or those of one group."""
    return table(
        ("in `broker.toml`", "in the environment", "default", "accepts", "what it is"),
        (
            (code(one.name), code(one.variable), code(one.default), accepts(one), one.description)
            for one in every_setting()
            if one.name.startswith(f"{group}." if group else "")
        ),
    )


def metrics(_: str) -> str:
    """Every metric of the broker's own, with its kind and its labels."""
    found = sorted((one for one in REGISTRY.collect() if one.name.startswith("broker_")), key=lambda one: one.name)
    return table(
        ("metric", "kind", "what it is"),
        ((code(one.name + ENDINGS.get(one.type, "")), one.type, one.documentation) for one in found),
    )


def accepts(one: Setting) -> str:
    """What a setting accepts, with its unit where the text does not say it."""
    said = not one.unit or one.unit in f"{one.description} {one.accepts}"
    return one.accepts if said else f"{one.accepts}, in {one.unit}"


def sources(_: str) -> str:
    """Every source: where it answers and which data sets it has."""
    catalog = Catalog.load()
    return table(
        ("source", "title", "public address", "data sets and lookups"),
        (
            (
                code(source.id),
                source.title,
                f"<{source.base_url}>",
                ", ".join(
                    f"[`{one.id}`](#{anchor(one.id)})"
                    for one in (*catalog.datasets.values(), *catalog.lookups.values())
                    if one.source == source
                ),
            )
            for source in catalog.sources.values()
        ),
    )


def lookups(_: str) -> str:
    """A section for each lookup: what it is asked about, its terms, its fields."""
    return "\n\n".join(looked_up(one) for one in Catalog.load().lookups.values())


def looked_up(one: Lookup) -> str:
    """One lookup."""
    facts = [
        f"Field `{one.name}` of the records of [`{one.on}`](#{anchor(one.on)}), asked by their `{one.by}`, in the order of `{one.ordered_by}`;",
        f"an answer is given again for {spell(one.refresh.interval)}; licence [{one.licence.title}]({one.licence.url}).",
    ]
    rows = ((code(field.name), kind(field), field.description) for field in one.fields)
    return f"### {one.id}\n\n{one.title}. {one.description}\n{' '.join(facts)}\n\n{table(('field', 'type', 'what it is'), rows)}"


def anchor(title: str) -> str:
    """The fragment under which a heading is linked."""
    return re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))


def datasets(_: str) -> str:
    """A section for each data set: what it is, its terms, its fields."""
    return "\n\n".join(section(one) for one in Catalog.load().datasets.values())


def section(one: Dataset) -> str:
    """One data set."""
    manner = "fetched when asked, kept for" if one.refresh.live else "refreshed every"
    facts = [
        f"Root field `{one.root}`, type `{one.type_name}`, key `{one.key}`; {manner} {spell(one.refresh.interval)};",
        f"licence [{one.licence.title}]({one.licence.url}).",
    ]
    rows = ((code(field.name), kind(field), field.description, remarks(field)) for field in one.fields)
    described = table(("field", "type", "what it is", "remarks"), rows)
    return f"### {one.id}\n\n{one.title}. {one.description}\n{' '.join(facts)}\n\n{described}"


def spell(interval: timedelta) -> str:
    """An interval in the largest unit that divides it."""
    seconds = int(interval.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}{'s' * (seconds != size)}"
    return f"{seconds} seconds"


def kind(field: Field) -> str:
    """A field's type, with a question mark when it may be absent."""
    name = {"str": "text", "tuple": "list of texts", "Localized": "text in languages"}.get(
        field.kind.__name__, field.kind.__name__.lower().replace("basegeometry", "geometry")
    )
    return f"{name}{'?' if field.optional else ''}"


def remarks(field: Field) -> str:
    """Unit, markup, reference, search: what the declaration says beside the type."""
    said = [
        f"in {field.unit}" if field.unit not in (None, "1") else "",
        "markup, made safe; plain text too" if field.html else "",
        f"refers to [`{field.to}`](#{anchor(field.to)})" if field.to else "",
        f"searched as {field.search}" if field.search else "",
    ]
    return "; ".join(one for one in said if one)


def codes(_: str) -> str:
    """Every error of the broker's own: its code, class and meaning."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    ordered: list[type[BrokerError]] = sorted(kinds, key=lambda one: (not one.public, one.code))
    return table(
        ("code", "error", "a client sees its text", "when"),
        (
            (
                f"[`{one.code}`](#{anchor(one.code)})",
                code(one.__name__),
                "yes" if one.public else "no",
                (one.__doc__ or "").split("\n\n")[0].replace("``", "`"),
            )
            for one in ordered
        ),
    )


def commands(_: str) -> str:
    """Every command of ``broker``, from the command line itself."""
    from broker.cli import app  # noqa: PLC0415 - the command line pulls in everything; the other blocks do without

    group = typer.main.get_command(app)
    found = sorted(getattr(group, "commands", {}).items())
    first = ((name, (one.help or "").strip().split("\n\n")[0]) for name, one in found)
    return table(("command", "what it does"), ((code(f"broker {name}"), said) for name, said in first))


def roots(_: str) -> str:
    """Every root field of the graph, from the printed schema."""
    schema = build_schema((DOCS.parent / "schema.graphql").read_text(encoding="utf-8"))
    query = schema.query_type
    found = sorted(query.fields.items()) if query else []
    return table(
        ("field", "type", "what it is"),
        ((code(name), code(str(one.type)), one.description or "") for name, one in found),
    )


def stores(_: str) -> str:
    """How fast layers are joined on either store, from the results of the benchmarks."""
    measured = orjson.loads((DOCS.parent / "bench/results.json").read_bytes())["spatial"]
    asked = {
        "count": f"how many of {measured['points'] // 1000} 000 addresses lie in each of 42 districts",
        "nearest": "the five nearest points of legal aid to each of 1 000 addresses",
        "within_300": "the stops within 300 metres of each of 10 000 places, on ten pages",
    }
    columns = [(kind, when) for kind in ("sqlite", "postgis") for when in ("cold", "warm")]
    return table(
        ("question", "SQLite, first", "SQLite, then", "PostGIS, first", "PostGIS, then"),
        (
            (what, *(f"{measured[kind][f'{name}_{when}_ms']:.0f}" for kind, when in columns))
            for name, what in asked.items()
        ),
    )


def speed(part: str) -> str:
    """How fast the broker answers, from the results of the benchmarks: its ``aims``, its ``queries``, ``alone``, or the ``machine``."""
    measured = orjson.loads((DOCS.parent / "bench/results.json").read_bytes())["speed"]
    if part == "machine":
        others = {"taken by other work meanwhile": f"{measured['others_share']:.0%}"}
        return table(("what", "which"), {**measured["machine"], **others}.items())
    if part == "alone":
        return table(
            ("server", "milliseconds"), ((name, figure(one, "")) for name, one in sorted(measured["alone_ms"].items()))
        )
    if part == "queries":
        head = ("query", "made anew, milliseconds", "given again, milliseconds", "under 10 ms")
        asked = measured["queries"].items()
        return table(
            head,
            (
                (
                    f"[{name}](queries/{name}.graphql)",
                    figure(one["anew"], ""),
                    figure(one["kept"], ""),
                    said(one["met"]),
                )
                for name, one in asked
            ),
        )
    return table(
        ("work", "against", "aim", "measured (least to most)", "broker", "the other", "met"),
        (
            (
                *(one[what] for what in ("work", "against", "aim")),
                figure(one, one["unit"]),
                one["ours"],
                one["theirs"],
                said(one["met"]),
            )
            for one in measured["aims"]
        ),
    )


def faults(part: str) -> str:
    """What was done to the broker and its sources, from the table of the fault suite and the counts of its last whole run."""
    folder = DOCS.parent / "tests/faults"
    known = runpy.run_path(str(folder / "table.py"))
    ran: dict[str, dict[str, int]] = orjson.loads((folder / "results.json").read_bytes())
    if part in ("trials", "nights"):
        return table(
            ("what is done", "what holds", "test", "answers" if part == "nights" else "cases", "losses"),
            ((one.does, one.holds, code(one.test), *counted(ran, one.counted)) for one in known[part.upper()]),
        )
    return table(
        ("a source …", "what a reader sees", "what an operator sees", "test", "cases", "losses"),
        (
            (one.does, one.reader, one.operator, code(f"-k {one.name}"), *counted(ran, (one.name,)))
            for one in known["FAULTS"]
        ),
    )


def counted(ran: Mapping[str, Mapping[str, int]], names: Iterable[str]) -> tuple[str, str]:
    """The cases under some names, and how many of them were lost."""
    cases, losses = (sum(ran[name][what] for name in names if name in ran) for what in ("cases", "losses"))
    return f"{cases:,}", f"**{losses:,}**" if losses else "none"


def figure(one: dict[str, float], unit: str) -> str:
    """A measured value with the least and the most there was, which are left out when it was measured once."""
    value = f"{one['value']:g}{f' {unit}' if unit else ''}"
    return value if one["low"] == one["high"] else f"{value} ({one['low']:g} to {one['high']:g})"


def said(met: bool) -> str:  # noqa: FBT001 - it is what is told
    """Whether an aim is met."""
    return "yes" if met else "**no**"


def file(path: str) -> str:
    """A file of the documentation, whole; `path` is relative to ``docs``."""
    language = {"py": "python", "geojson": "json"}.get(path.rsplit(".", 1)[-1], path.rsplit(".", 1)[-1])
    return f"```{language}\n{(DOCS / path).read_text(encoding='utf-8').strip()}\n```"


@cache
def sample() -> Callable[..., dict[str, object]]:
    """Answers queries over the sample data, from a store of its own."""
    from broker.app import Engine  # noqa: PLC0415 - the other blocks do without

    configure("error", "console")
    folder = tempfile.TemporaryDirectory()
    engine = Engine.open(Settings(store=f"sqlite:///{folder.name}/sample.sqlite", sample=True, log_level="error"))
    atexit.register(folder.cleanup)
    atexit.register(engine.store.close)
    asyncio.run(engine.fill())

    def ask(query: str, **variables: object) -> dict[str, object]:
        answer = asyncio.run(engine.endpoint.run(query, variables))
        if "errors" in answer:
            raise ValueError(f"{answer['errors']} in {query}")
        return answer["data"]  # type: ignore[no-any-return]

    return ask


def answer(path: str) -> str:
    """What the sample data answer to a query, as JSON."""
    data = sample()((DOCS / path).read_text(encoding="utf-8"))
    return f"```json\n{orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()}\n```"


BLOCKS: dict[str, Callable[[str], str]] = {
    one.__name__: one
    for one in (
        settings,
        metrics,
        sources,
        datasets,
        lookups,
        codes,
        commands,
        roots,
        stores,
        speed,
        faults,
        file,
        answer,
    )
}


def maps() -> Iterator[tuple[Path, str]]:
    """Every map, and the file it belongs in."""
    drawing = runpy.run_path(str(DOCS / "maps.py"))
    outlines = sample()("{ districts(first: 100) { nodes { geometry(simplify: 20) } } }")
    districts = [shape(one["geometry"]) for one in outlines["districts"]["nodes"]]  # type: ignore[index]
    for name in drawing["MAPS"]:
        query = (DOCS / "analysts" / f"{name}.graphql").read_text(encoding="utf-8")
        yield DOCS / "analysts" / f"{name}.svg", drawing["svg"](name, sample()(query, first=1000, map=True), districts)


def renewed(text: str) -> str:
    """A page with its generated blocks as they should be. Raises `KeyError` for a block there is not."""

    def fill(match: re.Match[str]) -> str:
        name, argument = match["name"], match["argument"] or ""
        begin = f"<!-- begin {name}{' ' if argument else ''}{argument} -->"
        return f"{begin}\n{BLOCKS[name](argument)}\n<!-- end {name} -->"

    return MARK.sub(fill, text)


def pages() -> list[Path]:
    """The pages that have a generated block."""
    return [page for page in sorted(DOCS.rglob("*.md")) if MARK.search(page.read_text(encoding="utf-8"))]


def main(arguments: list[str]) -> int:
    """Check the pages, or write them; the exit code."""
    write = "--write" in arguments
    stale = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        fresh = renewed(text)
        if fresh != text:
            stale.append(page.relative_to(DOCS.parent))
            if write:
                page.write_text(fresh, encoding="utf-8")
    for picture, drawn in maps():
        if not picture.exists() or picture.read_text(encoding="utf-8") != drawn:
            stale.append(picture.relative_to(DOCS.parent))
            if write:
                picture.write_text(drawn, encoding="utf-8")
    for page in stale:
        sys.stdout.write(f"{page}: {'renewed' if write else 'stale; run make docs'}\n")
    return int(bool(stale) and not write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
