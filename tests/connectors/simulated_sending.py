"""Simulated vendors as ones that send: a courier that goes when told to, and an address where its requests arrive."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from connectors.conformance import Answering, Delivery
from simulator.courier import Courier, post
from simulator.courier import Delivery as Posted


class Box(Courier):
    """A courier that posts what it holds when it is told to, in the caller's thread and past the world's lock."""

    def __init__(self, lock: threading.RLock) -> None:
        super().__init__(lock)
        self._held: list[Posted] = []
        self._world = lock

    def send(self, delivery: Posted) -> None:
        self._held.append(delivery)

    def empty(self) -> None:
        while self._held:
            delivery = self._held.pop(0)
            answer = post(delivery.url, delivery.headers, delivery.body)
            if delivery.done is not None:
                with self._world:
                    delivery.done(answer)


@contextmanager
def arriving(answer: Answering) -> Iterator[str]:
    """Serve an address whose requests are answered by `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            reply = answer(Delivery({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def digest(secret: str, message: bytes) -> str:
    """Return what our vendors sign with."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class SimulatedSending:
    """What the three have in common; a rig that is one of them returns itself."""

    box: Box
    signature: str
    """The header that proves a delivery."""

    def sending(self) -> Any:
        return self

    @contextmanager
    def listening(self, answer: Answering) -> Iterator[str]:
        with arriving(answer) as address:
            yield address

    def by_hand(self, url: str) -> None:
        """All is done by `install`."""

    def deliver(self) -> None:
        self.box.empty()

    def sealed(self, body: bytes) -> Sequence[Delivery]:
        raise NotImplementedError

    def altered(self, delivery: Delivery) -> Sequence[Delivery]:
        """Change the last digit of the body, wherever it stands."""
        at = max(n for n, byte in enumerate(delivery.body) if chr(byte).isdigit())
        other = str((int(chr(delivery.body[at])) + 1) % 10).encode()
        return [Delivery(delivery.headers, delivery.body[:at] + other + delivery.body[at + 1 :])]

    def forged(self, delivery: Delivery) -> Sequence[Delivery]:
        (proof,) = (value for name, value in delivery.headers.items() if name == self.signature)
        method, _, _ = proof.rpartition("=")
        another = digest("another-secret-0123456789", delivery.body)
        unsigned = {name: value for name, value in delivery.headers.items() if name != self.signature}
        signed = {**unsigned, self.signature: f"{method}={another}" if method else another}
        return [Delivery(signed, delivery.body), Delivery(unsigned, delivery.body)]
