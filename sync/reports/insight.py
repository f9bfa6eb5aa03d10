"""Everything that is known of one onboarding on a day, worked out once: what all reports are made from.

Called by `closedwon report` and the examples; read by `sync.reports.viewing` alone, which lets through what each reader
may see. It asks no vendor and keeps nothing. Health and forecast are those that the CRM shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from mappings.model import MappingSet
from sync.core.dossier import Dossier
from sync.core.experience import Experience
from sync.core.health import Override
from sync.core.hindsight import as_of
from sync.core.judgement import Basis, Judgement, judge
from sync.core.planned import Context
from sync.core.records import RecordsStore
from sync.core.replay import replay
from sync.core.statement import Statement, statement
from sync.engine.dossiers import dossiers
from sync.engine.lessons import lessons, overrides


@dataclass(frozen=True, slots=True)
class Insight:
    """One onboarding as it stood at the end of `day`."""

    known: Dossier
    day: date
    mappings: MappingSet
    judged: Judgement
    statement: Statement


def insights(
    store: RecordsStore,
    context: Context,
    day: date,
    *,
    today: date,
    keys: Sequence[str] | None = None,
    learning: bool = True,
) -> Iterator[Insight]:
    """Yield what is known of these onboardings, or of all, on a day; `learning` False: nothing is forecast."""
    learned = _learned(store, context.mappings, day, today) if learning else Experience()
    basis = Basis.of(context, learned, today=day)
    words = overrides(store) if day == today else {}
    for known in _then(store, day, today, keys):
        yield insight(known, basis, words.get(known.key))


def insight(known: Dossier, basis: Basis, word: Override | None = None) -> Insight:
    """Work out everything about one onboarding; `word` is a person's word for its health."""
    books = statement(known, basis.mappings.hours, basis.today)
    return Insight(known, basis.today, basis.mappings, judge(known, basis, override=word), books)


def _learned(store: RecordsStore, mappings: MappingSet, day: date, today: date) -> Experience:
    """Return what onboardings that had launched by a day have taught; of today, what the CRM's forecasts rest on."""
    if day == today:
        return lessons(store, mappings.calendar, today, keep=False).experience
    return replay(_then(store, day, today, None), mappings.calendar).experience


def _then(store: RecordsStore, day: date, today: date, keys: Sequence[str] | None) -> Iterator[Dossier]:
    for known in dossiers(store, keys):
        yield as_of(known, day) if day < today else known
