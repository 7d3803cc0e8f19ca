"""The command line: serve, refresh, accept, migrate, datasets, query, schema, doctor."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer
import uvicorn
from rich.box import SIMPLE
from rich.table import Table
from uvicorn.supervisors import Multiprocess

from broker.app import Engine, create_app
from broker.catalog import Catalog
from broker.doctor import examine
from broker.errors import BrokerError, SettingError
from broker.model import Dataset
from broker.packages import check_packages
from broker.refresh import FAILED, QUARANTINED
from broker.settings import Settings
from broker.store import MigrationMode, RefreshRecord
from broker.telemetry import configure
from broker.terminal import Located, described, err, out, print_json, show_located, show_refreshes
from resolvers.schema import build

__all__ = ["app", "main"]

OK, FAILURE, MISUSE = 0, 1, 2
SDL = Path("schema.graphql")
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.callback()
def broker() -> None:
    """One GraphQL endpoint over a city's systems. Settings come from broker.toml and BROKER_… variables."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.", show_default="8000")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes answer.", show_default="1")] = None,
) -> None:
    """Serve the graph at /graphql and GraphiQL at /graphiql.

    Example: [bold]broker serve --port 8080 --workers 4[/bold]
    """
    settings = Settings.load(host=host, port=port, workers=workers)
    configure(settings.log_level, settings.log_format)
    listening = _listen(settings.host, settings.port)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    if settings.workers == 1:
        config = _config(create_app(settings), settings)
        err.print(
            f"The broker answers at {address}/graphql" + (f"; try {address}/graphiql" if settings.graphiql else "")
        )
        _run(uvicorn.Server(config), listening)
        return
    Engine.open(settings).store.close()  # so that whatever is wrong is said once, here, and not by every worker
    settings.hand_down()
    config = _config("broker.app:from_environment", settings)
    err.print(f"{settings.workers} processes answer at {address}/graphql")
    Multiprocess(config, sockets=[listening]).run()


@app.command()
def refresh(
    datasets: Annotated[
        list[str] | None, typer.Argument(metavar="[DATASET]...", help="Ids; all when left out.")
    ] = None,
    *,
    loop: Annotated[
        bool, typer.Option("--loop", help="Go on for ever, each data set at its own interval, without answering.")
    ] = False,
) -> None:
    """Make new versions of data sets now; exit code 1 when one of them failed or is held in quarantine.

    Example: [bold]broker refresh bip.contracts mim.stops[/bold]
    """
    if loop:
        if datasets:
            _stop("--loop: it refreshes what is due, and takes no data sets", MISUSE)
        asyncio.run(_loop())
        return
    engine = _engine()
    try:
        chosen = [engine.catalog.dataset(id) for id in datasets or engine.catalog.datasets]
    except BrokerError:
        engine.store.close()
        raise
    records, located = asyncio.run(_refresh(engine, list(dict.fromkeys(chosen))))
    show_refreshes(records)
    show_located(located)
    if any(one.outcome in (FAILED, QUARANTINED) for one in records):
        raise typer.Exit(FAILURE)


@app.command()
def accept(
    datasets: Annotated[list[str], typer.Argument(metavar="DATASET...", help="Ids of data sets held in quarantine.")],
) -> None:
    """Publish what is held in quarantine, because it is true; exit code 1 when nothing is held.

    Example: [bold]broker accept bip.contracts[/bold]
    """
    engine = _engine()
    try:
        chosen = [engine.catalog.dataset(id) for id in dict.fromkeys(datasets)]
        held = engine.store.held()
        for one in chosen:
            for doubt in held[one.id].doubts if one.id in held else ():
                err.print(f"{one.id}: accepted although {doubt.reason}", markup=False, highlight=False, soft_wrap=True)
        records = asyncio.run(_accept(engine, chosen))
    finally:
        engine.store.close()
    show_refreshes(records)
    if any(one.outcome == FAILED for one in records):
        raise typer.Exit(FAILURE)


@app.command()
def migrate(
    *, check: Annotated[bool, typer.Option("--check", help="Print what would be done, and do nothing.")] = False
) -> None:
    """Let the tables of the store follow the declarations of this broker; exit code 1 when one cannot.

    A store on SQLite is migrated by whichever command opens it. Hosts of two builds may share one on PostgreSQL: there this
    command alone changes tables that hold versions.

    Example: [bold]broker migrate --check[/bold]
    """
    settings = Settings.load()
    configure("error", settings.log_format)
    store = Engine.open(settings, MigrationMode.NOTHING if check else MigrationMode.ALL).store
    store.close()
    if check:
        waiting = [("store", step) for step in store.own_waiting]
        waiting += [(id, step) for id, one in store.table_states.items() for step in one.plan.steps]
        waiting += [(id, one.write_refusal) for id, one in store.table_states.items() if one.plan.behind]
        _list(waiting, "every table follows its declaration")
    else:
        done = [("store", step) for step in store.own_added] + [(id, one.text) for id, one in store.migrated]
        _list(done, "every table followed its declaration already")


def _list(changes: list[tuple[str, str]], nothing: str) -> None:
    for id, text in changes:
        out.print(f"{id}: {text}", markup=False, highlight=False, soft_wrap=True)
    if not changes:
        out.print(nothing)


@app.command()
def datasets(*, json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List the data sets: how many records, how fresh, under which licence.

    Example: [bold]broker datasets --json | jq '.[].id'[/bold]
    """
    engine = _engine()
    try:
        versions, last = engine.store.versions(), engine.store.last_refreshes()
    finally:
        engine.store.close()
    listed = [described(one, versions[one.id], last.get(one.id)) for one in engine.catalog.datasets.values()]
    if json:
        print_json(listed)
        return
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("Data set", no_wrap=True)
    table.add_column("Records", justify="right", no_wrap=True)
    for name in ("Refreshed (UTC)", "Licence"):
        table.add_column(name, no_wrap=True)
    for one in listed:
        when = one["fetchedAt"].strftime("%Y-%m-%d %H:%M") if one["fetchedAt"] else "never"
        table.add_row(one["id"], f"{one['records']:,}", when, one["licence"])
    out.print(table)
    for one in listed:
        if one["lastError"]:
            err.print(f"{one['id']}: {one['lastError']}", style="red", markup=False, highlight=False, soft_wrap=True)


@app.command()
def query(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A file with a GraphQL document; - reads standard input.")
    ],
    variables: Annotated[str, typer.Option(help="The document's variables, as a JSON object.")] = "{}",
) -> None:
    """Answer a query from the store, without a server, and print JSON; exit code 1 when it has errors.

    Example: [bold]echo '{ sources { id } }' | broker query -[/bold]
    """
    try:
        given = orjson.loads(variables)
    except orjson.JSONDecodeError as error:
        _stop(f"--variables: it is not JSON ({error})", MISUSE)
    if not isinstance(given, dict):
        _stop('--variables: it must be a JSON object like {"first": 5}', MISUSE)
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _stop(f"{file}: it cannot be read ({error})", MISUSE)
    body = asyncio.run(_answer(_engine(), text, given))
    print_json(body)
    if "errors" in body:
        raise typer.Exit(FAILURE)


@app.command()
def schema(
    *,
    check: Annotated[bool, typer.Option("--check", help="Fail when the file is not what the code says.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the file.")] = False,
    file: Annotated[Path, typer.Option(help="The file to check or write.")] = SDL,
) -> None:
    """Print the graph's schema, or compare schema.graphql with the code.

    Example: [bold]broker schema --check[/bold]
    """
    check_packages()
    catalog = Catalog.load()
    if catalog.broken:
        _stop("\n".join(f"{one.module}: {one.reason}" for one in catalog.broken), FAILURE)
    text = f"{build(catalog).as_str()}\n"
    if write:
        file.write_text(text, encoding="utf-8")
    elif not check:
        sys.stdout.write(text)
    elif not file.is_file() or file.read_text(encoding="utf-8") != text:
        _stop(f"{file} is not what the code says; run `broker schema --write` and look at the difference", FAILURE)


@app.command()
def doctor(*, json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False) -> None:
    """Tell in words what is wrong and what to do about it; exit code 1 when something is.

    Example: [bold]broker doctor --json | jq -r '.[] | select(.wrong) | .about'[/bold]
    """
    configure("error", "console")
    findings = []
    for one in examine():
        findings.append(one)
        if not json:
            mark, colour = ("✗", "red") if one.wrong else ("✓", "green")
            out.print(f"[{colour}]{mark}[/] ", end="")
            out.print(str(one), markup=False, highlight=False, soft_wrap=True)
    if json:
        print_json([{"about": one.about, "wrong": one.wrong, "found": one.found, "do": one.do} for one in findings])
    if any(one.wrong for one in findings):
        raise typer.Exit(FAILURE)


def main() -> None:
    """Run the command line; an error of ours is a line, not a stack trace."""
    try:
        app()
    except SettingError as error:
        _end(str(error), MISUSE)
    except BrokerError as error:
        _end(str(error), FAILURE)


def _end(text: str, code: int) -> NoReturn:
    err.print("[bold red]error[/bold red] ", end="")
    err.print(text, markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def _stop(text: str, code: int) -> NoReturn:
    """End a command with a line."""
    _end(text, code)


def _engine() -> Engine:
    """The engine for a command that is not a server, whose log is only what went wrong."""
    settings = Settings.load()
    configure("error", settings.log_format)
    engine = Engine.open(settings)
    for id, one in engine.store.migrated:  # a line of the log that is worth reading here too
        err.print(f"{id}: {one.text}", markup=False, highlight=False, soft_wrap=True)
    return engine


def _config(what: Any, settings: Settings) -> uvicorn.Config:  # noqa: ANN401 - an app, or where a worker finds one
    return uvicorn.Config(
        what,
        factory=isinstance(what, str),
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing hangs on who asks from where, so nobody needs to be believed about it
        lifespan="on",
        timeout_graceful_shutdown=10,
    )


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    with suppress(KeyboardInterrupt):  # raised again once everything has been closed in order
        server.run(sockets=[listening])
    if not server.started:
        raise typer.Exit(FAILURE)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `SettingError` when the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SettingError(f"host, port: cannot listen on {host}:{port} ({reason}); choose another --port") from error


async def _accept(engine: Engine, chosen: list[Dataset]) -> list[RefreshRecord]:
    async with engine.refresher:
        return [await engine.refresher.accept(one) for one in chosen]


async def _refresh(engine: Engine, chosen: list[Dataset]) -> tuple[list[RefreshRecord], Located]:
    """Refresh with a bar for each data set, as long as the last version was."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - only here

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:>8,} records"),
        TimeElapsedColumn(),
    )
    async with engine.refresher:
        before = engine.store.versions()
        try:
            with Progress(*columns, console=err) as progress:
                bars = {
                    one.id: progress.add_task(one.id, total=before[one.id].records or None, start=False)
                    for one in chosen
                }

                def tell(dataset: str, records: int) -> None:
                    progress.start_task(bars[dataset])
                    progress.update(bars[dataset], completed=records)

                records = await engine.refresher.refresh_all(chosen, tell)
                for one in records:
                    progress.update(bars[one.dataset], total=one.changes.records, completed=one.changes.records)
                return records, {one.id: engine.store.geocoded(one) for one in _looked_up(engine.catalog, chosen)}
        finally:
            engine.store.close()


async def _loop() -> None:
    """The schedule alone, until a signal ends it."""
    settings = Settings.load()
    configure(settings.log_level, settings.log_format)
    engine = Engine.open(settings)
    work = asyncio.create_task(engine.scheduling())
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


def _looked_up(catalog: Catalog, chosen: list[Dataset]) -> list[Dataset]:
    """The data sets whose addresses a refresh of the chosen ones looks up: all of them when the register is among these."""
    every = any(one.gazetteer for one in chosen)
    return [one for one in catalog.datasets.values() if one.geocode and (every or one in chosen)]


async def _answer(engine: Engine, text: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    async with engine.running():
        return await engine.endpoint.run(text, variables)
