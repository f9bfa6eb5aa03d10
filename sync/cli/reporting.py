"""What the commands of `report` share: options, the deal that is asked for, and the file that is written.

Used by `sync.cli.report` and `sync.cli.minutes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sync.cli.common import err, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.reports.catalog import Audience, of_all, of_one
from sync.reports.insight import Insight, insights
from sync.reports.page import Page
from sync.reports.render import Format, model, render
from sync.reports.views import Asked
from sync.wiring import Plant

DealArgument = Annotated[str, typer.Argument(help="The deal's 18-character Id.", show_default=False)]
MaybeDeal = Annotated[
    str, typer.Argument(help="The deal's 18-character Id; left out with --portfolio.", show_default=False)
]
PortfolioOption = Annotated[bool, typer.Option("--portfolio", help="All onboardings; for our own people alone.")]
AudienceOption = Annotated[
    Audience | None, typer.Option("--audience", help="Who reads it: customer, or internal as with --portfolio.")
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Left out: as --out ends, else Markdown.", show_default=False)
]
OutOption = Annotated[str, typer.Option("--out", "-o", help="The file to write; - is stdout.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="As things stood at the end of that day; left out: today."),
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for, whatever the report."""

    deal: str
    config: Path
    portfolio: bool = False
    audience: Audience | None = None
    form: Format | None = None
    out: str = "-"
    as_of: date | None = None
    json: bool = False

    @property
    def reader(self) -> Audience:
        """Who reads it: the customer, unless it tells of all onboardings."""
        return self.audience or (Audience.INTERNAL if self.portfolio else Audience.CUSTOMER)

    @property
    def chosen(self) -> Format:
        """The format that is asked for, or that the file's name tells."""
        ending = Path(self.out).suffix.lower().removeprefix(".")
        named = Format(ending) if ending in set(Format) else Format.MARKDOWN
        return self.form or named


Ask: TypeAlias = Callable[[Plant, date], Asked]
"""Tells what is asked for beside the day, once the store is open and the day known."""


def nothing(_opened: Plant, _day: date) -> Asked:
    """Ask for nothing more."""
    return Asked()


def make(report: str, wish: Wish, ask: Ask = nothing) -> None:
    """Make a report from the store and write it."""
    check(wish)
    with plant(wish.config) as opened:
        page = page_of(report, wish, ask, opened)
    write(page, wish)


def check(wish: Wish) -> None:
    """Refuse what does not go together, before anything is opened."""
    if wish.portfolio == bool(wish.deal):
        raise Stop("Name one deal, or ask for --portfolio.", Exit.USAGE, "REPORT-02")
    if wish.portfolio and wish.audience is Audience.CUSTOMER:
        text = "--portfolio tells one customer of another: leave --audience out, or ask for one deal."
        raise Stop(text, Exit.USAGE, "REPORT-02")
    if wish.chosen is Format.XLSX and wish.out == "-" and not wish.json:
        raise Stop("A workbook is no text: add --out FILE.xlsx.", Exit.USAGE, "REPORT-02")


def page_of(report: str, wish: Wish, ask: Ask, opened: Plant) -> Page:
    """Return a report's page."""
    today, then = _when(wish, opened)
    if not wish.portfolio:
        return of_one(report, wish.reader, one(wish, opened), ask(opened, then))
    found = insights(opened.store, opened.engine.context(), then, today=today)
    return of_all(report, found, then, ask(opened, then))


def one(wish: Wish, opened: Plant) -> Insight:
    """Return what is known of the deal that is asked for."""
    today, then = _when(wish, opened)
    # A customer is told no forecast, so nothing need be learned for one.
    learning = wish.reader is Audience.INTERNAL
    seen = insights(opened.store, opened.engine.context(), then, today=today, keys=[wish.deal], learning=learning)
    found = next(seen, None)
    if found is None:
        text = f"No plan is known for {wish.deal}. `closedwon status` tells what waits; check the deal's Id."
        raise Stop(text, Exit.USAGE, "REPORT-01")
    return found


def all_or_one(wish: Wish, opened: Plant) -> Iterator[Insight]:
    """Yield the deal that is asked for, or all of them, with nothing forecast."""
    if not wish.portfolio:
        yield one(wish, opened)
        return
    today, then = _when(wish, opened)
    yield from insights(opened.store, opened.engine.context(), then, today=today, learning=False)


def _when(wish: Wish, opened: Plant) -> tuple[date, date]:
    """Return today and the day that the report tells of."""
    today = opened.engine.context().today
    then = wish.as_of or today
    if then > today:
        raise Stop(f"--as-of {then} is not over yet: today is {today}.", Exit.USAGE, "REPORT-02")
    return today, then


def write(page: Page, wish: Wish) -> None:
    """Write a page to where it is wanted."""
    form = wish.chosen
    if form is Format.ICS and not page.dates:
        raise Stop("This report has no dates for a calendar: choose another --format.", Exit.USAGE, "REPORT-02")
    if wish.out != "-":
        Path(wish.out).write_bytes(render(page, form))
        err.print(f"Written: {wish.out}", markup=False)
    elif not wish.json:
        typer.echo(render(page, form), nl=False)
    if wish.json:
        print_json(model(page))
