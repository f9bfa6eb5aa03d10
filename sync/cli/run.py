"""The command that acts on what changed: reconcile. It opens the plant, calls the engine and shows numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from sync.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    DealOption,
    JsonOption,
    finish,
    known_keys,
    plant,
    show_report,
)
from sync.cli.deals import read_deals
from sync.cli.exits import Exit, Stop
from sync.core.model import Priority
from sync.engine import Report
from sync.engine.daily import is_due, roll_on
from sync.engine.recount import recount


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(reconcile)


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

    Once a day it also brings to the CRM what changes merely because a day has passed: forecasts, health, days overdue.

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
                recount(opened.connections, store=opened.store, report=total)
                unread = len(total.notes)
                keys = known_keys(engine)
                opened.store.forgive(keys, Priority.RECONCILE)
            total.add(engine.drain())
            if is_due(engine, opened.store):
                total.rollups += roll_on(engine, opened.store).rollups
        show_report(total, opened.calls(), as_json=json)
        finish(total, opened.store, unread=unread)
