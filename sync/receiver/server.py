"""Serves the receiver on one port: doors, keeper, application.

Started by `closedwon receiver` (and by whoever runs it beside a daemon in one process). It reads no configuration and
does no work: what it accepted waits in the store for a worker, here or elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

from sync.core.unattended import UnattendedStore
from sync.receiver.door import MAX_BODY, Door, Tallies
from sync.receiver.keeping import Keeper

TELL_SECONDS = 60.0
AT_ONCE = 1000
"""Connections and requests; the next one hears 503 and tries again later."""
BACKLOG = 1024
GRACE_SECONDS = 5
"""For requests that are under way when the receiver is stopped."""


class Receiver:
    """One receiver on one port (0 = any free one).

    `kept` is called after each commit, in another thread; `told` once a minute with what came since, by connection and
    outcome. `healthy` is what /healthz says.
    """

    def __init__(
        self,
        *,
        doors: Mapping[str, Door],
        store: UnattendedStore,
        host: str = "127.0.0.1",
        port: int = 0,
        max_body: int = MAX_BODY,
        kept: Callable[[], None] = lambda: None,
        told: Callable[[Tallies], None] = lambda _tallies: None,
        healthy: Callable[[], bool] = lambda: True,
    ) -> None:
        import uvicorn  # noqa: PLC0415 - a daemon that hears nobody needs no server in its memory

        from sync.receiver.app import Desk, application  # noqa: PLC0415

        self.tallies: Tallies = Tallies()
        self._last: Tallies = Tallies()
        self._told = told
        self._keeper = Keeper(store, kept=kept)
        self._socket = _listen(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        desk = Desk(doors, self._keeper, self.tallies, max_body=max_body)
        config = uvicorn.Config(
            application(desk, healthy=healthy),
            http="httptools",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            limit_concurrency=AT_ONCE,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """The receiver's own address, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def serving(self) -> bool:
        """Whether requests are answered."""
        return self._server.started and not self._server.should_exit

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`, SIGTERM or SIGINT; requests that are under way are ended in order.

        `ready` is called when nobody is refused any more and a signal ends it in order.
        """
        try:
            with _signals(self.stop):
                ready()
                asyncio.run(self._serve())
        finally:
            self._keeper.close()
            self._socket.close()
            self._tell()

    def stop(self) -> None:
        """Ask `serve` to return; from any thread."""
        self._server.should_exit = True

    async def _serve(self) -> None:
        telling = asyncio.create_task(self._tell_each_minute())
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            telling.cancel()

    async def _tell_each_minute(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self._tell()

    def _tell(self) -> None:
        """Tell what came since the last time, if anything did."""
        now = Tallies(self.tallies)
        if news := now - self._last:
            self._told(news)
        self._last = now


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let a signal stop the server and end nothing else.

    Uvicorn hears signals only while it serves, and sends them once more when it is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, lambda *_: stop()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _listen(host: str, port: int) -> socket.socket:
    """Listen. The protocol is named because asyncio sets TCP_NODELAY only then; without, each answer waits 40 ms."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)  # from here on nobody is refused, though the first answers take a moment
    return listener
