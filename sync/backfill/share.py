"""The `--rate` of a backfill: at most this share of each connection's pace, and of what is left of a daily allotment.

Put around each connection's meter by the command, so that whatever else stands there (a governor that all processes
share, the vendor's own pace) holds too. Others keep what is left over, also when they come later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from connectors.base import Meter
from connectors.errors import Paused
from connectors.pace import Pace
from sync.config import ConnectionConfig

_AGAIN_AFTER = 3600.0


class NoPace(Exception):
    """A share was asked for where nobody said what the whole is; the message says where to say it."""


class Share:
    """A Meter that lets a part of the calls through; the part of an allotment counts from when it is first told."""

    def __init__(self, name: str, inner: Meter, share: float, *, pace: Pace) -> None:
        self.used_up = False
        """Whether the part of the daily allotment is spent."""
        self._name = name
        self._inner = inner
        self._share = share
        self._pace = pace
        self._last: int | None = None

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait for a place; raises Paused once our part of the allotment is spent."""
        if self._last is not None and self._pace.total >= self._last:
            self.used_up = True
            raise Paused(
                f"This backfill has made {self._pace.total} calls at {self._name}: its share (--rate {self._share:g}) "
                "of those that were left for today. Run the same command again tomorrow, or with a higher --rate.",
                code="RATE-02",
                delay=_AGAIN_AFTER,
            )
        self._pace.before(endpoint, cost)
        self._inner.before(endpoint, cost)

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Take note of what the vendor says is left, and pass it on."""
        self._pace.after(endpoint, status, headers, seconds)
        if self._last is None and self._pace.remaining is not None:
            self._last = self._pace.total + int(self._pace.remaining * self._share)
        self._inner.after(endpoint, status, headers, seconds)


class Shares:
    """The same share of every connection; `around` is for `sync.wiring.assemble`."""

    def __init__(
        self, share: float, connections: Mapping[str, ConnectionConfig], *, sleep: Callable[[float], None]
    ) -> None:
        self._share = share
        self._connections = connections
        self._sleep = sleep
        self._made: dict[str, Share] = {}

    def around(self, name: str, meter: Meter) -> Meter:
        """Put a share around a connection's meter."""
        asked = self._connections[name].pace
        rate = asked.per_minute * self._share
        # However small the share is: who asks for it wants to wait.
        pace = Pace(rate, asked.burst * self._share, patience=math.inf, sleep=self._sleep)
        self._made[name] = Share(name, meter, self._share, pace=pace)
        return self._made[name]

    def check(self, crm: str) -> None:
        """Raise NoPace unless each whole is known: the CRM tells its allotment itself, the others must be told."""
        lacking = [name for name, one in self._connections.items() if not one.pace.per_minute and name != crm]
        if lacking:
            raise NoPace(
                f"--rate {self._share:g} of what? No pace is known for {', '.join(lacking)}. Say in config.yaml how "
                "many calls a minute the connection may make, `pace: {per_minute: 240}`, or leave --rate out."
            )

    @property
    def used_up(self) -> bool:
        """Whether some connection's part of its allotment is spent."""
        return any(share.used_up for share in self._made.values())
