"""GraphiQL: the page on which a person tries queries, served whole by the broker itself, without any other host."""

import gzip
import mimetypes
from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["POLICY", "routes"]

HERE = files(__name__)
POLICY = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "style-src 'self' 'unsafe-inline'"  # its dialogs write a <style> element to keep the page from scrolling
)
OURS = frozenset({"start.js", "page.css"})
VERSIONED = "public, max-age=31536000, immutable"
"""For the names that carry a version; ours change with the broker, so a browser asks again."""


def routes() -> list[Route]:
    """The page at /graphiql and what it loads, below it."""
    return [Route("/graphiql", _page), Route("/graphiql/assets/{name}", _asset)]


async def _page(request: Request) -> Response:
    del request
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return Response((HERE / "index.html").read_bytes(), media_type="text/html", headers=headers)


async def _asset(request: Request) -> Response:
    """One file; a third party's lies here compressed and is sent so, unless the client cannot take it."""
    name = request.path_params["name"]
    body = _assets().get(name)
    if body is None:
        raise HTTPException(404, f"no such file; there are {', '.join(_assets())}")
    media_type = mimetypes.guess_type(name)[0]
    if name in OURS:
        return Response(body, media_type=media_type, headers={"Cache-Control": "no-cache"})
    headers = {"Cache-Control": VERSIONED, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(body), media_type=media_type, headers=headers)


@cache
def _assets() -> dict[str, bytes]:
    """Every file by the name it is asked for, as it lies here."""
    return {one.name.removesuffix(".gz"): one.read_bytes() for one in (HERE / "assets").iterdir()}
