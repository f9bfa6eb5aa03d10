"""A peer that answers HTTP by script, down to the socket: what no well-behaved server lets a test do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Script = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Script:
    """Answer in full; underscores in the names of headers become dashes."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def slowly(connection: socket.socket) -> None:
    """Answer after a moment, so that calls side by side overlap."""
    time.sleep(0.01)
    answer()(connection)


def half(connection: socket.socket) -> None:
    """Promise more than comes."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half": ')


def cut(connection: socket.socket) -> None:
    """Say nothing and hang up."""


@dataclass
class Peer:
    """Listens on a port of loopback; each request takes the next script, the last one for ever."""

    scripts: list[Script] = field(default_factory=lambda: [answer()])
    seen: list[Seen] = field(default_factory=list)
    wrap: Callable[[socket.socket], socket.socket] = lambda connection: connection

    def __post_init__(self) -> None:
        self.most = 0
        """How many connections were open at once."""
        self._open = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self, _: socket.socket) -> None:
        """Keep the connection and never answer."""
        self._over.wait(10)

    def close(self) -> None:
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open += 1
            self.most = max(self.most, self._open)
        try:
            self._talk(connection)
        except OSError:
            return  # the client went away, which is its right
        finally:
            with self._lock:
                self._open -= 1

    def _talk(self, connection: socket.socket) -> None:
        with self.wrap(connection) as wrapped, wrapped.makefile("rb") as stream:
            line = stream.readline().decode().strip()
            headers: dict[str, str] = {}
            while (text := stream.readline().decode("latin-1").strip()) != "":
                name, _, value = text.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
            with self._lock:
                self.seen.append(Seen(line, headers, body))
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            script(wrapped)
