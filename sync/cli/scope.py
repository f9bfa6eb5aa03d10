"""The command `scope`: whether plans are what was sold, and which deals wait for sales to hand them over.

It asks no vendor: what was sold is remembered with each plan. It changes nothing. `closedwon plan` shows the same for
the plans that it would make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, out, plant, print_json
from sync.cli.exits import Exit, Stop
from sync.core.dossier import Dossier, dossier
from sync.core.model import Onboarding, Quarantine
from sync.core.planned import Context, Plan
from sync.core.scope import Flag, check_known
from sync.engine.actions import ACTION
from sync.engine.dossiers import dossiers
from sync.wiring import Plant

_MOST = 10_000
"""How many held-back entries are looked through."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """One onboarding's differences; `added` are names of tasks that people added, `note` what else is to be known."""

    known: Dossier
    flags: tuple[Flag, ...]
    added: tuple[str, ...]
    note: str

    def as_json(self) -> dict[str, Any]:
        flags = [asdict(flag) for flag in self.flags]
        return {
            "key": self.known.key,
            "title": self.known.title,
            "flags": flags,
            "added": self.added,
            "note": self.note,
        }


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("scope")(scope)


def scope(
    deal: Annotated[
        list[str] | None, typer.Argument(help="Only these deals; left out: all that have not launched.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Hold plans against what was sold: lines, tasks, hours, launch, handoff. Calls no vendor.

    It tells what was sold and is not planned, what is planned and was not sold, estimates above the contracted hours,
    launches beyond their limit, and handoff fields that sales left empty; and which deals have no plan for that reason.

    Example: closedwon scope 006Wx0000012345AAA

    Exit codes: 0 all as sold · 2 no such plan · 3 configuration · 6 the store cannot be reached · 8 there are
    differences, or deals that wait for their handoff.
    """
    keys = list(dict.fromkeys(deal)) if deal else None
    with plant(config) as opened:
        context = opened.engine.context()
        checked = [
            _check(opened, known, context) for known in dossiers(opened.store, keys) if keys or not known.launched
        ]
        waiting = [q for q in opened.store.quarantined(limit=_MOST) if q.code == "HANDOFF-01"]
    if keys is not None:
        waiting = [each for each in waiting if each.key in keys]
        _refuse_unknown(keys, checked, waiting)
    if json:
        shown = [{"key": each.key, "code": each.code, "message": each.message} for each in waiting]
        print_json({"as_of": context.today, "onboardings": [each.as_json() for each in checked], "waiting": shown})
    else:
        _show(checked, waiting)
    flagged = sum(bool(each.flags) for each in checked)
    if flagged or waiting:
        text = f"{_plans(flagged)} not what was sold; {_deals(len(waiting))} for sales to hand over."
        raise Stop(text, Exit.HELD, "SCOPE-01", told=True)


def flags_of_plans(plans: Iterable[Plan], context: Context) -> dict[str, tuple[Flag, ...]]:
    """Check plans for which something would be written, by deal; those that are as sold are left out."""
    found = {}
    for each in plans:
        if each.base and each.steps:
            made = Onboarding(each.key, each.template, each.template_version, each.deal, each.base)
            if flags := check_known(dossier(made), context):
                found[each.key] = flags
    return found


def _check(opened: Plant, known: Dossier, context: Context) -> _Checked:
    items = {each.name for each in opened.store.kept(ACTION, known.key)}
    flags = check_known(known, context, added=items)
    note = ""
    if flags is None:
        note = f"What was sold is remembered from the next look on: closedwon reconcile --deal {known.key}"
    elif any(held.code == "AMEND-01" for held in known.held):
        note = f"The deal was changed since, which waits for a decision: closedwon amendments {known.key}"
    added = tuple(task.name for task in known.tasks if task.item in items and task.open)
    return _Checked(known, flags or (), added, note)


def _refuse_unknown(keys: Sequence[str], checked: Sequence[_Checked], waiting: Sequence[Quarantine]) -> None:
    known = {each.known.key for each in checked} | {each.key for each in waiting}
    if lacking := sorted(set(keys) - known):
        text = f"No plan is known for {', '.join(lacking)}. `closedwon scope` lists those that have one."
        raise Stop(text, Exit.USAGE, "SCOPE-02")


def _show(checked: Sequence[_Checked], waiting: Sequence[Quarantine]) -> None:
    for each in checked:
        if not (each.flags or each.added or each.note):
            continue
        out.print(f"{each.known.title} ({each.known.key})", markup=False, style="bold")
        for flag in each.flags:
            out.print(f"  {flag.code}: {flag.text}", markup=False)
        if each.added:
            out.print(f"  Added by people, and so not asked for: {', '.join(each.added)}", markup=False)
        if each.note:
            out.print(f"  {each.note}", markup=False)
    for entry in waiting:
        out.print(f"{entry.key} {entry.code}: {entry.message}", markup=False)
    sound = sum(not each.flags and not each.note for each in checked)
    out.print(f"{sound} of {len(checked)} plans are as sold; {_deals(len(waiting))} for sales to hand over.")


def _plans(count: int) -> str:
    return "1 plan is" if count == 1 else f"{count} plans are"


def _deals(count: int) -> str:
    return "1 deal waits" if count == 1 else f"{count} deals wait"
