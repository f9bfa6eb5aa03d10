"""Serves vendors over HTTP on loopback: one thread, one event loop, one port each; carries out the fault book.

Called by `closedwon simulator`, the demo and the tests. It knows HTTP and faults, never a vendor's rules.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from email.utils import format_datetime
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.clock import Clock
from simulator.courier import Courier
from simulator.faults import FaultBook, Rule
from simulator.wire import Request, Response, Vendor, html_response, json_response

_DROPS = frozenset({"drop_before", "drop_after", "late_commit"})
_AFTER = frozenset({"drop_after", "kill_after", "truncate", "delay"})


class _Protocol(HttpToolsProtocol):
    """Uvicorn's protocol with the transport within reach, so that a connection can be cut as networks cut it."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class World:
    """Everything vendors share: the clock, the fault book, the courier, the call counts and one lock."""

    def __init__(self, *, clock: Clock | None = None, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.faults = FaultBook(seed)
        self.courier = Courier(self.lock, seed)
        self.seed = seed
        self.calls: Counter[tuple[str, str]] = Counter()
        self.log: deque[tuple[str, str, str, int]] = deque(maxlen=10_000)
        """The last calls: vendor, endpoint, path with query, status (0 = the connection was cut)."""

    def count(self, vendor: str, *, but: Sequence[str] = ()) -> int:
        """Return how many calls that vendor got, endpoints in `but` left out."""
        return sum(n for (name, endpoint), n in self.calls.items() if name == vendor and endpoint not in but)


class App:
    """One vendor as an ASGI application."""

    def __init__(self, vendor: Vendor, world: World) -> None:
        self.vendor = vendor
        self.world = world

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Read the request, ask the fault book, let the vendor answer, send."""
        request = await _read(scope, receive)
        endpoint = self.vendor.endpoint(request)
        with self.world.lock:
            self.world.clock.run_due()
            self.world.calls[self.vendor.name, endpoint] += 1
            rule = self.world.faults.draw(self.vendor.name, endpoint)
            response = self._answer(request, rule)
            target = request.path + (f"?{request.query_string}" if request.query_string else "")
            self.world.log.append((self.vendor.name, endpoint, target, response.status if response else 0))
        if rule is not None and rule.fault == "delay":
            await asyncio.sleep(float(rule.args.get("seconds", 1)))
        if response is None:
            await _cut(scope)
            return
        await _send(send, response, self.world.clock, half=rule is not None and rule.fault == "truncate")
        if rule is not None and rule.fault == "truncate":
            scope["state"]["transport"].close()
            await asyncio.sleep(0.01)

    def _answer(self, request: Request, rule: Rule | None) -> Response | None:
        """Return the answer, or None when the connection is to be cut."""
        if rule is None:
            return self.vendor.handle(request)
        if rule.fault == "kill_before":
            os.kill(int(rule.args["pid"]), signal.SIGKILL)
            return None
        if rule.fault == "late_commit":
            self.world.clock.call_in(float(rule.args.get("seconds", 5)), lambda: _ignore(self.vendor.handle(request)))
        committed = self.vendor.handle(request) if rule.after or rule.fault in _AFTER else None
        if rule.fault == "kill_after":
            os.kill(int(rule.args["pid"]), signal.SIGKILL)
            return None
        if rule.fault in _DROPS:
            return None
        if rule.fault in _AFTER:
            return committed
        return self._failure(request, rule)

    def _failure(self, request: Request, rule: Rule) -> Response:
        if rule.fault == "status":
            return json_response(int(rule.args["status"]), rule.args.get("body", {}), rule.args.get("headers"))
        if rule.fault == "html":
            return html_response(int(rule.args.get("status", 502)))
        return self.vendor.fault(rule.fault, request, rule.args)


def _ignore(_: Response) -> None:
    """Nobody waits for the answer of a late commit."""


async def _cut(scope: dict[str, Any]) -> None:
    """Cut the connection and let the loop notice, or uvicorn would log an application error."""
    scope["state"]["transport"].abort()
    await asyncio.sleep(0.01)


async def _read(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]]) -> Request:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope["raw_path"].decode("latin-1").split("?", 1)[0]
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, b"".join(chunks))


async def _send(
    send: Callable[[dict[str, Any]], Awaitable[None]], response: Response, clock: Clock, *, half: bool
) -> None:
    """Send the answer; `Date` is the virtual time, since clients take their cursors from it."""
    length = [] if response.status in {204, 304} else [(b"content-length", str(len(response.body)).encode())]
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    date = (b"date", format_datetime(clock.now(), usegmt=True).encode())
    await send({"type": "http.response.start", "status": response.status, "headers": [*length, date, *headers]})
    body = response.body[: len(response.body) // 2] if half else response.body
    await send({"type": "http.response.body", "body": body, "more_body": half})


class Servers:
    """Several ASGI applications on loopback ports (0 = any free one), in one background thread."""

    def __init__(self, apps: dict[str, tuple[Any, int]], host: str = "127.0.0.1") -> None:
        self.host = host
        self.ports: dict[str, int] = {}
        self._servers: list[uvicorn.Server] = []
        self._sockets: list[socket.socket] = []
        for name, (app, port) in apps.items():
            # The protocol is named because asyncio sets TCP_NODELAY only then; without it each answer waits 40 ms.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            self.ports[name] = listener.getsockname()[1]
            config = uvicorn.Config(
                app, http=_Protocol, ws="none", lifespan="off", log_config=None, access_log=False, date_header=False
            )
            config.server_header = False
            self._servers.append(uvicorn.Server(config))
            self._sockets.append(listener)
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def url(self, name: str) -> str:
        """Return the base URL of one application, without a trailing slash."""
        return f"http://{self.host}:{self.ports[name]}"

    def start(self) -> None:
        """Start serving and return once every port answers."""
        self._thread.start()
        while not all(server.started for server in self._servers):
            if not self._thread.is_alive():
                raise RuntimeError("the simulator's servers did not start; see the log above")
            threading.Event().wait(0.005)

    def stop(self) -> None:
        """Stop serving; open connections are cut."""
        for server in self._servers:
            server.should_exit = True
            server.force_exit = True
        self._thread.join(timeout=10)
        for listener in self._sockets:
            listener.close()

    def wait(self) -> None:
        """Block until the servers end (Ctrl-C in a terminal)."""
        while self._thread.is_alive():
            self._thread.join(timeout=0.5)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        # Not `serve()`: it would install signal handlers, which only a main thread may do.
        await asyncio.gather(
            *(server._serve([listener]) for server, listener in zip(self._servers, self._sockets, strict=True))  # noqa: SLF001
        )
