"""A month that was issued stays as it was; what is corrected since stands apart, and no second is lost between the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notices_desk import Clock
from reports_desk import MAPPINGS, TODAY, figure, look, table, worked

from sync.core.dossier import Dossier, Logged
from sync.reports.catalog import Audience, of_all, of_one
from sync.reports.month import Issue, books
from sync.reports.page import Page
from sync.reports.statements import issues, keep_issue
from sync.reports.views import Asked
from sync.store import Store

SEPTEMBER, OCTOBER, NOVEMBER = (date(2026, number, 1) for number in (9, 10, 11))
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
END = date(2026, 12, 31)
ENTRIES = st.lists(
    st.tuples(st.dates(date(2026, 8, 1), date(2026, 12, 31)), st.integers(-60, 40_000)), min_size=1, max_size=12
)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with Store.open(database, clock=Clock()) as opened:
        yield opened


@settings(deadline=None, max_examples=40)
@given(first=ENTRIES, then=ENTRIES, rollover=st.sampled_from(("none", "all", "hours 3")))
def test_what_was_issued_and_what_was_corrected_since_are_the_ledger_to_the_second(
    first: list[tuple[date, int]], then: list[tuple[date, int]], rollover: str
) -> None:
    terms = {"terms_per": "month", "terms_hours": 10.0, "terms_start": date(2026, 9, 1), "terms_rollover": rollover}
    before, after = (worked(each, contracted_hours=10.0, **terms) for each in (first, then))
    issued: dict[date, Issue] = {}
    for month in (SEPTEMBER, OCTOBER):
        issued[month] = books(before, MAPPINGS.hours, month, END, issued).issued("ada", AT)
    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        live = books(after, MAPPINGS.hours, month, END)
        shown = books(after, MAPPINGS.hours, month, END, issued)
        assert None not in (shown.opening, shown.granted, shown.closing)
        moved = shown.corrections + (shown.granted or 0) - shown.lapsed - shown.charged
        assert shown.closing == (shown.opening or 0) + moved
        kept = issued.get(month)
        assert kept is None or (shown.opening, shown.charged, shown.closing) == (
            kept.opening,
            kept.charged,
            kept.closing,
        )
        for amount in ("seconds", "charged"):
            told = sum(getattr(line, amount) for line in (*shown.lines, *shown.changed))
            assert told == sum(getattr(placed, amount) for placed in live.entries)
    november = books(after, MAPPINGS.hours, NOVEMBER, END, issued)
    assert november.opening == issued[OCTOBER].closing
    assert november.closing == books(after, MAPPINGS.hours, NOVEMBER, END).closing


def corrected(known: Dossier, number: int, seconds: int) -> Dossier:
    def mend(each: Logged) -> Logged:
        return replace(each, entry=replace(each.entry, seconds=seconds)) if each.entry.id == str(number) else each

    return replace(known, logged=tuple(map(mend, known.logged)))


def test_the_pages_show_what_was_issued_and_its_corrections_and_customers_only_tasks_that_they_share(
    store: Store,
) -> None:
    entries = [(date(2026, 10, 5), 3600), (date(2026, 10, 6), 7200), (date(2026, 11, 3), 3600)]
    known = replace(worked(entries, contracted_hours=40.0), account="Acme", key="deal")
    first = books(known, MAPPINGS.hours, OCTOBER, TODAY)
    assert keep_issue(store, "deal", OCTOBER, first.issued("ada@us.com", AT))
    then = corrected(corrected(known, 0, 5400), 1, 3600)
    again = books(then, MAPPINGS.hours, OCTOBER, TODAY)
    assert not keep_issue(store, "deal", OCTOBER, again.issued("ben@us.com", AT)), "issued once"
    kept = issues(store, TODAY)
    assert kept["deal"] == {OCTOBER: first.issued("ada@us.com", AT)}
    assert issues(store, date(2026, 11, 1)) == {}, "as of a day before"

    def page(audience: Audience, month: date) -> Page:
        return of_one("hours", audience, look(then), Asked(month=month, issued=kept))

    theirs = page(Audience.CUSTOMER, OCTOBER)
    assert "issued on 2 November 2026" in theirs.subtitle
    assert "ada@us.com" not in repr(theirs)
    assert (figure(theirs, "Used in the month"), figure(theirs, "Left at the end")) == (3, 37)
    assert figure(theirs, "Corrections since it was issued") == -0.5
    assert table(theirs, "What they were used for") == [("Go", 1), ("Other work for this contract", 2)]
    assert table(theirs, "Corrections since") == [("Go", 0.5), ("Other work for this contract", -1)]
    ours = page(Audience.INTERNAL, OCTOBER)
    assert "when ada@us.com issued it" in ours.footer
    assert [(row[1], row[3]) for row in table(ours, "Corrections since")] == [("Go", 0.5), ("Ours", -1)]
    next_one = page(Audience.CUSTOMER, NOVEMBER)
    told = [
        figure(next_one, name) for name in ("Left at the start", "Corrections of earlier months", "Left at the end")
    ]
    assert told == [37, 0.5, 37.5]
    whole = of_all("hours", [look(then)], TODAY, Asked(month=OCTOBER, issued=kept))
    assert whole.subtitle == "Internal · 1 October 2026 to 31 October 2026"
    assert [row[2:10] for row in table(whole, "Onboardings")] == [(40, None, 0, 3, 0, 37, AT.date(), -0.5)]
