"""The governor: one allowance per connection for all processes of all hosts, the urgent first, a reserve for others.

Put by `sync.wiring` around a connection's pace where `pace: {shared: true}` or a reserve is set. What is spent stands
in the store, so two workers together keep to what one may. It counts and waits; it never speaks to a vendor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from connectors.errors import Paused, TryLater
from connectors.pace import Pace
from sync.core.model import Priority
from sync.core.unattended import Rate

_LEFT_TO_OTHERS = {Priority.LIVE: 0.0, Priority.RECONCILE: 0.25, Priority.BACKFILL: 0.5}
"""Which part of the burst stays for whoever is more urgent."""

_STALE = 900.0
"""Seconds after which what a vendor said of its allotment is asked for again, by letting a call through."""


class Purse(Protocol):
    """Where the shared allowance is kept: `sync.core.unattended.UnattendedStore` has it."""

    def spend(self, connection: str, cost: float, rate: Rate, reserve: float = 0.0) -> float:
        """Take units and return 0.0, or take nothing and return the seconds to wait."""
        ...


@dataclass
class Urgency:
    """How urgent this process's present work is; one object for all its governors."""

    priority: int = Priority.LIVE

    def set(self, priority: int) -> None:
        """Say how urgent the next batch is."""
        self.priority = priority


class Governor:
    """A `Meter` around a connection's pace; `reserve` calls of a daily allotment are left to other programs."""

    def __init__(
        self,
        name: str,
        inner: Pace,
        *,
        purse: Purse,
        rate: Rate | None,
        reserve: int,
        urgency: Urgency,
        sleep: Callable[[float], None],
        patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._inner = inner
        self._purse = purse
        self._rate = rate
        self._reserve = reserve
        self._urgency = urgency
        self._sleep = sleep
        self._patience = patience
        self._clock = clock
        self._told_at = clock()

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait for our share; raises TryLater when that would take too long, or when only the reserve is left."""
        self._check_reserve()
        waited = 0.0
        while self._rate is not None and (wait := self._purse.spend(self._name, cost, self._rate, self._left())):
            if waited + wait > self._patience:
                raise TryLater(
                    f"All of us together have used up the pace for {self._name}; it goes on by itself. Raise "
                    "`per_minute` if you may.",
                    code="PACE-01",
                    delay=wait,
                )
            self._sleep(wait)
            waited += wait
        self._inner.before(endpoint, cost)

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Pass on what the vendor answered, and note when it last told what is left."""
        self._told_at = self._clock()
        self._inner.after(endpoint, status, headers, seconds)

    def _left(self) -> float:
        assert self._rate is not None
        return self._rate.burst * _LEFT_TO_OTHERS.get(self._urgency.priority, 0.0)

    def _check_reserve(self) -> None:
        left = self._inner.remaining
        kept = self._reserve if self._urgency.priority > Priority.LIVE else self._reserve / 2
        if left is None or left > kept or self._clock() - self._told_at > _STALE:
            return
        raise Paused(
            f"{self._name} has {left} calls left for today, which are kept for other programs (`reserve`). It goes on "
            "by itself when there are more.",
            code="QUOTA-01",
            delay=_STALE,
        )
