"""A session and a caller, hardened as each vendor's client hardens its own, for the tests of the shared transport."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import requests
from peer import Peer

from connectors.base import FreeMeter
from connectors.errors import ConnectorError, Refused
from connectors.http import Caller, HardenedAdapter, HttpSettings, harden, json_body

SECRET = "planted-secret"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Meter(FreeMeter):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, int]] = []

    def after(self, endpoint: str, status: int, headers: Any, seconds: float) -> None:
        self.told.append((endpoint, status))


class Wire:
    """A hardened session and a caller, as each vendor's client has them."""

    def __init__(self, peer: Peer, **settings: Any) -> None:
        given: dict[str, Any] = {
            "hosts": frozenset({peer.host}),
            "connect_timeout": 1.0,
            "read_timeout": 1.0,
        } | settings
        self.peer = peer
        self.settings = HttpSettings(**given)
        self.meter = Meter()
        self.slept: list[float] = []
        self.session = requests.Session()
        harden(
            self.session,
            HardenedAdapter(
                self.settings,
                self.meter,
                endpoint=lambda method, path: f"{method} {path.replace('42', '{id}')}",
                cost=lambda endpoint: 10 if "heavy" in endpoint else 1,
            ),
        )
        self.caller = Caller(self.settings, explain=self.explain, vendor="Vendor", sleep=self.slept.append)

    def explain(self, error: Exception) -> ConnectorError | None:
        return Refused("The SDK refused it. Mend it.", code="SDK-01") if isinstance(error, LookupError) else None

    def send(self, method: str = "GET", path: str = "/thing", **parts: Any) -> Any:
        headers = {"Authorization": f"Bearer {SECRET}"}
        response = self.session.request(method, parts.pop("url", self.peer.url) + path, headers=headers, **parts)
        return json_body(response, vendor="Vendor", writes=method != "GET")

    def call(self, method: str = "GET", path: str = "/thing", *, safe: bool | None = None, **parts: Any) -> Any:
        is_safe = method == "GET" if safe is None else safe
        return self.caller.call(lambda: self.send(method, path, **parts), safe=is_safe)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
