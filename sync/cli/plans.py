"""The two commands that cut the main path in the middle: plan shows what would be written, apply does exactly that."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape

from connectors.base import DealQuery
from sync import plan_file
from sync.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    DealOption,
    JsonOption,
    SinceOption,
    UntilOption,
    day,
    err,
    finish,
    known_keys,
    out,
    plant,
    print_json,
    show_report,
)
from sync.cli.deals import read_deals
from sync.cli.scope import flags_of_plans
from sync.core.model import Priority
from sync.engine.reconcile import BRAKE
from sync.wiring import Plant

SHOWN = 10
WIDTH = 200


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(plan)
    app.command()(apply)


def plan(
    config: ConfigOption = DEFAULT_CONFIG,
    deal: DealOption = None,
    won_since: SinceOption = None,
    won_until: UntilOption = None,
    file: Annotated[Path | None, typer.Option("--out", help="Keep the plan here, for `closedwon apply`.")] = None,
    json: JsonOption = False,
) -> None:
    """Show every write that would be made, why, and what it costs in vendor calls. Writes nothing anywhere.

    Without options: all onboardings that have a plan. With --won-since: won deals, planned or not. With --deal: those.

    Example: closedwon plan --won-since 2026-10-01 --out october.json

    Exit codes: 0 shown · 2 usage · 3 configuration · 5 not authorised · 6 a vendor cannot be reached.
    """
    with plant(config) as opened:
        told = _look(opened, deal, DealQuery(won_since=day(won_since), won_until=day(won_until)))
        brake = opened.store.cursor("engine", BRAKE)
    if file is not None:
        file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    if brake:
        err.print(f"A brake is engaged, so nothing is written until `closedwon release`: {brake}", markup=False)
    if json:
        print_json(told)
        return
    _show(told)
    if file is not None:
        out.print(f"Kept in {file}; `closedwon apply {file}` does exactly this, or refuses.", markup=False)


def _look(opened: Plant, ids: list[str] | None, query: DealQuery) -> dict[str, Any]:
    engine = opened.engine
    if ids:
        deals = read_deals(opened, ids)
    elif query.won_since or query.won_until:
        deals = {record.ref.id: record for record in opened.connections[opened.crm].deals(query)}
    else:
        deals = {}
    keys = list(deals) if ids or deals or query.won_since or query.won_until else known_keys(engine)
    context = engine.context()
    plans = engine.preview(keys, deals=deals)
    store = engine.store
    rollups = plan_file.roll_ups(plans, store.load(keys), context, store)
    told = plan_file.describe(
        plans,
        rollups,
        day=context.today,
        connections=opened.connections,
        quota={name: pace.remaining for name, pace in opened.paces.items()},
        looked=opened.calls(),
    )
    flagged = flags_of_plans(plans, context)
    return {**told, "scope": {key: [asdict(flag) for flag in flags] for key, flags in flagged.items()}}


def _show(told: dict[str, Any]) -> None:
    plans = [each for each in told["plans"] if each["steps"] or each["rollup"]]
    for each in plans[:SHOWN]:
        out.print(f"[bold]{escape(each['title'])}[/bold] ({each['deal']}, {each['template'] or 'no template'})")
        for step in [*each["steps"], *([each["rollup"]] if each["rollup"] else [])]:
            fields = ", ".join(f"{name}: {value}" for name, value in step["fields"].items() if value not in (None, ""))
            line = f"  {step['do']} {step['kind']} {step['item']} at {step['connection']}: {step['reason']}"
            out.print(line, markup=False)
            out.print(f"      {fields[:WIDTH]}", markup=False, style="dim")
    if len(plans) > SHOWN:
        out.print(f"… and {len(plans) - SHOWN} more onboardings; --json or --out shows all.")
    held = [each for each in told["plans"] if each["held"]]
    for each in held[:SHOWN]:
        for entry in each["held"]:
            out.print(f"Held back: {each['deal']} {entry['item']} {entry['code']}: {entry['message']}", markup=False)
    for deal, flags in list(told["scope"].items())[:SHOWN]:
        for flag in flags:
            out.print(f"Scope: {deal} {flag['item']} {flag['code']}: {flag['text']}", markup=False)
    _show_summary(told["summary"], len(held))


def _show_summary(summary: dict[str, Any], held: int) -> None:
    if not any(part["creates"] + part["updates"] + part["rollups"] for part in summary.values()):
        out.print("Nothing to write: all sides agree.")
    for name, part in summary.items():
        counts = [f"{part[what]} {what.replace('rollups', 'roll-ups')}" for what in ("creates", "updates", "rollups")]
        left = f", of {part['quota_left']} left today" if part["quota_left"] is not None else ""
        price = f"{part['calls']} calls to write, {part['at_most']} at most in all{left}"
        out.print(f"{name}: {', '.join(counts)}; {price}", markup=False)
    out.print(f"{held} onboardings have something held back.")


def apply(
    file: Annotated[Path, typer.Argument(help="A file that `closedwon plan --out` wrote.", show_default=False)],
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Do exactly what a plan file says, or refuse because the world has moved since.

    Only the roll-ups are computed anew, since they tell of the day on which they are written.

    Example: closedwon apply october.json

    Exit codes: 0 done · 3 no such plan file · 4 refused, nothing was written · 5 not authorised · 6 unfinished ·
    8 something held back.
    """
    kept = plan_file.load(file)
    hold = plan_file.Hold(kept)
    with plant(config) as opened:
        engine = opened.engine
        hold.compare(engine.preview(kept.keys))
        engine.store.request(kept.keys, Priority.RECONCILE)
        report = engine.drain(list(kept.keys), consent=hold)
        show_report(report, opened.calls(), as_json=json)
        finish(report, opened.store)
