"""The least a server can do: uvicorn and an application that answers so many fixed bytes. The ceiling of every ratio."""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

__all__ = ["serve"]

Event = MutableMapping[str, Any]


def serve(port: int, size: int) -> None:
    """Answer every request on the loopback interface with ``size`` bytes of JSON."""
    body = b'"' + b"x" * (size - 2) + b'"'
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
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
    serve(int(sys.argv[1]), int(sys.argv[2]))
