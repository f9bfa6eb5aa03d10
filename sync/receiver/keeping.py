"""Keeps events durably, many requests' at once: whatever arrived while one commit was on its way goes with the next.

Called by `sync.receiver.app` in the event loop. A single commit to a disk costs milliseconds; shared by all who wait it
costs each of them next to nothing. It never acknowledges anything: `keep` returns after the commit, and raises when
there was none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from connectors.events import Event
from sync.core.unattended import UnattendedStore

Waiting = tuple[str, Sequence[Event], "asyncio.Future[None]"]


class Keeper:
    """Commits for one event loop. `kept` is called, in another thread, after each commit."""

    def __init__(self, store: UnattendedStore, *, kept: Callable[[], None]) -> None:
        self._store = store
        self._kept = kept
        self._waiting: list[Waiting] = []
        self._committing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")

    async def keep(self, connection: str, events: Sequence[Event]) -> None:
        """Return once these events are on disk; raises what the store raises."""
        if not events:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((connection, events, done))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        await done

    def close(self) -> None:
        """End the thread, after the commit that it is at."""
        self._thread.shutdown()

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            by_connection: defaultdict[str, list[Waiting]] = defaultdict(list)
            for waiting in batch:
                by_connection[waiting[0]].append(waiting)
            for connection, group in by_connection.items():
                events = [(event.id, event.ids) for _, told, _ in group for event in told]
                try:
                    await loop.run_in_executor(self._thread, self._accept, connection, events)
                except Exception as error:  # noqa: BLE001 - whoever waits decides, and the others' events go on
                    _release(group, error)
                else:
                    _release(group, None)

    def _accept(self, connection: str, events: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._store.accept(connection, events)
        self._kept()


def _release(group: Sequence[Waiting], error: Exception | None) -> None:
    """Let those go on who still wait; a sender that hung up does not."""
    for _, _, done in group:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
