"""The month-end statement of hours: of one onboarding for its customer, of one or of all for our own people.

Called by `sync.reports.catalog`. Its lines add up to what was charged, and its books to what is left. Of a month that
was issued it shows what was issued, and what was corrected since apart from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from sync.reports.listing import Field, listed, written
from sync.reports.page import Figure, Figures, Look, Page, Table
from sync.reports.views import CustomerView, InternalBooks, InternalView, MonthSums, WorkLine

Row = TypeVar("Row")

OTHER = "Other work for this contract"
_COUNTED = "Counted"


def for_customer(view: CustomerView) -> Page:
    """Return the statement that a customer reads; the view has the month's books."""
    books = view.books
    assert books is not None
    lines = [*books.by_task, (OTHER, books.other)] if books.other else list(books.by_task)
    other = [(OTHER, books.corrected_other)] if books.corrected_other else []
    name = view.account or "your company"
    return Page(
        f"Hours of {name} in {books.sums.start:%B %Y}",
        _span(books.sums, view.day),
        view.day,
        (
            Figures(_figures(books.sums, view.hours_contracted)),
            listed("What they were used for", _LINES, lines, "No hours were used in this month."),
            *_since(books.sums, _LINES, [*books.corrected, *other]),
        ),
        f"For {name}. Hours are those charged to the contract; a day's time is that of the day on which it began.",
    )


def for_us(view: InternalView) -> Page:
    """Return the statement that our own people read."""
    books = view.books
    assert books is not None
    counted = [line for line in books.lines if line.bucket == _COUNTED]
    rest = [line for line in books.lines if line.bucket != _COUNTED]
    value = round(sum(line.value for line in counted), 2)
    worth = (Figure("Worth by the contract's rates", value, Look.HOURS),) if value else ()
    return Page(
        f"{view.account or view.title}: hours in {books.sums.start:%B %Y}",
        f"Internal · {view.title} · {_span(books.sums, view.day)}",
        view.day,
        (
            Figures((*_figures(books.sums, view.hours_contracted), *worth)),
            listed("Counted", _COUNTED_FIELDS, counted, "No hours were counted in this month."),
            listed("Not counted", _REST_FIELDS, rest),
            *_since(books.sums, _SINCE_FIELDS, books.corrected),
        ),
        f"Internal: not for the customer. Deal {view.key}. {_as_of(books)}; `closedwon hours` lists each.",
    )


def of_all(views: Sequence[InternalView], day: date) -> Page:
    """Return the month of all onboardings that had hours to use or used some."""
    shown = [(view, view.books.sums) for view in views if view.books and _concerned(view, view.books.sums)]
    shown.sort(key=lambda each: (each[0].account, each[0].title, each[0].key))
    month = views[0].books.sums if views and views[0].books else None
    charged = round(sum(sums.charged for _, sums in shown), 2)
    over = sum(1 for _, sums in shown if sums.closing is not None and sums.closing < 0)
    figures = (
        Figure("Onboardings", len(shown), Look.COUNT),
        Figure("Hours charged", charged, Look.HOURS),
        Figure("Beyond their contract", over, Look.COUNT, "used without having been agreed"),
    )
    return Page(
        f"Hours of all onboardings in {month.start:%B %Y}" if month else "Hours of all onboardings",
        f"Internal · {_span(replace(month, issued_on=None), day)}" if month else f"Internal · as of {written(day)}",
        day,
        (Figures(figures), listed("Onboardings", _ROW, shown, "No onboarding had hours in this month.")),
        "Internal: not for customers. Entries as they are now; of a month that was issued, as they were then.",
    )


_LINES = (
    Field[tuple[str, float]]("Task", lambda line: line[0], width=44),
    Field[tuple[str, float]]("Hours", lambda line: line[1], Look.HOURS),
)
_COUNTED_FIELDS = (
    Field[WorkLine]("Task", lambda line: line.task, width=44),
    Field[WorkLine]("Person", lambda line: line.person, width=26),
    Field[WorkLine]("Hours", lambda line: line.hours, Look.HOURS),
    Field[WorkLine]("Charged", lambda line: line.charged, Look.HOURS),
    Field[WorkLine]("Worth", lambda line: line.value or None, Look.HOURS),
)
_REST_FIELDS = (
    Field[WorkLine]("Why", lambda line: line.bucket),
    Field[WorkLine]("Task", lambda line: line.task, width=44),
    Field[WorkLine]("Person", lambda line: line.person, width=26),
    Field[WorkLine]("Hours", lambda line: line.hours, Look.HOURS),
)
_SINCE_FIELDS = (_REST_FIELDS[0], *_COUNTED_FIELDS)
_ROW = (
    Field[tuple[InternalView, MonthSums]]("Customer", lambda each: each[0].account, width=22),
    Field[tuple[InternalView, MonthSums]]("Onboarding", lambda each: each[0].title, width=34),
    Field[tuple[InternalView, MonthSums]]("At the start", lambda each: each[1].opening, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Corrections", lambda each: each[1].corrections or None, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Granted", lambda each: each[1].granted, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Charged", lambda each: each[1].charged, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Lapsed", lambda each: each[1].lapsed, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("At the end", lambda each: each[1].closing, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Issued", lambda each: each[1].issued_on, Look.DAY),
    Field[tuple[InternalView, MonthSums]]("Charged since", lambda each: each[1].corrected or None, Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Worth", lambda each: _worth(each[0]), Look.HOURS),
    Field[tuple[InternalView, MonthSums]]("Deal", lambda each: each[0].key, width=20),
)


def _worth(view: InternalView) -> float | None:
    lines = view.books.lines if view.books else ()
    return round(sum(line.value for line in lines), 2) or None


def _figures(sums: MonthSums, contracted: float | None) -> tuple[Figure, ...]:
    since = [Figure("Corrections since it was issued", sums.corrected, Look.HOURS)] if sums.corrected else []
    if sums.closing is None:
        return (Figure("Used in the month", sums.charged, Look.HOURS, "no hours are agreed"), *since)
    moved = []
    if sums.corrections:
        moved.append(Figure("Corrections of earlier months", sums.corrections, Look.HOURS, "to what is left"))
    if sums.granted:
        moved.append(Figure("Granted in the month", sums.granted, Look.HOURS))
    if sums.lapsed:
        moved.append(Figure("Lapsed in the month", sums.lapsed, Look.HOURS))
    return (
        Figure("Agreed", contracted, Look.HOURS, "hours of the contract"),
        Figure("Left at the start", sums.opening, Look.HOURS),
        *moved,
        Figure("Used in the month", sums.charged, Look.HOURS),
        Figure("Left at the end", sums.closing, Look.HOURS),
        *since,
    )


def _since(sums: MonthSums, fields: tuple[Field[Row], ...], rows: Sequence[Row]) -> tuple[Table, ...]:
    """Return what was corrected since the month was issued; nothing for one that was not."""
    return (listed("Corrections since it was issued", fields, rows),) if sums.issued_on else ()


def _as_of(books: InternalBooks) -> str:
    if not books.issued_by:
        return "Entries as they are now"
    return f"Entries as they were when {books.issued_by} issued it; those corrected since stand apart"


def _span(sums: MonthSums, day: date) -> str:
    whole = f"{written(sums.start)} to {written(sums.end)}"
    if sums.issued_on:
        return f"{whole}, issued on {written(sums.issued_on)}"
    return whole if sums.over else f"{whole}, as of {written(day)}: the month is not over"


def _concerned(view: InternalView, sums: MonthSums) -> bool:
    """Tell whether an onboarding had begun by the end of the month, or used hours before it began."""
    begun = view.kickoff is None or view.kickoff <= sums.end
    return bool(sums.charged) or (begun and any((sums.opening, sums.granted, sums.lapsed, sums.closing)))
