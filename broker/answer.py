"""An answer before it is bytes, and what the log and the metrics are told of it; errors become the wire here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from broker.errors import BadRequest, BrokerError, Busy, RequestError
from broker.execution.responses import Life
from broker.metrics import INTERNAL_ERRORS, REQUEST_RECORDS, REQUEST_SECONDS, REQUESTS
from broker.telemetry import Event, log, request_id

__all__ = ["Answer", "HttpRefusal", "as_error", "refused"]

LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the body as JSON can hold it, headers; of what was executed its life, its name and the records it may give."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    life: Life | None = None
    operation: str = ""
    records: int = 0

    def tell(self, seconds: float) -> None:
        """Tell the log and the metrics that it was made in so long."""
        errors = self.body.get("errors", ())
        if "data" in self.body:
            REQUESTS.made += 1
            REQUEST_SECONDS.observe(seconds)
            REQUEST_RECORDS.observe(self.records)
            log().info(
                Event.REQUEST_ANSWERED,
                operation=self.operation,
                milliseconds=round(seconds * 1000, 3),
                records=self.records,
                status=self.status,
                errors=len(errors),
            )
            return
        reason, code = errors[0]["message"], errors[0]["extensions"]["code"]
        if code == BrokerError.code:  # which `request.failed` has told already
            REQUESTS.failed += 1
            return
        if code == Busy.code:
            REQUESTS.busy += 1
        else:
            REQUESTS.refused += 1
        log().info(Event.REQUEST_REFUSED, status=self.status, code=code, reason=reason)


class HttpRefusal(Exception):
    """The request fails before it is GraphQL, with this status and these headers."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers or {}


def refused(error: Exception) -> Answer:
    """The answer when a request fails as a whole: why, if that is the client's to know."""
    if isinstance(error, HttpRefusal):
        return Answer(error.status, _failure(_shown(str(error), BadRequest.code)), error.headers)
    if isinstance(error, RequestError):
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Answer(error.status, _failure(_shown(str(error), error.code)), headers)
    return Answer(500, _failure(_internal(error)))


def as_error(error: GraphQLError) -> dict[str, Any]:
    """An error as a client may see it: our own by their code, the executor's as bad requests, the rest hidden."""
    cause = _cause(error)
    if isinstance(cause, BrokerError) and cause.public:
        shown = _shown(error.message, cause.code)
    elif cause is None or error.path is None or isinstance(error.original_error, GraphQLError):
        shown = _shown(error.message, BadRequest.code)
    else:
        shown = _internal(cause)
    if error.locations:
        shown["locations"] = [one.formatted for one in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def _failure(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"errors": [error]}


def _shown(text: str, code: str) -> dict[str, Any]:
    cut = text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"
    return {"message": cut, "extensions": {"code": code}}


def _cause(error: GraphQLError) -> Exception | None:
    """What was raised beneath the executor's errors, if anything was."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _internal(error: Exception) -> dict[str, Any]:
    """Hide an unexpected error behind the request's id, under which it is logged."""
    INTERNAL_ERRORS.inc()
    log().error(Event.REQUEST_FAILED, exc_info=error)
    return {"message": "internal error", "extensions": {"code": BrokerError.code, "requestId": request_id()}}
