"""The least a server can do: uvicorn and an application that answers so many fixed bytes, or that nothing has changed.

The ceiling of every ratio.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson
import uvicorn

__all__ = ["serve"]

Event = MutableMapping[str, Any]


def serve(port: int, size: int, unchanged: Mapping[str, str] | None = None) -> None:
    """Answer every request on the loopback interface with ``size`` bytes of JSON, or with a status of 304 and these headers."""
    body = b"" if unchanged else b'"' + b"x" * (size - 2) + b'"'
    headers = unchanged or {"content-type": "application/json", "content-length": str(size)}
    start = {
        "type": "http.response.start",
        "status": 304 if unchanged else 200,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def app(
        scope: Event, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]
    ) -> None:
        del scope
        while (await receive()).get("more_body"):
            pass
        await send(start)
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), orjson.loads(sys.argv[3]) if len(sys.argv) > 3 else None)
