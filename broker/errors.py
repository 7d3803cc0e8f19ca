"""Everything that can go wrong, sorted by what has to happen next.

BrokerError
├── SettingError            the start stops: a setting's value is not accepted
├── DeclarationError        the start stops: a data set is declared wrongly
├── StoreError              our side: the store cannot be opened or read
│   ├── StoreUnavailable    the database is away, or broke off what it was doing: worth another try
│   └── LeaseLost           another process writes in this one's place; nothing was written
├── RequestError            refuse this request, or null this field; the text goes to the client
│   ├── BadRequest          the HTTP request or its document is malformed
│   ├── BadArgument         an argument's value is not accepted; says what is
│   ├── UnknownDocument     no document of this hash is known here; the client sends it once
│   ├── NotInVersion        a version was read before a required field was declared
│   ├── VersionGone         a version does not exist any more; its number may be another one's now
│   ├── NotFound            no such data set, record or source; says which there are
│   ├── TooMuch             over a limit; names the limit and the value
│   ├── Overdue             it took longer than a request may, and was stopped
│   └── Busy                as much is being done at once as may be; the client comes again in a second
├── SourceError             this data set's refresh fails, its old version stays, the others go on
│   ├── Unavailable         nobody answered in time, or the answer was 429 or 5xx: worth another try
│   ├── Refused             the source answered with a client error: another try would not help
│   ├── Oversized           the answer is larger than the bound
│   ├── Unreadable          the answer is not what it should be: HTML, an exception report, cut short
│   └── Suspicious          everything was readable but the result cannot be true (guards before publishing)
└── RowError                reject this row, keep it with its reason, go on
"""

from typing import ClassVar

__all__ = [
    "BadArgument",
    "BadRequest",
    "BrokerError",
    "Busy",
    "DeclarationError",
    "LeaseLost",
    "NotFound",
    "NotInVersion",
    "Overdue",
    "Oversized",
    "Refused",
    "RequestError",
    "RowError",
    "SettingError",
    "SourceError",
    "StoreError",
    "StoreUnavailable",
    "Suspicious",
    "TooMuch",
    "Unavailable",
    "UnknownDocument",
    "Unreadable",
    "VersionGone",
]


class BrokerError(Exception):
    """Base of every error the broker raises itself.

    ``code`` is what a client sees in ``extensions.code``; ``public`` says whether the text may reach the client.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    public: ClassVar[bool] = False


class SettingError(BrokerError):
    """A setting's value is not accepted; the text names the setting, the value and what is accepted."""

    code = "SETTING"


class DeclarationError(BrokerError):
    """A data set is declared wrongly; the text names the record, the field and the remedy."""

    code = "DECLARATION"


class StoreError(BrokerError):
    """The store cannot be opened, read or written."""

    code = "STORE"


class StoreUnavailable(StoreError):
    """The database is away, or it broke off what it was doing (a restart, a failover, a conflict); the same may go well in a moment."""

    code = "STORE_UNAVAILABLE"
    public = True
    status: ClassVar[int] = 503
    retry_after: ClassVar[int | None] = 1


class LeaseLost(StoreError):
    """This process was the one to write, and another one is now; the transaction is rolled back."""

    code = "LEASE_LOST"


class RequestError(BrokerError):
    """The request asks for something that is not accepted; ``status`` is the HTTP status when nothing can be answered.

    ``retry_after`` is in how many seconds the very same request may be accepted; None when it never will.
    """

    code = "REQUEST"
    public = True
    status: ClassVar[int] = 400
    retry_after: ClassVar[int | None] = None


class BadRequest(RequestError):
    """The HTTP request or the GraphQL document in it is malformed."""

    code = "BAD_REQUEST"


class BadArgument(RequestError):
    """An argument's value is not accepted."""

    code = "BAD_ARGUMENT"


class UnknownDocument(RequestError):
    """A document was asked for by its hash and is not known here; sending it once with its hash makes it known."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    status = 200


class NotInVersion(RequestError):
    """A field that every record has now is asked of a version that was read before it was declared."""

    code = "FIELD_NOT_IN_VERSION"


class VersionGone(RequestError):
    """A version that was named does not exist any more: it was dropped, or a failover lost it."""

    code = "VERSION_GONE"


class NotFound(RequestError):
    """There is no such thing; the text says which there are."""

    code = "NOT_FOUND"
    status = 404


class TooMuch(RequestError):
    """The request is over a limit; the text names the limit and the value."""

    code = "TOO_MUCH"
    status = 413


class Overdue(RequestError):
    """The request took longer than `limits.seconds`; the work for it was stopped."""

    code = "DEADLINE"
    status = 503


class Busy(RequestError):
    """As many requests are being executed as may be at once; the same one is welcome a second later."""

    code = "BUSY"
    status = 503
    retry_after = 1


class SourceError(BrokerError):
    """A source did not give what it should; the refresh of this data set fails and its old version stays."""

    code = "SOURCE_ERROR"
    public = True


class Unavailable(SourceError):
    """The source did not answer in time, or answered that it cannot now (429, 5xx).

    ``again`` says whether another attempt is worth it: yes, no, or yes after so many seconds.
    """

    code = "SOURCE_UNAVAILABLE"

    def __init__(self, text: str, *, again: bool | float = True) -> None:
        super().__init__(text)
        self.again = again


class Refused(SourceError):
    """The source refuses this request (other 4xx); asking again would not help."""

    code = "SOURCE_REFUSED"


class Oversized(SourceError):
    """The source's answer is larger than the bound for one body."""

    code = "SOURCE_OVERSIZED"


class Unreadable(SourceError):
    """The source's answer is not in the form it should be."""

    code = "SOURCE_UNREADABLE"


class Suspicious(SourceError):
    """The new version is readable but cannot be true, so it is not published."""

    code = "SOURCE_SUSPICIOUS"


class RowError(BrokerError, ValueError):
    """One row cannot be read; it is kept with this reason and counted."""

    code = "ROW"
