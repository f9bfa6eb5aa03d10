"""What running unattended needs of a store beyond what the engine needs: events, schedules, a quota that all share.

Implemented by `sync.store.Store`; used by the receiver (accept), the worker and the daemon (settle, fire) and the
governor (spend). No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from sync.core.model import Claim, Priority
from sync.core.records import RecordsStore

KeyOf: TypeAlias = Callable[[str, str], str]
"""Given a connection and an id that is bound to nothing: the onboarding's key that it is, or ""."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An accepted event: which vendor ids may have changed. It is a hint; nothing else is kept of it."""

    id: int
    connection: str
    event_id: str
    received_at: datetime
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """A connection's shared allowance: `per_minute` units a minute, of which `burst` may be spent at once."""

    per_minute: float
    burst: float


@dataclass(frozen=True, slots=True)
class Horizon:
    """What lies before a worker: `ready` is the most urgent priority that can be claimed now, None when nothing can.

    `next_at` is when more becomes due or a lease runs out; `oldest` since when the longest waiting due key is dirty.
    """

    ready: int | None = None
    next_at: datetime | None = None
    oldest: datetime | None = None


class UnattendedStore(RecordsStore, Protocol):
    """A store that several processes run on. Every method is one transaction and may be repeated."""

    def claim(
        self,
        owner: str,
        *,
        limit: int,
        lease_seconds: float,
        keys: Sequence[str] | None = None,
        up_to: int = Priority.BACKFILL,
    ) -> tuple[Claim, ...]:
        """Take dirty keys as `StoreApi.claim` does, but only those as urgent as `up_to`."""
        ...

    def borrow(self, owner: str, keys: Sequence[str], lease_seconds: float) -> tuple[Claim, ...]:
        """Take those of the keys that are clean and free, as `claim` takes dirty ones; no two get the same.

        A request that comes meanwhile makes a key dirty as ever: neither a commit nor a release of the claim undoes it.
        """
        ...

    def cancel(self, keys: Sequence[str]) -> None:
        """Forget requests of keys that nobody works on; what is being worked on goes on."""
        ...

    def horizon(self) -> Horizon:
        """Tell whether there is work and how urgent, or when there will be. Changes nothing."""
        ...

    def accept(self, connection: str, events: Sequence[tuple[str, Sequence[str]]]) -> int:
        """Keep events, each (event id, vendor ids); on disk when it returns. Return how many were new.

        An event id that was accepted before from this connection is not kept again, taken or not.
        """
        ...

    def take_events(self, limit: int) -> tuple[Arrival, ...]:
        """Return the oldest events that nobody has settled. Two may get the same; only one settles them."""
        ...

    def settle_events(self, arrivals: Sequence[Arrival], key_of: KeyOf) -> frozenset[str]:
        """Request the onboardings that these events touch, urgently, and mark the events taken, in one transaction.

        Ids that are bound lead to their onboardings; the others are shown to `key_of`. Return the keys requested.
        """
        ...

    def fire(self, job: str, now: datetime, next_due: datetime, by: str = "") -> bool:
        """Tell whether a job is to be run now, by this caller and no other, and note when it is due next.

        The first call only notes `next_due`. A schedule that was made tighter counts from the next call on.
        """
        ...

    def spend(self, connection: str, cost: float, rate: Rate, reserve: float = 0.0) -> float:
        """Take `cost` units of what all processes share and return 0.0; or take nothing and return seconds to wait.

        `reserve` units of the burst are left to whoever is more urgent. A cost above the burst takes all of it.
        """
        ...

    def spent(self, connection: str, rate: Rate) -> float:
        """Return how many units of the burst are used now, by all processes. Changes nothing."""
        ...

    def tidy(self, before: datetime) -> int:
        """Forget events settled before a moment, and work rows of keys that never got a plan; return how many."""
        ...
