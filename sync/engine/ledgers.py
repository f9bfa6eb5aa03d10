"""Gathers hours ledgers from the store: those of onboardings, and of the time that belongs to none.

Called by `closedwon hours`, reports and `sync.engine.audit`. It asks no vendor and reads page by page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mappings.hours import HourRules, Terms
from sync.core.dossier import Logged
from sync.core.hours import Placed, place
from sync.core.records import RecordsStore

PAGE = 1000


def loose_time(store: RecordsStore, rules: HourRules, today: date) -> Iterator[Placed]:
    """Yield the placed entries on records that belong to no plan, by connection and id."""
    for logged in loose(store):
        yield place(logged, rules=rules, terms=Terms(), today=today)


def loose(store: RecordsStore) -> Iterator[Logged]:
    """Yield the entries on records that belong to no plan."""
    after = ("", "")
    while page := store.loose(after=after, limit=PAGE):
        yield from page
        after = (page[-1].connection, page[-1].entry.id)
