"""The command `health`: red, amber or green with its reason, whose move it is, and a person's word over the rules.

It asks no vendor. Showing changes nothing; a person's word is kept in the store and reaches the CRM like any change.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from mappings.practice import Court
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, out, plant, print_json, wake
from sync.cli.exits import Exit, Stop
from sync.core.health import Color, Override
from sync.core.judgement import Basis, Judgement, judge, override_values
from sync.core.model import Event, Priority
from sync.engine.dossiers import dossiers
from sync.engine.lessons import OVERRIDE, WORD, lessons, overrides
from sync.wiring import Plant

_STYLES = {Color.GREEN: "green", Color.AMBER: "yellow", Color.RED: "red"}
_RANK = [Color.RED, Color.AMBER, Color.GREEN]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("health")(show_health)


def show_health(
    deal: Annotated[list[str] | None, typer.Argument(help="Only these deals; left out: all that are open.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    set_: Annotated[Color | None, typer.Option("--set", help="Say the colour yourself, for one deal.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="With --set: why; people read it in the CRM.")] = "",
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="With --set: the last day it holds.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="With --set and --clear: who says so; left out: your login.")] = "",
    clear: Annotated[bool, typer.Option("--clear", help="Take your word back, for one deal.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="Show the rules with the thresholds in force here.")] = False,
    json: JsonOption = False,
) -> None:
    """Show each onboarding's health with its reason, and whose move it is; or say the colour yourself for a while.

    The rules and their thresholds are published in docs/health.md and set under `health` and `courts` in the mapping. A
    colour that a person sets has a reason and a last day, ends by itself, and never hides what was computed.

    Example: closedwon health 006Wx0000012345AAA --set amber --reason "New date agreed by phone" --until 2026-12-18

    Exit codes: 0 shown, or done · 2 usage, or no such plan · 3 configuration · 6 the store cannot be reached.
    """
    last = until.date() if until else None
    _refuse_misfits(deal, set_, reason, last, by, clear=clear)
    with plant(config) as opened:
        if rules:
            show_rules(opened, as_json=json)
            return
        if deal and (clear or (set_ and last)):
            word = Override(set_, reason.strip(), last, by or getpass.getuser()) if set_ and last else None
            _say(opened, deal[0], word, by or getpass.getuser())
        found = _judged(opened, deal)
    if json:
        print_json({"as_of": found[0].today if found else None, "onboardings": [as_json(each) for each in found]})
    elif deal:
        for each in found:
            show_one(each)
    else:
        show_all(found)


def _refuse_misfits(
    deal: list[str] | None, color: Color | None, reason: str, until: date | None, by: str, *, clear: bool
) -> None:
    problem = ""
    if color and clear:
        problem = "Choose one of --set and --clear."
    elif (color or clear) and len(deal or ()) != 1:
        problem = "Name the one deal that --set or --clear is meant for."
    elif color and not (reason.strip() and until):
        problem = "Add --reason and --until: a colour that a person sets has a reason and a last day."
    elif not color and (reason or until):
        problem = "--reason and --until belong to --set: add it."
    elif by and not (color or clear):
        problem = "--by belongs to --set and --clear: add one."
    if problem:
        raise Stop(problem, Exit.USAGE, "HEALTH-02")


def _say(opened: Plant, key: str, word: Override | None, by: str) -> None:
    """Keep a person's word or take it back, note it in the history, and have the CRM told."""
    store, today = opened.store, opened.engine.context().today
    if word is not None and word.until < today:
        text = f"{word.until} is over: let --until name a day from {today} on."
        raise Stop(text, Exit.USAGE, "HEALTH-02")
    if not any(dossiers(store, [key])):
        raise _unknown([key])
    before = overrides(store).get(key)
    if word is None:
        store.forget(OVERRIDE, key, WORD)
    else:
        store.keep(OVERRIDE, key, WORD, override_values(word))
    store.note([Event(key, "", "health", _told(before), _told(word), by, "override")])
    store.request([key], Priority.LIVE)
    wake(opened)


def _told(word: Override | None) -> str:
    return f"{word.color} until {word.until}: {word.reason}" if word else ""


def show_rules(opened: Plant, *, as_json: bool) -> None:
    """Print the rules of health in force."""
    names = ("rule", "measures", "amber", "red")
    rows = [*opened.mappings.health.table()]
    if as_json:
        print_json({"rules": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    table = Table("Rule", "Measures", "Amber", "Red")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def _judged(opened: Plant, deals: Sequence[str] | None) -> list[Judgement]:
    store, context = opened.store, opened.engine.context()
    keys = list(dict.fromkeys(deals)) if deals else None
    learned = lessons(store, context.mappings.calendar, context.today, keep=False)
    basis, words = Basis.of(context, learned.experience), overrides(store)
    found = [
        judge(known, basis, override=words.get(known.key))
        for known in dossiers(store, keys)
        if keys is not None or any(task.open for task in known.tasks)
    ]
    if lacking := sorted(set(keys or ()) - {each.known.key for each in found}):
        raise _unknown(lacking)
    return sorted(found, key=lambda each: (_RANK.index(each.health.color), each.known.key))


def _unknown(keys: Sequence[str]) -> Stop:
    text = f"No plan is known for {', '.join(keys)}. `closedwon health` lists those that are open."
    return Stop(text, Exit.USAGE, "HEALTH-01")


def show_all(found: Sequence[Judgement]) -> None:
    """Print a line for each onboarding, the worst first."""
    table = Table(Column("Deal", no_wrap=True), "Title", "Health", "Why", "Lost by court")
    for each in found:
        color = each.health.color
        row = map(escape, (each.health.reason, _lost(each)))
        table.add_row(each.known.key, escape(each.known.title), f"[{_STYLES[color]}]{color}[/{_STYLES[color]}]", *row)
    out.print(table)


def show_one(judged: Judgement) -> None:
    """Print everything of one onboarding."""
    known, health = judged.known, judged.health
    out.print(f"{known.key} {known.title}", style="bold", markup=False)
    out.print(f"  {health.color}", style=_STYLES[health.color], end="")
    out.print(f": {health.reason}", markup=False)
    for finding in health.findings:
        out.print(f"  - {finding.color} by {finding.rule}: {finding.text}", markup=False)
    out.print(f"  Business days lost: {_lost(judged) or 'none'}.")
    for name, court, since, days, lost in moves(judged):
        late = f", {lost} too many" if lost else ""
        out.print(f"  {court}'s move since {since} ({days} business days{late}): {name}", markup=False)


def moves(judged: Judgement) -> Iterator[tuple[str, Court, date, int, int]]:
    """Yield each task that somebody can work on: its name, whose move, since when, business days there and lost."""
    names = {task.item: task.name for task in judged.known.tasks}
    for clock in judged.courts.clocks.values():
        if clock.now is not None and clock.stretches:
            here = clock.stretches[-1]
            yield names[clock.item], here.court, here.start, here.days, here.lost


def as_json(judged: Judgement) -> dict[str, Any]:
    """Return one onboarding's health as plain values."""
    known, health = judged.known, judged.health
    return {
        "key": known.key,
        "title": known.title,
        "health": str(health.color),
        "reason": health.reason,
        "computed": str(health.computed),
        "findings": [asdict(finding) for finding in health.findings],
        "override": override_values(health.override) if health.override else None,
        "target_launch": known.target_launch,
        "forecast_launch": judged.forecast.launched or judged.forecast.p50,
        "lost": {str(court): judged.courts.lost(court) for court in Court},
        "moves": [
            {"task": name, "court": str(court), "since": since, "days": days, "lost": lost}
            for name, court, since, days, lost in moves(judged)
        ],
    }


def _lost(judged: Judgement) -> str:
    return ", ".join(f"{court} {days}" for court in Court if (days := judged.courts.lost(court)))
