"""How onboardings stand for notices: their hours in the present period, their courts, and their forecast.

Used by `sync.notices.office`. It asks no vendor: everything comes from the store. What costs time is worked out once:
the experience once a day, a forecast once a day and again when the onboarding's history has grown.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date

from mappings.calendar import BusinessCalendar
from mappings.hours import SECONDS_PER_HOUR, HourRules, Terms
from mappings.practice import CourtRules
from sync.core.allotment import Balance, balance
from sync.core.court import courts
from sync.core.dossier import Dossier
from sync.core.experience import Experience
from sync.core.forecast import forecast_launch
from sync.core.hours import Bucket, Ledger, NotConserved, ledger_of
from sync.core.notices import Standing, risk_mark
from sync.core.records import RecordsStore
from sync.core.replay import replay
from sync.engine.dossiers import dossiers


@dataclass
class Seen:
    """What was noticed while onboardings were gone through: those whose hours do not add up."""

    unbalanced: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Foreseen:
    """A forecast, and what it was made from."""

    today: date
    lines: int
    launch: date | None


class Standings:
    """Gathers how all onboardings stand; kept from round to round, since it remembers forecasts."""

    def __init__(
        self, *, store: RecordsStore, hours: HourRules, courts: CourtRules, calendar: BusinessCalendar
    ) -> None:
        self._store = store
        self._hours = hours
        self._courts = courts
        self._calendar = calendar
        self._learned: tuple[date, Experience] | None = None
        self._foreseen: dict[str, _Foreseen] = {}

    def of(self, today: date, told: AbstractSet[str], seen: Seen) -> Iterator[Standing]:
        """Yield how each onboarding stands on a day; a risk that was `told` already needs no forecast."""
        for known in dossiers(self._store):
            try:
                ledger = ledger_of(known, self._hours, today)
            except NotConserved:
                seen.unbalanced.append(known.key)
                continue
            yield self._standing(known, ledger, today, told)

    def _standing(self, known: Dossier, ledger: Ledger, today: date, told: AbstractSet[str]) -> Standing:
        total = sum(ledger.seconds.values())
        contracted, used, period = period_of(balance(ledger, Terms.of(known.plan, known.deal), today))
        return Standing(
            known,
            courts(known, self._courts, self._calendar, today),
            contracted_hours=contracted,
            used_hours=used,
            period=period,
            unattributed_share=ledger.seconds[Bucket.UNATTRIBUTED] / total if total else 0.0,
            launch_p50=None if risk_mark(known) in told else self._launch(known, today),
        )

    def _launch(self, known: Dossier, today: date) -> date | None:
        """Return the day on which a launch is to be expected; None where nothing can be at risk, or be said of it."""
        if known.target_launch is None or known.actual_launch is not None:
            self._foreseen.pop(known.key, None)
            return None
        before = self._foreseen.get(known.key)
        if before is None or (before.today, before.lines) != (today, len(known.history)):
            launch = forecast_launch(known, self._experience(today), today, self._calendar)
            before = self._foreseen[known.key] = _Foreseen(today, len(known.history), launch)
        return before.launch

    def _experience(self, today: date) -> Experience:
        if self._learned is None or self._learned[0] != today:
            self._learned = today, replay(dossiers(self._store), self._calendar).experience
        return self._learned[1]


def period_of(books: Balance) -> tuple[float | None, float, str]:
    """Return the hours of the period that runs now, those used of it, and its name.

    What came in from earlier periods may be used; what is owed from them is used already.
    """
    if not books.periods or books.granted is None:
        return None, 0.0, ""
    now = books.periods[-1]
    granted = now.granted + max(now.carried, 0)
    used = now.charged + max(-now.carried, 0)
    return granted / SECONDS_PER_HOUR, round(used / SECONDS_PER_HOUR, 2), str(now.period.start)
