"""The worker: events become requests, dirty onboardings go through the engine, urgent ones first, until told to stop.

Run by `sync.daemon` in a thread of its own, by one of the runners beside (`sync.work.runner`), in as many processes as
wanted: what each may act upon is said by the store's leases alone. It never speaks to a vendor itself and never loses a
key: whatever goes wrong with a batch, its onboardings stay dirty and are looked at again, later each time.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.errors import NotAuthorised
from sync.core.guard import Unsafe
from sync.core.model import Claim, Commit, Priority
from sync.core.unattended import Arrival, KeyOf, UnattendedStore
from sync.engine import Engine, Report
from sync.engine.hints import bring_time
from sync.engine.reconcile import BRAKE
from sync.store import StoreUnavailable
from sync.work.heart import Heart

_FIRST_WAIT = 0.05
_EVENTS = 500
"""Events turned into requests at once."""
_LONGEST_BACKOFF = 3600.0
_BRAKE = "BRAKE-ENGAGED-01"
STORE_AWAY = "STORE-01"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker behaves. Seconds throughout."""

    owner: str
    batch: int = 1000
    """How many urgent onboardings share vendor calls."""
    background_batch: int = 200
    """The same for those that are not urgent: an urgent one waits for at most one such batch."""
    lease_seconds: float = 900.0
    deadline: float = 3600.0
    """A batch that takes longer than this is given up to whoever comes."""
    idle: float = 0.5
    """How long at most nobody looks for work that another process may have left."""
    trouble_pause: float = 60.0
    """How long to wait after a failure that concerns everything, such as a sign-in that is refused."""


class Watch(Protocol):
    """Told of what a worker does; must be quick and raise nothing."""

    def batch(self, report: Report, seconds: float) -> None:
        """Take note that a batch is done."""
        ...

    def trouble(self, code: str, onboardings: int = 0) -> None:
        """Take note of what went wrong and no report tells."""
        ...


class Worker:
    """One loop over the work that is due. `run` it in a thread; `wake`, `stop` and `abandon` come from others."""

    def __init__(
        self,
        engine: Engine,
        store: UnattendedStore,
        *,
        settings: WorkerSettings,
        key_of: KeyOf,
        watch: Watch,
        now: Callable[[], datetime],
        begin: Callable[[int], None] = lambda _priority: None,
    ) -> None:
        self.settings = settings
        self.hung = False
        """Whether the present batch has passed its deadline."""
        self.trouble = ""
        """The code of what stops all work at present, "" when nothing does."""
        self._engine = engine
        self._store = store
        self._key_of = key_of
        self._watch = watch
        self._now = now
        self._begin = begin
        self._claims: tuple[Claim, ...] = ()
        self._waits = _FIRST_WAIT
        self._woken = threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until told to stop; what is begun is finished."""
        while not self._stopping.is_set():
            wait = self.step()
            if wait and not self._stopping.is_set() and self._woken.wait(wait):
                self._waits = _FIRST_WAIT
            self._woken.clear()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def stop(self) -> None:
        """End after the present batch."""
        self._stopping.set()
        self._woken.set()

    def stopped(self, within: float = 0.0) -> bool:
        """Tell whether it was told to stop, waiting so many seconds for it at most."""
        return self._stopping.wait(within)

    def abandon(self) -> None:
        """Give back what is still claimed, because the process ends now."""
        self._store.release(self._claims)

    def step(self) -> float:
        """Do what is due, one batch at most; return how many seconds there is nothing to do, 0.0 for more at once."""
        try:
            wait = self._step()
        except NotAuthorised as error:
            return self.stand_still(error.code)
        except Unsafe:
            return self.stand_still(_BRAKE)
        except StoreUnavailable:
            return self.stand_still(STORE_AWAY)
        except Exception as error:  # noqa: BLE001 - the store is away, or a defect in here: neither may end the loop
            return self.stand_still(place(error))
        self.trouble = ""
        return wait

    def due_in(self) -> float:
        """Return in how many seconds something can be taken up, 0.0 for now, infinity for nothing in sight.

        Changes nothing. Raises what the store raises.
        """
        if self._store.take_events(1):
            return 0.0
        horizon = self._store.horizon()
        if horizon.ready is not None:
            return 0.0
        return math.inf if horizon.next_at is None else self._until(horizon.next_at)

    def stand_still(self, code: str) -> float:
        """Take note of what stops all work and tell of it once; return how many seconds to wait."""
        if code != self.trouble:
            self._watch.trouble(code)
        self.trouble = code
        return self.settings.idle if code in {_BRAKE, STORE_AWAY} else self.settings.trouble_pause

    def _step(self) -> float:
        if arrivals := self._store.take_events(_EVENTS):
            self._bring_time(arrivals)
            self._store.settle_events(arrivals, self._key_of)
        if brake := self._store.cursor("engine", BRAKE):
            raise Unsafe(brake, code=_BRAKE)
        horizon = self._store.horizon()
        if horizon.ready is not None and self._work(horizon.ready):
            self._waits = _FIRST_WAIT
            return 0.0
        wait = self._waits = min(self._waits * 2, self.settings.idle)
        if horizon.next_at is not None:
            wait = min(wait, self._until(horizon.next_at))
        return wait

    def _bring_time(self, arrivals: Sequence[Arrival]) -> None:
        try:
            bring_time(arrivals, connections=self._engine.connections, store=self._store)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - an answer nobody can read must not keep all events from being taken
            self._watch.trouble(place(error))

    def _until(self, moment: datetime) -> float:
        return max(_FIRST_WAIT, (moment - self._now()).total_seconds())

    def _work(self, priority: int) -> bool:
        settings = self.settings
        limit = settings.batch if priority <= Priority.LIVE else min(settings.batch, settings.background_batch)
        claims = self._claim(limit=limit, up_to=priority)
        if not claims:
            return False
        self._begin(priority)
        self._act(claims)
        return True

    def _claim(
        self, *, limit: int, keys: Sequence[str] | None = None, up_to: int = Priority.BACKFILL
    ) -> tuple[Claim, ...]:
        settings = self.settings
        return self._store.claim(
            settings.owner, limit=limit, lease_seconds=settings.lease_seconds, keys=keys, up_to=up_to
        )

    def _act(self, claims: tuple[Claim, ...]) -> None:
        settings = self.settings
        began = time.perf_counter()
        heart = Heart(
            claims,
            store=self._store,
            lease_seconds=settings.lease_seconds,
            deadline=settings.deadline,
            hung=self._say_hung,
        )
        self._claims = claims
        try:
            with heart:
                report = self._engine.reconcile(claims)
        except (NotAuthorised, Unsafe, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - one onboarding that breaks our code must not stop the others
            self._isolate(claims, error)
        else:
            self._watch.batch(report, time.perf_counter() - began)
        finally:
            self._claims = ()
            self.hung = False

    def _isolate(self, claims: tuple[Claim, ...], error: Exception) -> None:
        """Halve the batch until the onboarding that cannot be worked on stands alone; that one waits, longer each time.

        The engine has given the claims back, so each half is claimed anew.
        """
        keys = [claim.key for claim in claims]
        if len(keys) == 1:
            text = place(error)
            self._watch.trouble(text, 1)
            for claim in self._claim(limit=1, keys=keys):
                wait = min(2.0**claim.attempts, _LONGEST_BACKOFF)
                self._store.commit([Commit(claim, done=False, again_after=wait, error=text)])
            return
        half = len(keys) // 2
        for part in (keys[:half], keys[half:]):
            if again := self._claim(limit=len(part), keys=part):
                self._act(again)

    def _say_hung(self, onboardings: int) -> None:
        self.hung = True
        self._watch.trouble("HUNG-01", onboardings)


def place(error: Exception) -> str:
    """Name a failure by its kind and place alone; its text may quote a value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"DEFECT-01: {type(error).__name__} in {frame.name}, {frame.filename.rpartition('/')[2]}:{frame.lineno}"
