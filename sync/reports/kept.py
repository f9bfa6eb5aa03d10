"""What reports remember between two of them: meetings whose minutes were taken, and who accepted a launch.

Called by `closedwon report`. Each is a small document of the store; no vendor hears of it.
"""

from __future__ import annotations

from datetime import date

from sync.core.model import StoreApi
from sync.reports.views import Acceptance

MEETING, ACCEPTANCE = "meeting", "acceptance"
_LAUNCH = "launch"


class Accepted(Exception):
    """Somebody else's acceptance is kept already; it is the argument."""

    def __init__(self, before: Acceptance) -> None:
        super().__init__(before)
        self.before = before


def last_meeting(store: StoreApi, key: str, day: date) -> date | None:
    """Return the day of the last meeting on a day or before it of which minutes were taken."""
    days = [date.fromisoformat(each.name) for each in store.kept(MEETING, key)]
    return max((each for each in days if each <= day), default=None)


def keep_meeting(store: StoreApi, key: str, day: date) -> None:
    """Remember that a meeting took place."""
    store.keep_once(MEETING, key, day.isoformat(), {})


def acceptance(store: StoreApi, key: str) -> Acceptance | None:
    """Return who accepted the launch, if that was recorded."""
    found = next((each.value for each in store.kept(ACCEPTANCE, key) if each.name == _LAUNCH), None)
    return Acceptance(found["by"], date.fromisoformat(found["on"])) if found else None


def accept(store: StoreApi, key: str, given: Acceptance, *, correct: bool = False) -> None:
    """Record who accepted the launch; the same again changes nothing.

    Raises Accepted where another acceptance is kept, unless this one corrects it.
    """
    value = {"by": given.by, "on": given.on.isoformat()}
    if correct:
        store.keep(ACCEPTANCE, key, _LAUNCH, value)
    elif not store.keep_once(ACCEPTANCE, key, _LAUNCH, value):
        before = acceptance(store, key)
        if before is not None and before != given:
            raise Accepted(before)
