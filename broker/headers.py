"""Headers that keep a browser careful, and what adds them where an answer has not set its own."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SECURITY", "SecurityHeaders"]

DATA = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""For answers that are data: never a page, never in a frame."""
PAGES = {**DATA, "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
"""For what a browser may show: older ones know frames by a header of their own, and links tell nobody where they were."""
SECURITY = [(name.encode(), value.encode()) for name, value in DATA.items()]
"""Those of data as ASGI has them."""


class SecurityHeaders:
    """Adds the headers to every answer of an app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the inner app, its headers completed."""

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in PAGES.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, completed)
