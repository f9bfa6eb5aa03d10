"""The pocket vendor's webhooks: who registered, what is sent to them and signed how, and what is sent again.

A registration is good once the receiver said a word back. A change is sent until the receiver answers THANKS.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from connectors.conformance import Delivery
from connectors.events import Reply
from simulator.clock import Clock

HELLO, SIGNATURE = "x-pocket-hello", "x-pocket-signature"
THANKS = b"thanks"
AGAIN = 60.0
"""Seconds until what was not answered is sent again."""


def seal(secret: str, body: bytes) -> Delivery:
    """Sign a body."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Delivery({"content-type": "application/json", SIGNATURE: f"sha256={signature}"}, body)


def nobody(_url: str, _delivery: Delivery) -> Reply:
    """Nobody listens."""
    return Reply(0)


@dataclass
class Registration:
    """One webhook."""

    id: str
    url: str
    target: str
    secret: str
    on: bool = False
    ends: datetime | None = None
    """When it is switched off, unless it is changed before."""


@dataclass
class PocketHooks:
    """All registrations, and what is on its way."""

    clock: Clock
    post: Callable[[str, Delivery], Reply] = nobody
    all: dict[str, Registration] = field(default_factory=dict)
    box: list[tuple[Registration, bytes]] = field(default_factory=list)
    lasts: timedelta | None = None
    """How long a registration is good for."""
    made: int = 0
    told: int = 0

    def register(self, url: str, target: str, secret: str) -> Registration:
        """Keep a new registration."""
        self.made += 1
        return self.change(Registration(f"H{self.made}", url, target, secret), url)

    def change(self, hook: Registration, url: str) -> Registration:
        """Give a registration this address, and switch it on if who is there says the word back."""
        hook.url = url
        hook.on = self.post(url, Delivery({HELLO: f"word-{hook.id}"}, b"")).body == f"word-{hook.id}".encode()
        hook.ends = self.lasts and self.clock.now() + self.lasts
        self.all[hook.id] = hook
        return hook

    def listed(self) -> list[Registration]:
        """Return all registrations as they are now."""
        for hook in self.all.values():
            hook.on = hook.on and (hook.ends is None or hook.ends > self.clock.now())
        return list(self.all.values())

    def tell(self, numbers: Mapping[str, str]) -> None:
        """Put a change into the box, by the record that it is of and what holds that."""
        for hook in self.all.values():
            if hook.on and hook.target in numbers.values():
                self.told += 1
                self.box.append((hook, orjson.dumps({"id": f"E{self.told}", **numbers})))

    def deliver(self) -> None:
        """Send what is in the box; what nobody thanks for goes back into it later."""
        while self.box:
            hook, body = self.box.pop(0)
            reply = self.post(hook.url, seal(hook.secret, body))
            if (reply.status, reply.body) != (200, THANKS):
                self.clock.call_in(AGAIN, lambda lost=(hook, body): self.box.append(lost))

    def remove(self, numbers: Iterable[str]) -> None:
        """Forget registrations."""
        for number in tuple(numbers):
            del self.all[number]
