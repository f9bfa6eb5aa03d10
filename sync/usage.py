"""What is used of each vendor's allowance, kept in the store so that `status` can tell it from another process.

Written by the daemon once a minute (sooner when something changed) and by commands when they end; read by `status` and
the figures. Each process keeps what it counted itself. It calls nobody and paces nobody: that is the governor's and the
gate's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.pace import Pace
from sync.core.model import StoreApi

KIND = "usage"
FRESH = timedelta(minutes=3)
"""A process that kept nothing for so long is gone: its pace is nobody's."""
_EACH = timedelta(minutes=1)
_KEPT = timedelta(days=1)


class Closable(Protocol):
    """What can close in front of a connection: `sync.work.Gate`."""

    @property
    def code(self) -> str:
        """Why it is closed, "" while it is open."""
        ...

    @property
    def waits_for(self) -> float:
        """Seconds until the next call is let through."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How one connection stands for all processes together; None where nobody told."""

    calls_a_minute: float
    allotment: int | None = None
    left: int | None = None
    told_at: datetime | None = None
    paused_until: datetime | None = None
    code: str = ""


class Usage:
    """One process's own part. `owner` names the process; whoever runs for a moment only shares one name."""

    def __init__(
        self,
        *,
        store: StoreApi,
        paces: Mapping[str, Pace],
        gates: Mapping[str, Closable],
        owner: str,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._paces = paces
        self._gates = gates
        self._owner = owner
        self._now = now
        self._seen = {name: (now(), pace.total) for name, pace in paces.items()}
        self._kept: dict[str, tuple[datetime, Mapping[str, Any]]] = {}

    def note(self) -> None:
        """Keep how each connection stands, unless the same was kept less than a minute ago. Raises the store's."""
        now = self._now()
        for name in self._paces:
            value = self._value(name, now)
            at, before = self._kept.get(name, (datetime.min.replace(tzinfo=now.tzinfo), {}))
            same = {**before, "calls_a_minute": 0, "told_at": ""} == {**value, "calls_a_minute": 0, "told_at": ""}
            if same and now - at < _EACH:
                continue
            self._store.keep(KIND, "", f"{name} {self._owner}", value)
            self._kept[name] = (now, value)
            self._seen[name] = (now, self._paces[name].total)

    def end(self) -> None:
        """Keep nothing of a process that ends, but what vendors said. Raises the store's."""
        for name in self._kept:
            self._store.forget(KIND, "", f"{name} {self._owner}")
        leave(self._store, self._paces, self._now())

    def _value(self, name: str, now: datetime) -> Mapping[str, Any]:
        since, total = self._seen[name]
        minutes = max((now - since).total_seconds(), 1.0) / 60
        gate = self._gates.get(name)
        waits = gate.waits_for if gate else 0.0
        # To the second: a moment that is reckoned anew each time must not look like a change.
        until = (now + timedelta(seconds=waits)).replace(microsecond=0).isoformat() if waits >= 1 else ""
        calls = round((self._paces[name].total - total) / minutes, 1)
        return _row(name, self._paces[name], now, calls_a_minute=calls, until=until, code=gate.code if gate else "")


def leave(store: StoreApi, paces: Mapping[str, Pace], now: datetime) -> None:
    """Keep what vendors said to a process that ends; a command counts no pace of its own. Raises the store's."""
    for name, pace in paces.items():
        if pace.remaining is not None:
            store.keep(KIND, "", f"{name} ended", _row(name, pace, now))


def _row(
    name: str, pace: Pace, now: datetime, *, calls_a_minute: float = 0.0, until: str = "", code: str = ""
) -> Mapping[str, Any]:
    return {
        "connection": name,
        "calls_a_minute": calls_a_minute,
        "allotment": pace.allotment,
        "left": pace.remaining,
        "told_at": now.isoformat() if pace.remaining is not None else "",
        "paused_until": until,
        "code": code,
    }


def standings(store: StoreApi, now: datetime) -> dict[str, Standing]:
    """Return how each connection stands, from what all processes kept."""
    found: dict[str, Standing] = {}
    for one in store.kept(KIND, ""):
        value, before = one.value, found.get(one.value["connection"], Standing(0.0))
        fresh = now - one.at < FRESH
        told = datetime.fromisoformat(value["told_at"]) if value["told_at"] else None
        newest = told is not None and (before.told_at is None or told > before.told_at)
        until = datetime.fromisoformat(value["paused_until"]) if value["paused_until"] and fresh else None
        longest = until is not None and until > max(now, before.paused_until or now)
        found[value["connection"]] = Standing(
            calls_a_minute=before.calls_a_minute + (value["calls_a_minute"] if fresh else 0.0),
            allotment=value["allotment"] if newest else before.allotment,
            left=value["left"] if newest else before.left,
            told_at=told if newest else before.told_at,
            paused_until=until if longest else before.paused_until,
            code=value["code"] if longest else before.code,
        )
    return found


def tidy(store: StoreApi, now: datetime) -> None:
    """Forget what processes left behind that were killed a day ago."""
    for one in store.kept(KIND, ""):
        if now - one.at > _KEPT:
            store.forget(KIND, "", one.name)
