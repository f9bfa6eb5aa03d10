"""Backfills that are under way: each says in the store how far it is, and hears there what a person wants of it.

Written by the command that runs, read by `closedwon status`, written to by `closedwon backfill pause|resume|cancel` in
another terminal. Two documents per backfill, so that nobody overwrites what another writes: its standing, and the wish.
A backfill that ended takes both away; one that was killed leaves a standing whose heart has stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from sync.core.model import Document, StoreApi
from sync.engine import Report

STANDING = "backfill"
WISH = "backfill wish"
BEAT_SECONDS = 5.0
DEAD_AFTER = timedelta(seconds=6 * BEAT_SECONDS)
LOOK_SECONDS = 0.5
"""How often a paused backfill looks whether it may go on."""


class State(StrEnum):
    """How a backfill stands."""

    RUNNING = "running"
    PAUSING = "pausing"
    """It was told to pause and is still at its present batch."""
    PAUSED = "paused"
    CANCELLING = "cancelling"
    DEAD = "dead"
    """Its process is gone: the same command goes on where it stopped."""


class Wish(StrEnum):
    """What a person wants of a running backfill."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Standing:
    """One backfill: the command line that it came from, how far it is, and how fast (`rate`: deals a second)."""

    id: str
    command: str
    owner: str
    state: State
    started: datetime
    seen: int = 0
    total: int | None = None
    planned: int = 0
    held: int = 0
    rate: float = 0.0
    heartbeat: datetime | None = None

    def line(self) -> str:
        """Return it in one line, which ends with what to do where there is something to do."""
        of = f" of {self.total}" if self.total is not None else ""
        told = f"Backfill {self.id} {self.state}: {self.seen}{of} deals, {self.planned} planned, {self.held} held back"
        if self.state is State.DEAD:
            return f"{told}. Its process is gone; `{self.command}` goes on where it stopped."
        return f"{told}, {self.rate:g} deals a second ({self.command}, {self.owner})"

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {**asdict(self), "state": str(self.state)}


def standings(store: StoreApi, *, now: datetime, gone: Callable[[str], bool]) -> tuple[Standing, ...]:
    """List the backfills that are under way, and those that died; `gone` tells whether an owner's process has ended."""
    wishes = {document.name: document.value.get("wish", "") for document in store.kept(WISH, "")}
    return tuple(_standing(document, wishes, now, gone) for document in store.kept(STANDING, ""))


def _standing(document: Document, wishes: Mapping[str, str], now: datetime, gone: Callable[[str], bool]) -> Standing:
    value = dict(document.value)
    value["started"] = datetime.fromisoformat(value["started"])
    told = Standing(**{**value, "state": State(value["state"]), "heartbeat": document.at})
    wish = wishes.get(told.id, "")
    if gone(told.owner) or now - document.at > DEAD_AFTER:
        return replace(told, state=State.DEAD)
    if wish == Wish.CANCEL:
        return replace(told, state=State.CANCELLING)
    if wish == Wish.PAUSE and told.state is State.RUNNING:
        return replace(told, state=State.PAUSING)
    return told


def tell(store: StoreApi, name: str, wish: Wish) -> None:
    """Tell a backfill what is wanted of it; it hears between two batches."""
    store.keep(WISH, "", name, {"wish": str(wish)})


def forget(store: StoreApi, name: str) -> None:
    """Take away what a dead backfill left."""
    store.forget(STANDING, "", name)
    store.forget(WISH, "", name)


class Running:
    """One running backfill, for the process that runs it: a context manager whose heart beats in a thread."""

    def __init__(
        self,
        store: StoreApi,
        standing: Standing,
        *,
        now: Callable[[], datetime],
        show: Callable[[State], None] = lambda _state: None,
    ) -> None:
        self.cancelled = False
        self._store = store
        self._standing = standing
        self._now = now
        self._show = show
        self._paused = timedelta()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="backfill", daemon=True)

    def __enter__(self) -> Self:
        self._write()
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._heart.join()
        forget(self._store, self._standing.id)

    def progress(self, seen: int, total: int | None, report: Report) -> None:
        """Say how far it is."""
        worked = (self._now() - self._standing.started - self._paused).total_seconds()
        rate = round(seen / worked, 3) if worked > 0 else 0.0
        self._write(seen=seen, total=total, planned=report.planned, held=report.held, rate=rate)

    def go_on(self) -> bool:
        """Wait as long as a person wants a pause; False when the backfill is to end here."""
        began = self._now()
        while (wish := self._wish()) is Wish.PAUSE:
            if self._standing.state is not State.PAUSED:
                self._change(State.PAUSED)
            self._ended.wait(LOOK_SECONDS)
        if self._standing.state is State.PAUSED:
            self._paused += self._now() - began
            self._change(State.RUNNING)
        self.cancelled = wish is Wish.CANCEL
        return not self.cancelled

    def _wish(self) -> Wish | None:
        mine = (document.value for document in self._store.kept(WISH, "") if document.name == self._standing.id)
        return next((Wish(value["wish"]) for value in mine), None)

    def _change(self, state: State) -> None:
        self._write(state=state)
        self._show(state)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self._write()
            except Exception:  # noqa: BLE001, S112 - a store that is away for a beat is no reason to stop the run
                continue

    def _write(self, **changes: Any) -> None:
        with self._lock:
            self._standing = replace(self._standing, **changes)
            value = asdict(self._standing)
            value |= {"state": str(self._standing.state), "started": self._standing.started.isoformat()}
            del value["heartbeat"]
            self._store.keep(STANDING, "", self._standing.id, value)
