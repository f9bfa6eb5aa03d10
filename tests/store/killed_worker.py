"""A worker that is killed at its first statement, then another one at its second, and so on until one comes through.

Writes a line for each step that the store acknowledged. Run by test_store_durability.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime

import sqlalchemy as sa

from connectors.base import Kind, Ref, TimeEntry
from sync.core.model import PLAN_ITEM, Binding, Commit, Event, Intent, Quarantine
from sync.store import Store

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_EVENTS = ("begin", "before_cursor_execute", "after_cursor_execute", "commit", "checkin")


def _say(key: str, step: str) -> None:
    os.write(1, f"{key} {step}\n".encode())


def _kill_at(moment: int, engine: sa.Engine) -> None:
    left = moment

    def count_down(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in _EVENTS:
        sa.event.listen(engine, name, count_down)


def _work(store: Store, key: str) -> None:
    store.request([key], 0)
    _say(key, "request")
    [claim] = store.claim("worker", limit=1, lease_seconds=60, keys=[key])
    _say(key, "claim")
    items = {PLAN_ITEM: Kind.PLAN, "t1": Kind.TASK, "t2": Kind.TASK}
    store.open_intents([Intent("tracker", f"{key}/{item}", key, item, kind, "", _NOW) for item, kind in items.items()])
    _say(key, "intents")
    store.bind([Binding(key, item, "tracker", kind, Ref(f"{key}-{item}")) for item, kind in items.items()])
    _say(key, "bind")
    entries = {"t1": 60, "t2": 30}
    store.put_time(
        "tracker", [TimeEntry(f"{key}-{t}", f"{key}-{t}", "ann", seconds, _NOW, _NOW) for t, seconds in entries.items()]
    )
    _say(key, "time")
    event = Event(key, "t1", "status", "open", "done", "tracker", "changed")
    held = Quarantine(key, "t1", "crm", "Stage", "SF-PICKLIST-01", "no such stage")
    store.commit([Commit(claim, template="saas", base={"t1": {"done": True}}, events=(event,), quarantine=(held,))])
    _say(key, "commit")


def main(url: str) -> None:
    """Fork a worker for each moment; a fork, since starting an interpreter each time would take minutes."""
    Store.open(url, clock=lambda: _NOW).close()
    os.write(1, b"ready\n")
    sys.stdin.readline()
    for moment in range(200):
        worker = os.fork()
        if not worker:
            key = f"deal-{moment:03}"
            _say(key, "started")
            store = Store.open(url, clock=lambda: _NOW)
            _kill_at(moment, store._database.engine)
            _work(store, key)
            _say(key, "finished")
            os._exit(0)
        _, status = os.waitpid(worker, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))
    sys.exit("the worker never came through")


if __name__ == "__main__":
    main(sys.argv[1])
