"""Everything that is judged of one onboarding on a day: hours, whose court, forecast, health. One judgement for all.

Made for roll-ups and by `closedwon health`; whoever shows the same numbers elsewhere asks here, so that no two places
disagree. Pure: the same dossier, experience and day give the same judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from mappings.hours import SECONDS_PER_HOUR, Terms
from mappings.model import MappingSet
from sync.core.allotment import Balance, balance
from sync.core.burn import seconds_at_completion
from sync.core.court import Courts, courts
from sync.core.dossier import Dossier, Logged
from sync.core.experience import Experience
from sync.core.forecast import Forecast, forecast
from sync.core.health import Color, Health, Outlook, Override, health
from sync.core.hours import Ledger, ledger_of
from sync.core.model import Event
from sync.core.planned import Context
from sync.core.scope import Flag, telling


@dataclass(frozen=True, slots=True)
class Told:
    """What a store knows of an onboarding beside its plan; `history` oldest first."""

    logged: Sequence[Logged] = ()
    history: Sequence[tuple[datetime, Event]] = ()
    override: Override | None = None

    def and_then(self, events: Sequence[Event], now: datetime) -> Told:
        """Return it with what has just happened and is not kept yet."""
        return replace(self, history=(*self.history, *((now, event) for event in events))) if events else self


@dataclass(frozen=True, slots=True)
class Judgement:
    """One onboarding on a day. `hours_forecast` are its hours at completion, None where nobody can tell."""

    known: Dossier
    terms: Terms
    ledger: Ledger
    balance: Balance
    courts: Courts
    forecast: Forecast
    hours_forecast: float | None
    health: Health
    today: date

    @property
    def contracted_hours(self) -> float | None:
        """Hours of the whole term, or what was granted by now where the term has no end."""
        granted = self.balance.granted
        return self.terms.total if self.terms.total is not None else _hours(granted)


@dataclass(frozen=True, slots=True)
class Basis:
    """What is the same for all onboardings of a day."""

    mappings: MappingSet
    today: date
    experience: Experience = field(default_factory=Experience)
    scope: Callable[[Dossier], tuple[Flag, ...]] = lambda _known: ()
    """Tells the differences between what was sold and what is planned that health speaks of."""

    @classmethod
    def of(cls, context: Context, experience: Experience, *, today: date | None = None) -> Basis:
        """Return what a run judges by, on its own day or on another one."""
        return cls(context.mappings, today or context.today, experience, partial(telling, context=context))


def judge(known: Dossier, basis: Basis, *, override: Override | None = None) -> Judgement:
    """Judge one onboarding."""
    mappings, today = basis.mappings, basis.today
    calendar, rules = mappings.calendar, mappings.courts
    terms = Terms.of(known.plan, known.deal)
    ledger = ledger_of(known, mappings.hours, today)
    books = balance(ledger, terms, today)
    clocks = courts(known, rules, calendar, today)
    used = _hours(ledger.charged)
    ahead = forecast(known, basis.experience, today, calendar, courts=clocks, rules=rules, used_hours=used)
    hours_forecast = _at_completion(known, ahead, ledger)
    outlook = Outlook(
        contracted_hours=terms.total if terms.total is not None else _hours(books.granted),
        used_hours=used or 0.0,
        hours_p50=hours_forecast,
        launch_p50=ahead.p50,
        launch_p80=ahead.p80,
        scope=basis.scope(known),
    )
    found = health(
        known, outlook, courts=clocks, rules=mappings.health, calendar=calendar, today=today, override=override
    )
    return Judgement(known, terms, ledger, books, clocks, ahead, hours_forecast, found, today)


def _at_completion(known: Dossier, ahead: Forecast, ledger: Ledger) -> float | None:
    """Return the P50 of the forecast; once launched, what is used and what the estimates of open tasks leave."""
    if known.launched:
        return _hours(seconds_at_completion(known.tasks, ledger))
    return ahead.hours_p50


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / SECONDS_PER_HOUR, 2)


def override_values(word: Override) -> dict[str, Any]:
    """Return a person's word for the colour as a store keeps it."""
    return {"color": str(word.color), "reason": word.reason, "until": word.until.isoformat(), "by": word.by}


def override_of(values: Mapping[str, Any]) -> Override:
    """Read what `override_values` wrote."""
    return Override(Color(values["color"]), values["reason"], date.fromisoformat(values["until"]), values["by"])
