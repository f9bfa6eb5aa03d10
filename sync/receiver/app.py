"""The receiver's HTTP: who may come in, what is read of them, and what they hear. An ASGI application.

Built by `sync.receiver.server`. The order is the law of it: the way in is checked before a byte of the body is read,
the sender is proved before anything is kept, and what is kept is on disk before the sender hears of it. What goes wrong
is answered by a bare status that tells a stranger nothing; the operator reads the tallies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.errors import ConnectorError, NotAuthorised, TryLater
from connectors.events import Accepted
from sync.receiver.door import Door, Tallies, find
from sync.receiver.keeping import Keeper
from sync.store import StoreUnavailable

READ_SECONDS = 10.0
"""How long a body may take to come."""


class _Turned(Exception):
    """Turn this request away."""

    def __init__(self, status: int, outcome: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome
        self.headers = headers


class Desk:
    """Takes deliveries at all doors."""

    def __init__(self, doors: Mapping[str, Door], keeper: Keeper, tallies: Tallies, *, max_body: int) -> None:
        self._doors = doors
        self._keeper = keeper
        self._tallies = tallies
        self._max_body = max_body

    async def __call__(self, request: Request) -> Response:
        """Answer one request to /hooks/{connection}/{path}."""
        door = find(self._doors, request.path_params["connection"], request.path_params["path"])
        if door is None:
            return Response(status_code=404)
        try:
            accepted = await self._take(door, request)
        except _Turned as turned:
            self._tallies[door.connection, turned.outcome] += 1
            return Response(status_code=turned.status, headers=turned.headers)
        self._tallies[door.connection, "accepted"] += 1
        reply = accepted.reply
        return Response(reply.body, reply.status, dict(reply.headers))

    async def _take(self, door: Door, request: Request) -> Accepted:
        """Read, prove and keep one delivery; raises _Turned."""
        self._check_kind(door, request)
        body = await self._read(request)
        try:
            accepted = await anyio.to_thread.run_sync(
                door.events.accept, dict(request.headers), body, limiter=door.examining
            )
            await self._keeper.keep(door.connection, accepted.events)
        except TryLater as error:
            raise _Turned(503, error.code, {"retry-after": str(max(1, round(error.delay)))}) from None
        except ConnectorError as error:
            raise _Turned(403 if isinstance(error, NotAuthorised) else 400, error.code) from None
        except StoreUnavailable:
            raise _Turned(503, "STORE-01", {"retry-after": "5"}) from None
        except Exception as error:  # noqa: BLE001 - its text may quote the body: only its place may be known
            raise _Turned(500, f"DEFECT-01 {type(error).__name__}") from None
        return accepted

    def _check_kind(self, door: Door, request: Request) -> None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in door.events.media_types or request.headers.get("content-encoding", "identity") != "identity":
            raise _Turned(415, "EVENT-KIND-01")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body:
            raise _Turned(413, "EVENT-SIZE-01")

    async def _read(self, request: Request) -> bytes:
        """Read the body as it comes, and not a byte more than is allowed, whatever its length was said to be."""
        body = bytearray()
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._max_body:
                        raise _Turned(413, "EVENT-SIZE-01", {"connection": "close"})
        except TimeoutError:
            raise _Turned(408, "EVENT-SLOW-01", {"connection": "close"}) from None
        except ClientDisconnect:
            raise _Turned(400, "EVENT-SLOW-01") from None
        return bytes(body)


def application(desk: Desk, *, healthy: Callable[[], bool]) -> Starlette:
    """Build the application: the doors, /healthz, and a bare 404 for all else."""

    async def health(_request: Request) -> Response:
        return Response(b"ok\n" if healthy() else b"", 200 if healthy() else 503, media_type="text/plain")

    async def nothing(_request: Request, _error: Any) -> Response:
        return Response(status_code=404)

    routes = [
        Route("/healthz", health, methods=["GET"]),
        Route("/hooks/{connection}/{path}", desk.__call__, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: nothing})
    app.router.redirect_slashes = False  # a redirect would tell that there is something
    return app
