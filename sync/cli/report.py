"""The command `report`: what people send to customers, to finance and to each other.

It asks no vendor: everything comes from the store. What it keeps (an acceptance, a meeting, tasks that a meeting agreed
on) it keeps in the store; vendors hear of those at the next look.
"""

from __future__ import annotations

import calendar as months
import getpass
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from sync.cli import minutes
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, day, err, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.cli.reporting import (
    AsOfOption,
    AudienceOption,
    DealArgument,
    FormatOption,
    MaybeDeal,
    OutOption,
    PortfolioOption,
    Wish,
    all_or_one,
    check,
    make,
    nothing,
    one,
    page_of,
    write,
)
from sync.reports.catalog import of_one
from sync.reports.issued import issue
from sync.reports.kept import Accepted, accept, acceptance, last_meeting
from sync.reports.listing import WEEK
from sync.reports.month import books
from sync.reports.render import Format
from sync.reports.statements import issues, keep_issue
from sync.reports.views import Acceptance, Asked
from sync.wiring import Plant

app = typer.Typer(
    help="Write what people send: weekly status, agenda, minutes, calendar, go-live evidence, month-end hours.\n\n"
    "Reports are for the customer, and hold nothing internal, unless you say --audience internal. Calls no vendor.",
    no_args_is_help=True,
)
_NAME_LENGTH = 120


def register(root: typer.Typer) -> None:
    """Add this module's commands."""
    minutes.register(app)
    root.add_typer(app, name="report")


@app.command()
def weekly(
    deal: MaybeDeal = "",
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    portfolio: PortfolioOption = False,
    audience: AudienceOption = None,
    form: FormatOption = None,
    out: OutOption = "-",
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Weekly status: what is done, what comes, who has to move; internally also health, forecast and hours.

    Example: closedwon report weekly 006Wx0000012345AAA --out acme.html

    Exit codes: 0 written · 2 no such plan, or options that do not go together · 3 configuration · 6 the store cannot be
    reached.
    """
    make("weekly", Wish(deal, config, portfolio, audience, form, out, day(as_of), json))


@app.command()
def agenda(
    deal: DealArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Tell what changed after that day; left out: since the last meeting."),
    ] = None,
    audience: AudienceOption = None,
    form: FormatOption = None,
    out: OutOption = "-",
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Agenda of a meeting: what changed since the last one, what was agreed, what waits, what comes.

    The last meeting is the one whose minutes were taken last (`closedwon report minutes --take`); without any, a week
    ago. --as-of is the meeting's day, if it is not today.

    Example: closedwon report agenda 006Wx0000012345AAA --out agenda.html

    Exit codes: 0 written · 2 no such plan, or options that do not go together · 3 configuration · 6 the store cannot be
    reached.
    """

    def ask(opened: Plant, then: date) -> Asked:
        last = day(since) or last_meeting(opened.store, deal, then) or then - WEEK
        return Asked(since=last, meeting=then)

    make("agenda", Wish(deal, config, False, audience, form, out, day(as_of), json), ask)


@app.command()
def calendar(
    deal: DealArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    audience: AudienceOption = None,
    form: FormatOption = None,
    out: OutOption = "-",
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Milestones and training sessions, as .ics for anybody's calendar or as a table.

    What an .ics of today tells is kept, so that the next one moves in calendars what has moved, and cancels what is
    gone.

    Example: closedwon report calendar 006Wx0000012345AAA --out acme.ics

    Exit codes: 0 written · 2 no such plan, or options that do not go together · 3 configuration · 6 the store cannot be
    reached.
    """
    wish = Wish(deal, config, False, audience, form, out, day(as_of), json)
    check(wish)
    with plant(config) as opened:
        page = page_of("calendar", wish, nothing, opened)
        if wish.chosen is Format.ICS and page.day == opened.engine.context().today:
            dates = issue(opened.store, deal, wish.reader, page.dates, day=page.day, now=opened.engine.now())
            page = replace(page, dates=dates)
    write(page, wish)


@app.command("hours")
def month_end(
    deal: MaybeDeal = "",
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    month: Annotated[
        str, typer.Option("--month", help="As 2026-10; left out: the last month that is over.", show_default=False)
    ] = "",
    portfolio: PortfolioOption = False,
    audience: AudienceOption = None,
    form: FormatOption = None,
    out: OutOption = "-",
    as_of: AsOfOption = None,
    issue_it: Annotated[
        bool, typer.Option("--issue", help="Keep it as issued: from then on the month's figures stay as they are.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="With --issue: who issues it; left out: your login.")] = "",
    json: JsonOption = False,
) -> None:
    """Month-end statement of hours: left at the start, used for what, left at the end.

    It tells of time entries as they are now, those of the month and before; so a corrected entry corrects the month. A
    month that was issued stays as it was: what is corrected later stands apart, in it and in the next month.

    Example: closedwon report hours --portfolio --month 2026-10 --issue --out october.xlsx

    Exit codes: 0 written · 2 no such plan, or options that do not go together · 3 configuration · 6 the store cannot be
    reached.
    """

    def ask(opened: Plant, then: date) -> Asked:
        return Asked(month=_month(month, then), issued=issues(opened.store, then))

    wish = Wish(deal, config, portfolio, audience, form, out, day(as_of), json)
    if issue_it or by:
        _issue(wish, month, by, wanted=issue_it)
    make("hours", wish, ask)


def _issue(wish: Wish, month: str, by: str, *, wanted: bool) -> None:
    """Keep the statements of a month as issued, and tell how many; those issued before stay as they were."""
    if not wanted or wish.as_of:
        text = "--issue is of today: leave --as-of out." if wanted else "--by belongs to --issue: add it."
        raise Stop(text, Exit.USAGE, "REPORT-02")
    check(wish)
    who = " ".join(by.split()) or getpass.getuser()
    with plant(wish.config) as opened:
        today, now = opened.engine.context().today, opened.engine.now()
        first = _month(month, today).replace(day=1)
        if first == today.replace(day=1):
            raise Stop(f"{first:%B %Y} is not over: issue it when it is.", Exit.USAGE, "REPORT-02")
        before, done, stay = issues(opened.store, today), 0, 0
        for seen in all_or_one(wish, opened):
            found = books(seen.known, seen.mappings.hours, first, today, before.get(seen.known.key))
            if found.concerns and keep_issue(opened.store, seen.known.key, first, found.issued(who, now)):
                done += 1
            else:
                stay += found.concerns
    text = f"Issued by {who} for {first:%B %Y}: {done}. Issued before, and as they were: {stay}."
    err.print(text, markup=False)


def _month(text: str, then: date) -> date:
    """Return a day of the month that is meant; raises Stop for one that has not begun."""
    if not text:
        last = months.monthrange(then.year, then.month)[1]
        return then if then.day == last else then.replace(day=1) - timedelta(days=1)
    try:
        first = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise Stop(f"--month {text} is no month: write it as 2026-10.", Exit.USAGE, "REPORT-02") from None
    if first > then:
        raise Stop(f"--month {text} has not begun by {then}.", Exit.USAGE, "REPORT-02")
    return first


@app.command()
def evidence(
    deal: DealArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    accepted_by: Annotated[
        str, typer.Option("--accepted-by", help="Record who accepted the launch.", show_default=False)
    ] = "",
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="With --accepted-by: on which day.")
    ] = None,
    correct: Annotated[
        bool, typer.Option("--correct", help="With --accepted-by: replace an acceptance that was recorded wrongly.")
    ] = False,
    audience: AudienceOption = None,
    form: FormatOption = None,
    out: OutOption = "-",
    json: JsonOption = False,
) -> None:
    """Go-live evidence: the day of the launch and who accepted it, for finance (--audience internal) or the customer.

    The same facts give the same bytes, whenever you ask, with a digest over them. An acceptance is recorded once.

    Example: closedwon report evidence 006Wx0000012345AAA --accepted-by "Dana Field" --on 2026-11-20 --out go-live.html

    Exit codes: 0 written · 2 no such plan, or options that do not go together · 3 configuration · 4 it has not
    launched, or somebody else's acceptance is recorded · 6 the store cannot be reached.
    """
    given = _acceptance(accepted_by, day(on), correct=correct)
    wish = Wish(deal, config, False, audience, form, out, None, json)
    check(wish)
    with plant(config) as opened:
        seen = one(wish, opened)
        if seen.known.actual_launch is None:
            text = f"{deal} has not launched: its launch milestone is not done. Evidence is made when it is."
            raise Stop(text, Exit.REFUSED, "REPORT-03")
        if given is not None:
            _accept(opened, deal, given, correct=correct)
        page = of_one("evidence", wish.reader, seen, Asked(acceptance=acceptance(opened.store, deal)))
    write(page, wish)


def _acceptance(by: str, on: date | None, *, correct: bool) -> Acceptance | None:
    name = " ".join(by.split())
    if bool(name) != (on is not None) or (correct and not name):
        text = "Who accepted and when belong together: --accepted-by NAME --on DATE."
        raise Stop(text, Exit.USAGE, "REPORT-02")
    if on is None:
        return None
    if len(name) > _NAME_LENGTH or not name.isprintable():
        text = f"--accepted-by is no name: write up to {_NAME_LENGTH} printable characters."
        raise Stop(text, Exit.USAGE, "REPORT-02")
    return Acceptance(name, on)


def _accept(opened: Plant, deal: str, given: Acceptance, *, correct: bool) -> None:
    today = opened.engine.context().today
    if given.on > today:
        raise Stop(f"--on {given.on} is not over yet: today is {today}.", Exit.USAGE, "REPORT-02")
    try:
        accept(opened.store, deal, given, correct=correct)
    except Accepted as error:
        before = error.before
        text = f"{before.by} accepted it on {before.on}. If that was recorded wrongly, add --correct."
        raise Stop(text, Exit.REFUSED, "REPORT-04") from None
    err.print(f"Recorded: accepted by {given.by} on {given.on}.", markup=False)


@app.command()
def examples(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write them into.")] = Path("reports"),
    json: JsonOption = False,
) -> None:
    """Write an example of every report in every format, from a made-up life on the simulator; needs no configuration.

    Example: closedwon report examples --out docs/reports

    Exit codes: 0 written · 3 the folder cannot be written.
    """
    from sync.demo.examples import write_examples  # noqa: PLC0415 - a daemon need not keep three vendors in memory

    written = write_examples(out)
    if json:
        print_json({"written": [str(path) for path in written]})
    else:
        err.print(f"Written: {len(written)} files in {out}", markup=False)
