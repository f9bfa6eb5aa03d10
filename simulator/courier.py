"""Sends what the vendors send on their own: webhook callbacks and outbound messages.

Vendors hand deliveries in; a background thread posts them. It never decides about retries or signatures: that is the
vendor's business, told through `done`. Loss, duplicates and reordering are settings here because they happen to all.
"""

from __future__ import annotations

import http.client
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What the receiver said; status 0 means that nobody answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Delivery:
    """One callback on its way; `done` is called with the answer, in the courier's thread and under the world's lock."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    done: Callable[[Answer], None] | None = None


def post(url: str, headers: Mapping[str, str], body: bytes, timeout: float = 10.0) -> Answer:
    """POST once over plain HTTP(S) and return the answer; never raises for a dead receiver."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body=body, headers=dict(headers))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        connection.close()


def _nobody(_delivery: Delivery, _answer: Answer) -> None:
    """Nobody listens."""


class Courier:
    """The outbox with its thread; started by the first delivery."""

    def __init__(self, lock: threading.RLock, seed: int = 0) -> None:
        self.knobs: dict[str, Any] = {"loss": 0.0, "duplicates": 0.0, "reordering": 0.0, "delay_seconds": 0.0}
        self.sent = 0
        self.lost = 0
        self.heard: Callable[[Delivery, Answer], None] = _nobody
        """Told of every delivery that was posted and what the receiver said, in the courier's thread."""
        self._lock = lock
        self._dice = random.Random(seed)
        self._box: queue.Queue[Delivery | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def send(self, delivery: Delivery) -> None:
        """Queue a delivery; it may be lost, doubled or overtaken as the knobs say."""
        if self._dice.random() < self.knobs["loss"]:
            self.lost += 1
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="simulator-courier", daemon=True)
            self._thread.start()
        for _ in range(2 if self._dice.random() < self.knobs["duplicates"] else 1):
            self._box.put(delivery)

    def stop(self) -> None:
        """End the thread; undelivered callbacks are dropped."""
        if self._thread is not None:
            self._box.put(None)
            self._thread.join(timeout=5)
            self._thread = None

    def _run(self) -> None:
        held: Delivery | None = None
        while (delivery := self._box.get()) is not None:
            if held is None and self._dice.random() < self.knobs["reordering"] and not self._box.empty():
                held = delivery
                continue
            for item in (delivery, held) if held else (delivery,):
                if self.knobs["delay_seconds"]:
                    time.sleep(self.knobs["delay_seconds"])
                answer = post(item.url, item.headers, item.body)
                self.sent += 1
                self.heard(item, answer)
                if item.done is not None:
                    with self._lock:
                        item.done(answer)
            held = None
