"""The doors: one secret address for each connection that hears, and which one a request has come to.

Called by `sync.receiver.app` for every request. Finding a door takes the same time whether there is one or not, and
nobody learns whether a name or a path was wrong.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

from connectors.base import Connector
from connectors.events import Events
from sync.hooks import address, hearing

MAX_BODY = 4 * 1024 * 1024
"""Bytes; a hundred notifications and an issue with its whole changelog are far below."""
AT_ONCE = 8
"""Deliveries of one connection that are examined at once. A vendor that must be asked and hangs holds up no other."""

Tallies = Counter[tuple[str, str]]
"""How often what happened, by connection and outcome: `accepted`, or the code of what was wrong."""

_NOBODY = "-" * 32


@dataclass(frozen=True, slots=True)
class Door:
    """One connection's way in."""

    connection: str
    events: Events
    examining: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))

    @property
    def address(self) -> str:
        """The address below the receiver's own; secret."""
        return address(self.connection, self.events)


def doors_of(connections: Mapping[str, Connector]) -> dict[str, Door]:
    """Make the doors of all connections that hear."""
    return {name: Door(name, events) for name, events in hearing(connections).items()}


def find(doors: Mapping[str, Door], connection: str, path: str) -> Door | None:
    """Return the door that a request has come to, if it knows the way."""
    door = doors.get(connection)
    secret = door.events.path.get_secret_value() if door else _NOBODY
    known = hmac.compare_digest(secret.encode(), path.encode())
    return door if known else None
