"""One onboarding's hours in one calendar month: what it began with, what came and went, what is left.

Called by `sync.reports.monthviews` and, to issue a month, by `closedwon report hours`. Pure. The books of a month are
those of its last day, of entries up to that day as they are now; in every month
`closing = opening + corrections + granted - lapsed - charged`, and months follow each other without a gap. A month that
was issued stays as it was issued: what was corrected in it since stands apart (`Books.changed`), and the next month
begins with what the issued one left, the corrections beside it.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from mappings.hours import HourRules, Terms
from sync.core.allotment import Balance, balance
from sync.core.dossier import Dossier
from sync.core.hours import Ledger, Placed, ledger_of


@dataclass(frozen=True, slots=True)
class Line:
    """A month's seconds of one person on one item in one bucket; `charged` are those that the contract pays."""

    item: str
    author: str
    bucket: str
    seconds: int
    charged: int
    value: float


@dataclass(frozen=True, slots=True)
class Issue:
    """A month's statement as it was issued, in seconds: by whom, at which moment, its books and its lines."""

    by: str
    at: datetime
    opening: int | None
    corrections: int
    granted: int | None
    lapsed: int
    charged: int
    closing: int | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """A month's books in seconds; `granted`, `opening`, `closing` None: nothing is agreed, so nothing can remain.

    `corrections` is by how much that was left changed in months before, since the last one was issued. `entries` are
    those of the month as they are now, all buckets; `over` tells whether the month had ended on the day of asking.
    """

    start: date
    end: date
    over: bool
    opening: int | None
    corrections: int
    granted: int | None
    lapsed: int
    charged: int
    closing: int | None
    entries: tuple[Placed, ...]
    issue: Issue | None = None

    @property
    def concerns(self) -> bool:
        """Whether there is anything to tell of."""
        return bool(self.entries or self.opening or self.granted or self.lapsed or self.closing or self.issue)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The month's lines as they were issued; of one that was not, as they are now."""
        return self.issue.lines if self.issue else lines_of(self.entries)

    @property
    def changed(self) -> tuple[Line, ...]:
        """What was corrected since it was issued: with the issued lines it gives those of the ledger, to the second."""
        if self.issue is None:
            return ()
        taken_back = (
            replace(each, seconds=-each.seconds, charged=-each.charged, value=-each.value) for each in self.issue.lines
        )
        found = _summed((*lines_of(self.entries), *taken_back))
        return tuple(each for each in found if each.seconds or each.charged)

    def issued(self, by: str, at: datetime) -> Issue:
        """Return the statement as it is to be issued."""
        books = (self.opening, self.corrections, self.granted, self.lapsed, self.charged, self.closing)
        return Issue(by, at, *books, self.lines)


def books(
    known: Dossier, rules: HourRules, month: date, day: date, issued: Mapping[date, Issue] | None = None
) -> Books:
    """Return the books of the month that holds a day `month`, as of `day`; `issued` are statements by first days."""
    start = month.replace(day=1)
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    end = min(last, day)
    terms = Terms.of(known.plan, known.deal)
    before, after = (_balance(known, rules, terms, each) for each in (start - timedelta(days=1), end))
    opening, corrections = _opening(before, (issued or {}).get((start - timedelta(days=1)).replace(day=1)))
    entries = tuple(each for each in _upto(known, rules, end).entries if start <= each.day)
    live = Books(
        start=start,
        end=last,
        over=day >= last,
        opening=opening,
        corrections=corrections,
        granted=None if after.granted is None else after.granted - (before.granted or 0),
        lapsed=after.lapsed - before.lapsed,
        charged=after.charged - before.charged,
        closing=after.remaining,
        entries=entries,
    )
    own = (issued or {}).get(start)
    return _as_issued(live, own) if own else live


def _opening(before: Balance, issue: Issue | None) -> tuple[int | None, int]:
    """Return what a month begins with, and by how much that was corrected since the month before was issued."""
    if issue is None or issue.closing is None or before.remaining is None:
        return before.remaining, 0
    return issue.closing, before.remaining - issue.closing


def _as_issued(live: Books, issue: Issue) -> Books:
    return replace(
        live,
        opening=issue.opening,
        corrections=issue.corrections,
        granted=issue.granted,
        lapsed=issue.lapsed,
        charged=issue.charged,
        closing=issue.closing,
        issue=issue,
    )


def lines_of(entries: Iterable[Placed]) -> tuple[Line, ...]:
    """Sum entries by item, person and bucket."""
    return _summed(
        Line(each.logged.item, each.author, str(each.bucket), each.seconds, each.charged, each.value)
        for each in entries
    )


def _summed(lines: Iterable[Line]) -> tuple[Line, ...]:
    sums: dict[tuple[str, str, str], Line] = {}
    for each in lines:
        place = (each.item, each.author, each.bucket)
        before = sums.get(place, Line(*place, 0, 0, 0.0))
        seconds, charged = before.seconds + each.seconds, before.charged + each.charged
        sums[place] = Line(*place, seconds, charged, before.value + each.value)
    return tuple(sums[place] for place in sorted(sums))


def _balance(known: Dossier, rules: HourRules, terms: Terms, day: date) -> Balance:
    return balance(_upto(known, rules, day), terms, day)


def _upto(known: Dossier, rules: HourRules, day: date) -> Ledger:
    """Return the ledger of the entries up to a day; later ones are none of its business."""
    logged = tuple(each for each in known.logged if each.entry.started.astimezone(rules.zone).date() <= day)
    return ledger_of(replace(known, logged=logged), rules, day)
