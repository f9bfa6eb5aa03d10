"""The commands that act: reconcile and backfill. Each opens the plant, calls the engine and shows numbers."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from connectors.base import DealQuery
from sync.backfill import backfill as run_backfill
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
    plant,
    show_report,
)
from sync.cli.deals import read_deals
from sync.cli.exits import Exit, Stop
from sync.core.model import Priority
from sync.engine import Report


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(reconcile)
    app.command()(backfill)


def reconcile(
    config: ConfigOption = DEFAULT_CONFIG,
    deal: DealOption = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what changed since the last time (default).")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All onboardings, whether they changed or not.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring onboardings to where all sides agree: new deals get plans, changes flow, roll-ups reach the CRM.

    With --deal and --all, what a vendor refused before is tried once more: say so after having mended its cause.

    The first run only notes where each vendor stands: deals won before it are the business of `closedwon backfill`.

    Example: closedwon reconcile --changed

    Exit codes: 0 done · 2 usage · 3 configuration · 4 a brake is engaged · 5 not authorised · 6 unfinished ·
    8 something held back.
    """
    if sum(map(bool, (deal, changed, everything))) > 1:
        raise Stop("Choose one of --deal, --changed and --all.", Exit.USAGE, "USAGE-02")
    with plant(config) as opened:
        engine = opened.engine
        total = Report()
        if deal:
            deals = read_deals(opened, deal)
            keys = list(dict.fromkeys(deal))
            opened.store.forgive(keys, Priority.LIVE)
            unread = 0
            total.add(engine.drain(keys, deals=deals))
        else:
            engine.sweep(total)
            unread = len(total.notes)
            if everything:
                keys = known_keys(engine)
                opened.store.forgive(keys, Priority.RECONCILE)
            total.add(engine.drain())
        show_report(total, opened.calls(), as_json=json)
        finish(total, opened.store, unread=unread)


def backfill(
    config: ConfigOption = DEFAULT_CONFIG,
    won_since: SinceOption = None,
    won_until: UntilOption = None,
    deal: DealOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many deals, oldest first.")] = None,
    json: JsonOption = False,
) -> None:
    """Make plans for deals that were won in the past. Stop it at any time: the same command goes on where it stopped.

    Example: closedwon backfill --won-since 2026-01-01 --limit 20

    Exit codes: 0 done · 2 usage · 3 configuration · 4 a brake is engaged · 5 not authorised · 6 unfinished ·
    8 something held back · 130 interrupted.
    """
    if not (won_since or won_until or deal):
        raise Stop("Say which deals: --won-since YYYY-MM-DD, or --deal ID.", Exit.USAGE, "USAGE-02")
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=err,
    )
    with bar, plant(config) as opened:
        task = bar.add_task("Onboardings", total=None)
        query = DealQuery(tuple(read_deals(opened, deal)) if deal else (), day(won_since), day(won_until))
        report = run_backfill(
            opened.engine,
            query,
            limit=limit,
            progress=lambda seen, total, _report: bar.update(task, completed=seen, total=total),
        )
        show_report(report, opened.calls(), as_json=json)
        finish(report, opened.store)
