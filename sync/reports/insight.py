"""Everything that is known of one onboarding on a day, worked out once: what all reports are made from.

Called by `closedwon report` and the examples; read by `sync.reports.views` alone, which lets through what each reader
may see. It asks no vendor and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from mappings.calendar import BusinessCalendar
from mappings.hours import HourRules
from mappings.model import MappingSet
from mappings.practice import CourtRules, HealthRules
from sync.core.court import Courts, courts
from sync.core.dossier import Dossier
from sync.core.experience import Experience
from sync.core.forecast import Forecast, forecast
from sync.core.health import Health, Outlook, health
from sync.core.hindsight import as_of
from sync.core.records import RecordsStore
from sync.core.replay import replay
from sync.core.statement import Statement, hours, statement
from sync.engine.dossiers import dossiers


@dataclass(frozen=True, slots=True)
class Practice:
    """How this company counts, judges and dates."""

    hours: HourRules
    courts: CourtRules
    health: HealthRules
    calendar: BusinessCalendar

    @classmethod
    def of(cls, mappings: MappingSet) -> Practice:
        """Take it from the mapping file."""
        return cls(mappings.hours, mappings.courts, mappings.health, mappings.calendar)


@dataclass(frozen=True, slots=True)
class Insight:
    """One onboarding as it stood at the end of `day`."""

    known: Dossier
    day: date
    practice: Practice
    statement: Statement
    courts: Courts
    forecast: Forecast
    health: Health

    def days_late(self, due: date | None) -> int:
        """Return the business days by which a day has passed; 0 while it has not."""
        return max(0, self.practice.calendar.between(due, self.day)) if due else 0


def insights(
    store: RecordsStore,
    practice: Practice,
    day: date,
    *,
    today: date,
    keys: Sequence[str] | None = None,
    experience: Experience | None = None,
) -> Iterator[Insight]:
    """Yield what is known of these onboardings, or of all; without experience nothing is forecast."""
    for known in _then(store, day, today, keys):
        yield insight(known, practice, day, experience)


def learned(store: RecordsStore, practice: Practice, day: date, *, today: date) -> Experience:
    """Return what onboardings that had launched by a day have taught."""
    return replay(_then(store, day, today, None), practice.calendar).experience


def insight(known: Dossier, practice: Practice, day: date, experience: Experience | None = None) -> Insight:
    """Work out everything about one onboarding."""
    clocks = courts(known, practice.courts, practice.calendar, day)
    books = statement(known, practice.hours, day)
    ahead = forecast(known, experience or Experience(), day, practice.calendar, courts=clocks, rules=practice.courts)
    outlook = Outlook(
        contracted_hours=books.contracted,
        used_hours=hours(books.ledger.charged) or 0.0,
        hours_p50=ahead.hours_p50,
        launch_p50=ahead.p50,
        launch_p80=ahead.p80,
    )
    judged = health(known, outlook, courts=clocks, rules=practice.health, calendar=practice.calendar, today=day)
    return Insight(known, day, practice, books, clocks, ahead, judged)


def _then(store: RecordsStore, day: date, today: date, keys: Sequence[str] | None) -> Iterator[Dossier]:
    for known in dossiers(store, keys):
        yield as_of(known, day) if day < today else known
