"""What the broker tells about itself: structured log lines, one name an event, the id of the request at hand, and traces.

Traces are OpenTelemetry's. Without its SDK, installed and set up by who wants them, a span is made only to hand on a caller's trace.
"""

import logging
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from enum import StrEnum
from itertools import count
from typing import Literal

import orjson
import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract, inject
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = [
    "Event",
    "bind_request",
    "caller",
    "configure",
    "log",
    "new_request",
    "request_id",
    "span",
    "trace_headers",
    "unbind_request",
]

Level = Literal["debug", "info", "warning", "error"]
_request: ContextVar[str | None] = ContextVar("request_id", default=None)
_process, _numbers = secrets.token_hex(4), count()
_tracer = trace.get_tracer("broker")
TRACE_HEADERS = (b"traceparent", b"tracestate")


class Event(StrEnum):
    """Every event that is logged: search the logs by these names."""

    STARTED = "broker.started"
    STOPPED = "broker.stopped"
    SCHEMA_FOLLOWED = "schema.followed"
    SCHEMA_WAITS = "schema.waits"
    STORE_AWAY = "store.away"
    CLOCK_OFF = "clock.off"
    CONNECTOR_BROKEN = "connector.broken"
    LAYER_NOT_DESCRIBED = "layer.not_described"
    REQUEST_ANSWERED = "request.answered"
    REQUEST_REFUSED = "request.refused"
    REQUEST_FAILED = "request.failed"
    LOOKUP_FAILED = "lookup.failed"
    REFRESH_FINISHED = "refresh.finished"
    REFRESH_FAILED = "refresh.failed"
    SCHEDULE_FAILED = "schedule.failed"


def configure(level: Level, form: Literal["console", "json"]) -> None:
    """Write log lines to the standard error stream, for people or as one JSON object a line."""
    shared: list[Processor] = [
        _with_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Processor] = (
        [
            # Without the local variables: they may hold what nobody should read in a log.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(_json),
        ]
        if form == "json"
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log() -> structlog.typing.FilteringBoundLogger:
    """The log: ``log().info(Event.STARTED, port=8000)``."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def request_id() -> str | None:
    """The id of the request being answered, when there is one."""
    return _request.get()


def new_request() -> str:
    """A new request's id of 16 hexadecimal digits: those of the process, and a number."""
    return f"{_process}{next(_numbers):08x}"


def bind_request() -> Token[str | None]:
    """Give the request being answered a new id, which everything that is logged meanwhile bears."""
    return _request.set(new_request())


def unbind_request(token: Token[str | None]) -> None:
    """The request is answered."""
    _request.reset(token)


def span(
    name: str,
    kind: Literal["internal", "server", "client"] = "internal",
    parent: Context | None = None,
    **attributes: str | int,
) -> AbstractContextManager[trace.Span]:
    """A span around what is done within, below ``parent`` or the span at hand; an error that leaves it is noted in it."""
    if parent is None and not _collected():
        return nullcontext(trace.INVALID_SPAN)
    return _tracer.start_as_current_span(name, parent, trace.SpanKind[kind.upper()], attributes)


def _collected() -> bool:
    """Whether an SDK is set up."""
    plain = isinstance(_tracer, trace.ProxyTracer)
    return not (plain and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider))


def caller(headers: Iterable[tuple[bytes, bytes]]) -> Context | None:
    """The span that a request comes from, as its headers tell (W3C Trace Context); None when they do not."""
    told = {name.decode(): value.decode("latin-1") for name, value in headers if name in TRACE_HEADERS}
    return extract(told, Context()) if told else None


def trace_headers() -> Mapping[str, str]:
    """The headers that tell another system which span its request comes from; none outside of all spans."""
    told: dict[str, str] = {}
    inject(told)
    return told


def _with_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if (id := _request.get()) is not None:
        event.setdefault("request_id", id)
    return event


def _json(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
