"""The command `hours`: contracted, counted and remaining hours, with the list of entries behind each number.

It asks no vendor: the store has every entry. It changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, err, out, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.cli.hours_files import sheets, write_csv, write_xlsx
from sync.cli.hours_shown import PERIODS, entry_json, period_row, statement_json, text_of
from sync.core.hours import Bucket, Placed
from sync.core.statement import Statement, hours, statement
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose_time
from sync.wiring import Plant

_READINGS = 3
"""How often the ledger is read where entries come in meanwhile."""

_COLUMNS = (
    "Deal",
    "Title",
    "Contracted",
    "Counted",
    "Remaining",
    "h/week",
    "At completion",
    "Used up P50 / P80",
    "Fix",
)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("hours")(show_hours)


@dataclass(frozen=True, slots=True)
class Books:
    """What was asked for. `stored` are the seconds of all stored entries, None when single deals were asked for."""

    statements: tuple[Statement, ...]
    loose: tuple[Placed, ...]
    today: date
    stored: int | None = None

    @property
    def in_buckets(self) -> int:
        """The seconds that lie in buckets."""
        return sum(one.ledger.total for one in self.statements) + sum(placed.seconds for placed in self.loose)

    @property
    def off(self) -> int:
        """Seconds by which buckets and entries differ; anything but 0 is a defect."""
        return 0 if self.stored is None else self.in_buckets - self.stored

    @property
    def to_fix(self) -> int:
        """How many entries of plans a person should look into."""
        return sum(len(one.to_fix) for one in self.statements)

    def seconds(self) -> dict[str, int]:
        """Sum everything by bucket."""
        sums = {bucket: sum(one.ledger.seconds[bucket] for one in self.statements) for bucket in Bucket}
        for placed in self.loose:
            sums[placed.bucket] += placed.seconds
        return {str(bucket): seconds for bucket, seconds in sums.items()}


def show_hours(
    deal: Annotated[list[str] | None, typer.Argument(help="Only these deals; left out: all that have a plan.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    entries: Annotated[bool, typer.Option("--entries", help="Show every entry, not only those to fix.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every entry with its bucket to this file.")] = None,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", help="Write summary, periods, entries and what is to fix to this file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show contracted, counted and remaining hours, the burn, and when the hours will be used up. Calls no vendor.

    Every logged second lies in one bucket: counted, non-billable, out of period, unattributed or rejected; the last
    three are to be fixed by somebody, and are listed with what to do. Time on records of no plan is listed when all
    onboardings are asked for; it may be other people's work, and is no reason to end with 8.

    Example: closedwon hours 006Wx0000012345AAA --entries

    Exit codes: 0 shown · 2 no such plan · 3 configuration · 6 the store cannot be reached · 7 the buckets do not add
    up · 8 entries of plans are to be fixed.
    """
    with plant(config) as opened:
        books = _read(opened, deal)
    if csv is not None:
        write_csv(csv, books.statements, books.loose)
    if xlsx is not None:
        write_xlsx(xlsx, sheets(books.statements, books.loose), books.today)
    if json:
        print_json(_as_json(books, entries=entries))
    elif deal:
        for one in books.statements:
            show_one(one, entries=entries)
    else:
        _show_all(books, entries=entries)
    for path in filter(None, (csv, xlsx)):
        err.print(f"Written: {path}", markup=False)
    _finish(books)


def _read(opened: Plant, deals: list[str] | None) -> Books:
    store, context = opened.store, opened.engine.context()
    rules, today = context.mappings.hours, context.today
    if deals:
        keys = list(dict.fromkeys(deals))
        found = tuple(statement(each, rules, today) for each in dossiers(store, keys))
        lacking = sorted(set(keys) - {one.dossier.key for one in found})
        if lacking:
            text = f"No plan is known for {', '.join(lacking)}. `closedwon hours` lists those that have one."
            raise Stop(text, Exit.USAGE, "HOURS-02")
        return Books(found, (), today)
    for _ in range(_READINGS):
        before = _stored(opened)
        found = tuple(statement(each, rules, today) for each in dossiers(store))
        books = Books(found, tuple(loose_time(store, rules, today)), today, _stored(opened))
        if books.stored == before and not books.off:
            break  # else entries came in while we read
    return books


def _stored(opened: Plant) -> int:
    return sum(sum(opened.store.time_totals(name)) for name in opened.connections)


def _finish(books: Books) -> None:
    if books.off:
        text = (
            f"The buckets are {books.off} seconds off the stored entries. If a daemon takes in time at this moment, "
            "ask again; else report this line, and run `closedwon verify`."
        )
        raise Stop(text, Exit.UNEQUAL, "HOURS-01", told=True)
    if books.to_fix:
        text = f"{_entries(books.to_fix)} of plans to fix: see what is listed with each."
        raise Stop(text, Exit.HELD, "HOURS-03", told=True)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _as_json(books: Books, *, entries: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "as_of": books.today,
        "onboardings": [statement_json(one, entries=entries) for one in books.statements],
        "seconds": books.seconds(),
    }
    if books.stored is None:
        return shown
    return {
        **shown,
        "unattributed": [entry_json(placed) for placed in books.loose],
        "conserved": {"stored": books.stored, "in_buckets": books.in_buckets, "off": books.off},
    }


def _show_all(books: Books, *, entries: bool) -> None:
    table = Table(*_COLUMNS, title=f"Hours on {books.today}")
    for one in books.statements:
        table.add_row(*map(escape, _line(one)))
    out.print(table)
    _show_entries("Every entry" if entries else "To fix", _listed(books, entries=entries))
    sums = ", ".join(f"{name.replace('_', ' ')} {hours(seconds):g}" for name, seconds in books.seconds().items())
    out.print(f"Hours by bucket: {sums}.")
    out.print(f"Seconds stored: {books.stored}; in buckets: {books.in_buckets}; off: {books.off}.")


def _listed(books: Books, *, entries: bool) -> list[tuple[str, Placed]]:
    mine = [
        (one.dossier.key, placed)
        for one in books.statements
        for placed in (one.ledger.entries if entries else one.to_fix)
    ]
    return [*mine, *(("", placed) for placed in books.loose)]


def _line(one: Statement) -> tuple[str, ...]:
    used_up = one.exhaustion
    days = f"{used_up.p50 or '–'} / {used_up.p80 or '–'}" if used_up.p50 or used_up.p80 else used_up.why
    numbers = (one.contracted, hours(one.ledger.counted), hours(one.balance.remaining))
    rates = (round(one.burn.hours_per_week, 2), round(one.at_completion, 2))
    return (one.dossier.key, one.dossier.title, *map(text_of, (*numbers, *rates)), days, str(len(one.to_fix)))


def show_one(one: Statement, *, entries: bool) -> None:
    """Print one onboarding's statement."""
    table = Table("", "Hours", title=escape(f"{one.dossier.title} ({one.dossier.key})"))
    for name, seconds in one.ledger.seconds.items():
        table.add_row(f"tracked, {name.replace('_', ' ')}", text_of(hours(seconds)))
    table.add_row("contracted", text_of(one.contracted))
    table.add_row("available by now", text_of(hours(one.balance.available)))
    table.add_row("charged (counted by the weights of roles)", text_of(hours(one.ledger.charged)))
    table.add_row("remaining", text_of(hours(one.balance.remaining)))
    table.add_row(f"a week, over {one.burn.weeks} weeks", text_of(round(one.burn.hours_per_week, 2)))
    table.add_row("at completion", text_of(round(one.at_completion, 2)))
    out.print(table)
    used_up = one.exhaustion
    days = f"P50 {used_up.p50 or '–'}, P80 {used_up.p80 or '–'}" if used_up.p50 or used_up.p80 else ""
    out.print(f"Used up: {' · '.join(filter(None, (days, used_up.why)))}.", markup=False)
    if len(one.balance.periods) > 1:
        periods = Table(*PERIODS[1:], title="Periods")
        for each in one.balance.periods:
            periods.add_row(*map(text_of, period_row("", each)[1:]))
        out.print(periods)
    listed = one.ledger.entries if entries else one.to_fix
    _show_entries("Every entry" if entries else "To fix", [("", placed) for placed in listed])


def _show_entries(title: str, listed: list[tuple[str, Placed]]) -> None:
    """Print one line an entry: a table would break its reasons into pieces."""
    if not listed:
        return
    out.print(f"{title}:")
    for key, placed in listed:
        entry = placed.logged.entry
        where = f"{placed.logged.connection} {entry.record_id} {placed.logged.item}".strip()
        why = f"{placed.bucket.replace('_', ' ')}: {placed.reason}" if placed.reason else str(placed.bucket)
        line = f"  {placed.day}  {placed.seconds:>6} s  {placed.author or 'nobody'}  {where}  {why}"
        out.print(f"{line}  ({key})" if key else line, markup=False)
