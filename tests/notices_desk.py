"""A place where notices arrive over real HTTP, and rounds on a real store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TODAY = datetime(2026, 11, 16, 10, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = TODAY

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Letterbox:
    """What arrived; `broken` makes it refuse everything."""

    address: str
    arrived: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False
    asked: int = 0

    @property
    def subjects(self) -> list[str]:
        return [each["title"] for each in self.arrived]


@contextmanager
def letterbox() -> Iterator[Letterbox]:
    """Serve one on loopback until left."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            box.asked += 1
            if box.broken:
                self.send_response(500)
            else:
                box.arrived.append({**body, "path": self.path})
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box = Letterbox(f"json://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
