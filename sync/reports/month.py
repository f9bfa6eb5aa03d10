"""One onboarding's hours in one calendar month: what it began with, what came and went, what is left.

Called by `sync.reports.views`. Pure. The books of a month are those of its last day, of entries up to that day as they
are now; `closing = opening + granted - lapsed - charged` in every month, and months follow each other without a gap.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, timedelta

from mappings.hours import HourRules, Terms
from sync.core.allotment import Balance, balance
from sync.core.dossier import Dossier
from sync.core.hours import Bucket, Ledger, Placed, ledger_of


@dataclass(frozen=True, slots=True)
class Books:
    """A month's books in seconds; `granted`, `opening`, `closing` None: nothing is agreed, so nothing can remain.

    `entries` are those of the month, all buckets; `over` tells whether the month had ended on the day of asking.
    """

    start: date
    end: date
    over: bool
    opening: int | None
    granted: int | None
    lapsed: int
    charged: int
    closing: int | None
    entries: tuple[Placed, ...]

    def seconds(self, bucket: Bucket) -> int:
        """Return the month's seconds in a bucket."""
        return sum(placed.seconds for placed in self.entries if placed.bucket is bucket)


def books(known: Dossier, rules: HourRules, month: date, day: date) -> Books:
    """Return the books of the month that holds a day `month`, as of `day`."""
    start = month.replace(day=1)
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    end = min(last, day)
    terms = Terms.of(known.plan, known.deal)
    before, after = (_balance(known, rules, terms, each) for each in (start - timedelta(days=1), end))
    granted = None if after.granted is None else after.granted - (before.granted or 0)
    placed = _upto(known, rules, end)
    return Books(
        start=start,
        end=last,
        over=day >= last,
        opening=before.remaining,
        granted=granted,
        lapsed=after.lapsed - before.lapsed,
        charged=after.charged - before.charged,
        closing=after.remaining,
        entries=tuple(each for each in placed.entries if start <= each.day),
    )


def _balance(known: Dossier, rules: HourRules, terms: Terms, day: date) -> Balance:
    return balance(_upto(known, rules, day), terms, day)


def _upto(known: Dossier, rules: HourRules, day: date) -> Ledger:
    """Return the ledger of the entries up to a day; later ones are none of its business."""
    logged = tuple(each for each in known.logged if each.entry.started.astimezone(rules.zone).date() <= day)
    return ledger_of(replace(known, logged=logged), rules, day)
