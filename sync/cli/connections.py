"""What `status` tells of each connection, from the store alone: how its webhooks are.

Used by `sync.cli.look`. It calls no vendor: what it tells is what a daemon or a command saw last, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.cli.common import out
from sync.hooks import KIND as WEBHOOKS
from sync.wiring import Plant

Told = Mapping[str, Mapping[str, Any]]


def condition(opened: Plant) -> Told:
    """Return what is known of each connection, ready for --json."""
    hooks = {one.name: {**one.value, "looked_at": one.at} for one in opened.store.kept(WEBHOOKS, "")}
    return {name: {"webhooks": hooks.get(name)} for name in opened.connections}


def show_condition(told: Told) -> None:
    """Print it, a line for what there is to say of each."""
    for name, known in told.items():
        if hooks := known["webhooks"]:
            states = ", ".join(f"{count} {state}" for state, count in sorted(hooks["states"].items()))
            code = f"; {hooks['code']}: `closedwon webhooks status` shows which" if hooks["code"] else ""
            out.print(f"{name}: webhooks: {states or 'none'} (looked at {hooks['looked_at']:%Y-%m-%d %H:%M}Z){code}")
