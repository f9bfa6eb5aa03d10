"""Keeps what forecasts have learned, so that learning takes place once a day and all processes forecast alike.

Used by roll-ups, by `verify` and by whoever shows a forecast beside them. It asks no vendor. What was learned stays as
it is until it is learned anew, on purpose (`sync.engine.daily`): so a roll-up changes when its onboarding does, or when
a day has passed, and never because somebody else's onboarding went on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from mappings.calendar import BusinessCalendar
from sync.core.experience import Experience
from sync.core.health import Override
from sync.core.judgement import Told, override_of
from sync.core.records import RecordsStore
from sync.core.replay import replay
from sync.engine.dossiers import dossiers

KIND = "experience"
"""The kind of document that keeps it, with this one name:"""
LATEST = "latest"
FORMAT = 1
"""What an older or newer Closedwon kept in another form is learned anew."""

OVERRIDE = "health"
"""The kind of document that keeps a person's word for the colour, by onboarding and with this one name:"""
WORD = "override"

_OLDEST = 31


@dataclass(frozen=True, slots=True)
class Lessons:
    """What was learned, and on which day."""

    day: date
    experience: Experience = field(compare=False)

    def days(self, today: date) -> tuple[date, ...]:
        """Return the days on which a roll-up that still stands may have been worked out, the latest first."""
        count = min(max(0, (today - self.day).days), _OLDEST)
        return tuple(today - timedelta(days=back) for back in range(count + 1))


def lessons(store: RecordsStore, calendar: BusinessCalendar, today: date, *, keep: bool = True) -> Lessons:
    """Return what was learned last, or learn now where nothing was; with `keep` that stays for others."""
    if (found := _kept(store)) is not None:
        return found
    learned = Lessons(today, replay(dossiers(store), calendar).experience)
    if not keep or store.keep_once(KIND, "", LATEST, _values(learned)):
        return learned
    return _kept(store) or learned  # somebody else was quicker


def learn(store: RecordsStore, calendar: BusinessCalendar, today: date) -> Lessons:
    """Learn anew from all onboardings that have launched, and keep it in place of what was learned before."""
    learned = Lessons(today, replay(dossiers(store), calendar).experience)
    store.keep(KIND, "", LATEST, _values(learned))
    return learned


def _values(learned: Lessons) -> dict[str, Any]:
    return {"format": FORMAT, "day": learned.day.isoformat(), "state": learned.experience.state()}


def _kept(store: RecordsStore) -> Lessons | None:
    for document in store.kept(KIND, ""):
        if document.value.get("format") == FORMAT:
            return Lessons(date.fromisoformat(document.value["day"]), Experience.of(document.value["state"]))
    return None


def told(store: RecordsStore, keys: Sequence[str]) -> Mapping[str, Told]:
    """Return what the store knows of onboardings beside their plans."""
    logged, histories, words = store.logged(keys), store.histories(keys), overrides(store)
    return {key: Told(logged.get(key, ()), histories.get(key, ()), words.get(key)) for key in keys}


def overrides(store: RecordsStore) -> dict[str, Override]:
    """Return what people said of onboardings' health, expired words included, by key."""
    return {document.key: override_of(document.value) for document in store.kept(OVERRIDE)}
