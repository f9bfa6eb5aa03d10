"""The command `report minutes`: a stub to fill in, and its actions made tasks when it comes back.

Taking minutes asks no vendor: the tasks join the plan that the store remembers, and the next look brings them about.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, day, err, out, plant, print_json, wake
from sync.cli.exits import Exit, Stop
from sync.cli.reporting import AudienceOption, DealArgument, FormatOption, OutOption, Wish, make
from sync.engine.actions import Added, Busy, Differs, add_tasks
from sync.reports.kept import keep_meeting
from sync.reports.taking import LARGEST, BadMinutes, Minutes, take
from sync.reports.viewing import reference
from sync.reports.views import Asked
from sync.wiring import Plant


def register(app: typer.Typer) -> None:
    """Add this module's command to `report`."""
    app.command()(minutes)


def minutes(
    deal: DealArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The meeting's day; left out: today.")
    ] = None,
    taken: Annotated[
        Path | None, typer.Option("--take", help="The filled Markdown file: its actions become tasks of the plan.")
    ] = None,
    audience: AudienceOption = None,
    form: FormatOption = None,
    to: OutOption = "-",
    json: JsonOption = False,
) -> None:
    """Minutes to be filled in; with --take their actions become tasks, where the customer or we see them.

    An action is known by its meeting and number: to take the same file again adds nothing. The tasks are made by the
    next look, as all others are: `closedwon plan` shows them before, `closedwon reconcile` or the daemon makes them.

    Example: closedwon report minutes 006Wx0000012345AAA --out minutes.md
    Example: closedwon report minutes 006Wx0000012345AAA --take minutes.md

    Exit codes: 0 written, or taken · 2 no such plan, or options that do not go together · 3 configuration, or the
    minutes have mistakes · 4 an action was agreed on in other words before: nothing was taken · 6 the store cannot be
    reached, or somebody acts on the onboarding at this moment.
    """
    if taken is None:

        def ask(_opened: Plant, then: date) -> Asked:
            return Asked(meeting=day(on) or then)

        make("minutes", Wish(deal, config, False, audience, form, to, None, json), ask)
        return
    if on or audience or form or to != "-":
        raise Stop("--take reads a file: leave --on, --audience, --format and --out out.", Exit.USAGE, "REPORT-02")
    with taken.open("rb") as file:
        data = file.read(LARGEST + 1)
    with plant(config) as opened:
        filled = _read(data, taken, deal, opened)
        added = _add(filled, deal, opened)
        keep_meeting(opened.store, deal, filled.meeting)
    _tell(added, filled, as_json=json)


def _read(data: bytes, path: Path, deal: str, opened: Plant) -> Minutes:
    """Read the minutes, and see that they are this onboarding's and name people whom their trackers know."""
    if not opened.store.load([deal])[deal].base:
        text = f"No plan is known for {deal}. `closedwon status` tells what waits; check the deal's Id."
        raise Stop(text, Exit.USAGE, "REPORT-01")
    context = opened.engine.context()
    try:
        filled = take(data, context.today)
    except BadMinutes as error:
        raise _bad(path, error.args) from None
    if filled.reference != reference(deal):
        text = f"{path} was made for another onboarding ({filled.reference}): name its deal. Nothing was taken."
        raise Stop(text, Exit.CONFIG, "MINUTES-02")
    unknown = [
        f"line {action.line}: {home} does not know {action.owner}: add the address under `users`, or leave Who empty"
        for action in filled.actions
        for home in context.mappings.homes(action.audience)
        if context.mappings.users.unmapped(home, (action.owner,))
    ]
    if unknown:
        raise _bad(path, unknown)
    return filled


def _bad(path: Path, mistakes: list[str] | tuple[str, ...]) -> Stop:
    listed = "\n".join(f"  {mistake}" for mistake in mistakes)
    return Stop(f"Nothing of {path} was taken:\n{listed}", Exit.CONFIG, "MINUTES-01")


def _add(filled: Minutes, deal: str, opened: Plant) -> Added:
    tasks = filled.tasks(opened.mappings.task)
    try:
        added = add_tasks(opened.store, deal, tasks, owner=opened.engine.settings.owner)
    except Differs as error:
        item, before = error.args
        text = f"Action {item.rpartition('_')[2]} of {filled.meeting} was agreed on as “{before}”: give the new one a "
        raise Stop(text + "number of its own. Nothing was taken.", Exit.REFUSED, "MINUTES-03") from None
    except Busy:
        text = f"Somebody acts on {deal} at this moment. Nothing was taken: run the command again."
        raise Stop(text, Exit.UNFINISHED, "MINUTES-04") from None
    wake(opened)
    return added


def _tell(added: Added, filled: Minutes, *, as_json: bool) -> None:
    if as_json:
        print_json({"meeting": filled.meeting, "added": dict(added.names), "known": list(added.known)})
        return
    for name in added.names.values():
        out.print(f"New task: {name}", markup=False)
    err.print(f"{len(added.names)} added, {len(added.known)} known before. `closedwon reconcile` makes new ones now.")
