"""The command `upgrade`: what a newer version of a template would change in plans made from an older one, and doing it.

The preview goes the main path without writing; `--apply` keeps a decision per plan and goes it for good. Nothing is
upgraded by itself: a template's new version is for new plans alone until somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.markup import escape

from mappings.templates import Template
from sync.cli.amendments import ByOption, said, who
from sync.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    err,
    finish,
    known_keys,
    out,
    plant,
    print_json,
    show_report,
)
from sync.cli.exits import Exit, Stop
from sync.core.amendment import part_json
from sync.core.model import Onboarding, Priority
from sync.core.planned import Decision, Plan
from sync.core.sold import LEFT, PATCH
from sync.engine.sources import decide
from sync.wiring import Plant


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(upgrade)


def upgrade(
    deal: Annotated[list[str] | None, typer.Argument(help="Only the plans of these deals.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    every: Annotated[bool, typer.Option("--all", help="All plans of templates that have a newer version.")] = False,
    to: Annotated[str, typer.Option("--to", help="Go to this version, be it older; else to the configured one.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, nothing is written.")] = False,
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the newer version of a template would change in plans made from an older one, plan by plan.

    Tasks are added or, where nobody has begun them, cancelled; texts, estimates, owners and dates change where nobody
    has touched them. What people changed stays theirs and is listed. Nothing is deleted. `--apply` does it.
    `--to` goes to any version that is configured or that plans were once made from.

    Example: closedwon upgrade --all, then closedwon upgrade 006Wx0000012345AAA --apply

    Exit codes: 0 shown or done · 2 usage, or no such plan · 3 configuration, or a template changed without a new
    version · 4 refused by a brake · 5 not authorised · 6 unfinished · 8 something is held back.
    """
    if bool(deal) == every:
        raise Stop("Name deals, or say --all.", Exit.USAGE, "USAGE-02")
    with plant(config, looking=not apply) as opened:
        behind, blocked = _behind(opened, deal, to)
        changed = opened.engine.sources.changed()
        if not apply:
            _show(_preview(opened, behind), blocked, changed, as_json=json)
            _refuse(changed)
            return
        _refuse(changed)
        for key, version in behind.items():
            decide(opened.store, key, Decision(who(by), upgrade=version))
        opened.store.request([*behind], Priority.RECONCILE)
        report = opened.engine.drain([*behind])
        show_report(report, opened.calls(), as_json=json)
        for text in blocked:
            err.print(text, markup=False)
        finish(report, opened.store)


def _behind(opened: Plant, deals: list[str] | None, to: str) -> tuple[dict[str, str], list[str]]:
    """Return the versions to go to, by deal, and in words what stands in the way of others."""
    keys = deals or known_keys(opened.engine)
    known: dict[str, Onboarding] = opened.store.load(keys)
    for key in deals or ():
        if not known[key].base:
            raise Stop(f"There is no plan of {key}. `closedwon status` tells what waits.", Exit.USAGE, "UPGRADE-01")
    goals = _goals(opened, {one.template for one in known.values() if one.base}, to, every=deals is None)
    behind: dict[str, str] = {}
    blocked = []
    for key, one in known.items():
        version = goals.get(one.template, one.template_version)
        if not one.base or version == one.template_version:
            continue
        if why := _blocked(opened, key, one, version):
            blocked.append(why)
        else:
            behind[key] = version
    return behind, blocked


def _goals(opened: Plant, names: set[str], to: str, *, every: bool) -> dict[str, str]:
    """Return the version to go to by template; refuses one that is not known of any, or not of a named deal's."""
    if not to:
        return {template.name: template.version for template in opened.templates}
    versions = {name: opened.engine.sources.versions(name) for name in sorted(names)}
    goals = {name: to for name, known in versions.items() if to in known}
    if not goals or (not every and goals.keys() != versions.keys()):
        told = "; ".join(f"{name}: {', '.join(known)}" for name, known in versions.items()) or "there is no plan yet"
        text = f"Version {to} is neither configured nor kept. Known versions: {told}. Name one of them with --to."
        raise Stop(text, Exit.USAGE, "UPGRADE-02")
    return goals


def _blocked(opened: Plant, key: str, one: Onboarding, version: str) -> str:
    """Say what stands in the way of a plan's upgrade; "" for nothing."""
    pinned = opened.engine.sources.pinned
    if LEFT in one.deal or PATCH in one.deal:
        return f"{key}: its deal was changed: first decide with `closedwon amendments apply {key}`."
    if pinned(one.template, one.template_version) is None:
        return (
            f"{key}: version {one.template_version} of {one.template}, which it was made from, was never kept: "
            "put that file among the templates once and run `closedwon reconcile --all`."
        )
    if pinned(one.template, version) is None:
        return (
            f"{key}: version {version} of {one.template} speaks of what the mapping no longer has: put a file of that "
            "version that fits the mapping among the templates, under a version of its own."
        )
    return ""


def _preview(opened: Plant, behind: dict[str, str]) -> list[Plan]:
    sources = opened.engine.sources
    sources.supposed.update({key: Decision("preview", upgrade=version) for key, version in behind.items()})
    try:
        return opened.engine.preview([*behind]) if behind else []
    finally:
        sources.supposed.clear()


def _show(plans: list[Plan], blocked: list[str], changed: Iterable[Template], *, as_json: bool) -> None:
    told = [_told(each) for each in plans]
    if as_json:
        names = [{"template": one.name, "version": one.version} for one in changed]
        print_json({"plans": told, "blocked": blocked, "changed_without_version": names})
        return
    for one in told:
        out.print(f"[bold]{escape(one['title'])}[/bold] ({one['deal']}): {'; '.join(one['reasons'])}")
        for part in one["parts"]:
            out.print(f"    {said(part)}", markup=False)
        for held in one["held"]:
            out.print(f"    {held}", markup=False)
    for text in blocked:
        out.print(text, markup=False)
    out.print(f"{len(told)} plans can be upgraded. Nothing was written." if told else "No plan is to be upgraded.")


def _told(each: Plan) -> dict[str, Any]:
    return {
        "deal": each.key,
        "title": each.title,
        "version": each.template_version,
        "reasons": list(each.diff.reasons),
        "parts": [part_json(part) for part in each.diff.parts],
        "held": [f"{q.code}: {q.message}" for q in each.quarantine],
    }


def _refuse(changed: tuple[Template, ...]) -> None:
    """Stop where a text changed under the same version: plans would be of two kinds that are called alike."""
    if changed:
        names = ", ".join(f"{one.name} {one.version}" for one in changed)
        text = (
            f"{names}: the text changed since plans were made from it, under the same version. Give it a new version, "
            "so that it is known which plan was made from which text."
        )
        raise Stop(text, Exit.CONFIG, "TEMPLATE-CHANGED-01", told=True)
