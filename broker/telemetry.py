"""What the broker tells about itself: structured log lines, one name an event, and the id of the request at hand."""

import logging
import secrets
import sys
from contextvars import ContextVar, Token
from enum import StrEnum
from itertools import count
from typing import Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["Event", "bind_request", "configure", "log", "request_id", "unbind_request"]

Level = Literal["debug", "info", "warning", "error"]
_request: ContextVar[str | None] = ContextVar("request_id", default=None)
_process, _numbers = secrets.token_hex(4), count()


class Event(StrEnum):
    """Every event that is logged: search the logs by these names."""

    STARTED = "broker.started"
    STOPPED = "broker.stopped"
    CONNECTOR_BROKEN = "connector.broken"
    LAYER_NOT_DESCRIBED = "layer.not_described"
    REQUEST_FAILED = "request.failed"
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


def bind_request() -> Token[str | None]:
    """Give the request being answered a new id of 16 hexadecimal digits: those of the process, and a number."""
    return _request.set(f"{_process}{next(_numbers):08x}")


def unbind_request(token: Token[str | None]) -> None:
    """The request is answered."""
    _request.reset(token)


def _with_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if (id := _request.get()) is not None:
        event.setdefault("request_id", id)
    return event


def _json(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
