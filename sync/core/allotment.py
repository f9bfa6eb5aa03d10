"""Contracted hours period by period: what was granted, what was used of it, what was carried on and what lapsed.

Called for roll-ups, by `closedwon hours` and reports. Pure, in whole seconds. The books always balance:
`remaining = granted - lapsed - charged`. Time beyond a period's hours is drawn from the periods that follow, so that a
contract's total is what it says, whoever was early.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from mappings.hours import SECONDS_PER_HOUR, Period, Rollover, Terms
from sync.core.hours import Ledger


@dataclass(frozen=True, slots=True)
class PeriodSum:
    """One period's books, in seconds. `carried` came in with it (below nought: owed), `lapsed` ended with it."""

    period: Period
    granted: int
    carried: int
    charged: int
    lapsed: int
    """What the period left over and no later one may use; 0 while the period runs."""

    @property
    def left(self) -> int:
        """What goes on to the next period, or is there now."""
        return self.granted + self.carried - self.charged - self.lapsed


@dataclass(frozen=True, slots=True)
class Balance:
    """A contract's books on a day, in seconds; `granted` None: nothing is agreed, so nothing can remain."""

    granted: int | None
    lapsed: int
    charged: int
    periods: tuple[PeriodSum, ...] = ()

    @property
    def available(self) -> int | None:
        """What may have been used by now in all."""
        return None if self.granted is None else self.granted - self.lapsed

    @property
    def remaining(self) -> int | None:
        """What may still be used now; below nought: used without having been granted."""
        return None if self.granted is None else self.granted - self.lapsed - self.charged


def balance(ledger: Ledger, terms: Terms, today: date) -> Balance:
    """Return the books of a ledger on a day."""
    return balance_of(((placed.day, placed.charged) for placed in ledger.entries if placed.charged), terms, today)


def balance_of(charges: Iterable[tuple[date, int]], terms: Terms, today: date) -> Balance:
    """Return the books for charged seconds by day. A charge after today lies in the period that runs now."""
    days = sorted(charges)
    charged = sum(seconds for _, seconds in days)
    if terms.hours is None:
        return Balance(None, 0, charged)
    grant = round(terms.hours * SECONDS_PER_HOUR)
    periods = tuple(terms.periods(today))
    if not periods:  # the term has not begun
        return Balance(0, 0, charged)
    books = _Books(terms.rollover)
    position = 0
    for number, period in enumerate(periods):
        last = number == len(periods) - 1
        used = 0
        while position < len(days) and (last or days[position][0] <= period.end):
            used += days[position][1]
            position += 1
        books.run(period, grant, used, ended=period.end < today)
    return Balance(grant * len(periods), sum(each.lapsed for each in books.sums), charged, tuple(books.sums))


class _Books:
    """Grants that are not used up yet, oldest first, each with the number of the last period that may use it."""

    def __init__(self, rollover: Rollover) -> None:
        self._rollover = rollover
        self._open: list[tuple[int, int | None]] = []
        self._owed = 0
        self.sums: list[PeriodSum] = []

    def run(self, period: Period, granted: int, used: int, *, ended: bool) -> None:
        """Book one period: pay what is owed, use the oldest grants first, let lapse what may not be carried on."""
        number = len(self.sums)
        carried = sum(left for left, _ in self._open) - self._owed
        self._open.append((granted, self._last_use(number)))
        self._owed = self._use(used + self._owed)
        lapsed = self._lapse(number) if ended else 0
        self.sums.append(PeriodSum(period, granted, carried, used, lapsed))

    def _last_use(self, number: int) -> int | None:
        if self._rollover.kind == "periods":
            return number + int(self._rollover.amount)
        return number if self._rollover.kind == "none" else None

    def _use(self, seconds: int) -> int:
        """Use grants up; return what none was left for."""
        while seconds and self._open:
            left, last = self._open[0]
            taken = min(left, seconds)
            seconds -= taken
            if taken == left:
                self._open.pop(0)
            else:
                self._open[0] = (left - taken, last)
        return seconds

    def _lapse(self, number: int) -> int:
        """Drop what may not be used after a period; return how much."""
        before = sum(left for left, _ in self._open)
        self._open = [(left, last) for left, last in self._open if last is None or last > number]
        if self._rollover.kind == "hours":
            over = sum(left for left, _ in self._open) - round(self._rollover.amount * SECONDS_PER_HOUR)
            self._use(max(over, 0))
        return before - sum(left for left, _ in self._open)
