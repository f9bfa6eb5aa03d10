"""The command `amendments`: what changed deals mean for their plans, and a person's yes or no to it.

Showing asks no vendor, since what waits is kept in the store. Deciding keeps the decision, then goes the main path for
that one deal: whatever breaks it off, the next look carries the decision out.
"""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, finish, out, plant, print_json, show_report
from sync.cli.exits import Exit, Stop
from sync.core.amendment import parts_of
from sync.core.model import PLAN_ITEM, Priority, StoreApi
from sync.core.planned import Decision
from sync.core.twins import TWIN_FIELD
from sync.engine.sources import decide
from sync.wiring import Plant

_ALL = 1_000_000
_SHOW = "show"


class _Shown(TyperGroup):
    """Takes a deal's Id in the place of a command for the wish to see it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is meant."""
        known = not args or args[0] in self.commands or args[0].startswith("-")
        return super().resolve_command(ctx, args if known else [_SHOW, *args])


amendments = typer.Typer(
    cls=_Shown,
    invoke_without_command=True,
    help="Show what changed deals mean for their plans, and decide about it: nothing is ever deleted, and no second "
    "plan is made. What happens by itself says `amendments` in the mapping; docs/amendments.md.\n\n"
    "Example: closedwon amendments 006Wx0000012345AAA\n\n"
    "Exit codes: 0 shown · 2 no such plan · 3 configuration · 6 the store cannot be reached. Takes --json.",
)

DealArgument = Annotated[str, typer.Argument(help="The deal, by its 18-character Id.", show_default=False)]
ByOption = Annotated[str | None, typer.Option("--by", help="Who decides; left out: the user of this machine.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Only this item, or this part (its id); may be given several times.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    amendments.callback()(_all)
    amendments.command(_SHOW, hidden=True)(show)
    amendments.command()(apply)
    amendments.command()(own)
    amendments.command()(reject)
    app.add_typer(amendments, name="amendments")


def who(by: str | None) -> str:
    """Return the name that the history tells."""
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):  # a container's user need have no name
        return "somebody"


def _all(context: typer.Context, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        _tell(config, None, as_json=json)


def show(deal: DealArgument, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Show what waits for one deal.

    Example: closedwon amendments 006Wx0000012345AAA

    Exit codes: 0 shown · 2 no such plan · 3 configuration · 6 the store cannot be reached.
    """
    _tell(config, deal, as_json=json)


def apply(
    deal: DealArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    only: OnlyOption = None,
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Apply what waits for a deal, as it was shown: the same plan changes along, and the history tells who agreed.

    What people changed themselves stays theirs. A part that came up since it was shown waits for its own decision.

    Example: closedwon amendments apply 006Wx0000012345AAA --only integration_build.erp_link

    Exit codes: 0 done · 2 nothing waits there · 3 configuration · 4 refused by a brake · 5 not authorised ·
    6 unfinished · 8 something is still held back.
    """
    _decide(config, deal, only, as_json=json, by=who(by), reason="", applied=True)


def own(
    deal: DealArgument, config: ConfigOption = DEFAULT_CONFIG, by: ByOption = None, json: JsonOption = False
) -> None:
    """Have a plan made of a deal that looks like a copy or a part of another one (CLONE-01, SPLIT-01).

    Example: closedwon amendments own 006Wx0000012345AAA

    Exit codes: 0 done · 2 the deal is not held for that · 3 configuration · 4 refused by a brake · 5 not authorised ·
    6 unfinished · 8 something is held back.
    """
    with plant(config) as opened:
        if deal not in _twins(opened.store):
            text = f"{deal} is not held as a copy or a part of another deal. `closedwon amendments` lists what waits."
            raise Stop(text, Exit.USAGE, "AMEND-03")
        decide(opened.store, deal, Decision(who(by), own=True))
        _go(opened, deal, as_json=json)


def reject(
    deal: DealArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; the history keeps it.", show_default=False)],
    config: ConfigOption = DEFAULT_CONFIG,
    only: OnlyOption = None,
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Leave a plan as it is although its deal changed. The same change does not come up again, another one does.

    Example: closedwon amendments reject 006Wx0000012345AAA --reason "agreed with the customer by phone"

    Exit codes: 0 done · 2 nothing waits there · 3 configuration · 5 not authorised · 6 unfinished · 8 something is
    still held back.
    """
    _decide(config, deal, only, as_json=json, by=who(by), reason=reason, applied=False)


def _decide(
    config: Any, deal: str, only: list[str] | None, *, as_json: bool, by: str, reason: str, applied: bool
) -> None:
    with plant(config) as opened:
        store = opened.store
        if not applied and deal in _twins(store):
            decide(store, deal, Decision(by, reason, belongs=True))
            _go(opened, deal, as_json=as_json)
            return
        parts = _parts(store, deal, only)
        ids = frozenset(str(part["id"]) for part in parts)
        made = Decision(by, reason, applied=ids) if applied else Decision(by, reason, left=ids)
        decide(store, deal, made)
        _go(opened, deal, as_json=as_json)


def _go(opened: Plant, deal: str, *, as_json: bool) -> None:
    """Go the main path for one deal."""
    opened.store.request([deal], Priority.LIVE)
    report = opened.engine.drain([deal])
    show_report(report, opened.calls(), as_json=as_json)
    finish(report, opened.store)


def _twins(store: StoreApi) -> dict[str, str]:
    """Return the deals that are held as copies or parts of others, with what is said of them."""
    return {q.key: f"{q.code}: {q.message}" for q in store.quarantined(limit=_ALL) if q.field == TWIN_FIELD}


def _parts(store: StoreApi, deal: str, only: list[str] | None) -> list[dict[str, Any]]:
    waiting = _waiting(store, deal)
    parts = [part for one in waiting for part in one["parts"]]
    chosen = [part for part in parts if not only or part["item"] in only or part["id"] in only]
    if not chosen:
        known = ", ".join(dict.fromkeys(part["item"] for part in parts))
        text = f"Nothing of this waits for {deal}; what does: {known}." if parts else f"Nothing waits for {deal}."
        raise Stop(f"{text} `closedwon amendments` lists all that waits.", Exit.USAGE, "AMEND-03")
    return chosen


def _tell(config: Any, deal: str | None, *, as_json: bool) -> None:
    with plant(config, looking=True) as opened:
        if deal is not None and not opened.store.load([deal])[deal].base and deal not in _twins(opened.store):
            text = f"There is no plan of {deal}. `closedwon status` tells what waits."
            raise Stop(text, Exit.USAGE, "AMEND-03")
        told = _waiting(opened.store, deal)
        twins = {key: text for key, text in _twins(opened.store).items() if deal in {None, key}}
    if as_json:
        print_json({"amendments": told, "twins": twins})
        return
    for key, text in twins.items():
        out.print(f"{key}: {text}", markup=False)
    for one in told:
        out.print(f"[bold]{escape(one['title'])}[/bold] ({one['deal']})")
        for reason in one["reasons"]:
            out.print(f"  {reason}", markup=False)
        for part in one["parts"]:
            out.print(f"    {part['id']}  {said(part)}", markup=False)
    out.print(f"{len(told)} amendments wait for a decision." if told else "No amendment waits for a decision.")


def said(part: dict[str, Any]) -> str:
    """Say a part in one line."""
    why = f" ({part['why']})" if part["why"] else ""
    name = f"{part['item']} “{part['name']}”"
    if not part["field"]:
        word = {"add": "add", "drop": "cancel", "keep": "decide about"}[part["kind"]]
        return f"{word} {name}{why}"
    old, new = (part[side] if part[side] is not None else "nothing" for side in ("old", "new"))
    word = "keep" if part["kind"] == "keep" else "change"
    return f"{word} {part['field']} of {name}: {old} → {new}{why}"


def _waiting(store: StoreApi, deal: str | None) -> list[dict[str, Any]]:
    held = [q for q in store.quarantined(limit=_ALL) if q.code == "AMEND-01" and deal in {None, q.key}]
    known = store.load([q.key for q in held])
    found = []
    for q in held:
        title = str(known[q.key].base.get(PLAN_ITEM, {}).get("title") or q.key)
        found.append({"deal": q.key, "title": title, "since": q.since, **parts_of(q)})
    return found
