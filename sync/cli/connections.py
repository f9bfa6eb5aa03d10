"""What `status` tells of each connection, from the store alone: what is used of its quota, and how its webhooks are.

Used by `sync.cli.look`. It calls no vendor: what it tells is what a daemon or a command saw last, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sync.cli.common import out
from sync.config import PaceDoc
from sync.core.unattended import Rate
from sync.hooks import KIND as WEBHOOKS
from sync.usage import Standing, standings
from sync.wiring import Plant, real_now

Told = Mapping[str, Mapping[str, Any]]


def condition(opened: Plant) -> Told:
    """Return what is known of each connection, ready for --json."""
    hooks = {one.name: {**one.value, "looked_at": one.at} for one in opened.store.kept(WEBHOOKS, "")}
    stand = standings(opened.store, real_now())
    return {
        name: {"quota": _quota(opened, name, stand.get(name, Standing(0.0))), "webhooks": hooks.get(name)}
        for name in opened.connections
    }


def _quota(opened: Plant, name: str, standing: Standing) -> dict[str, Any]:
    """Join what was seen with what the configuration allows."""
    pace: PaceDoc = opened.config.connections[name].pace
    told = asdict(standing)
    left, whole = standing.left, standing.allotment
    told["used"] = None if left is None or whole is None else whole - left
    told["reserve"] = pace.reserve
    told["reserve_reached"] = left is not None and 0 < pace.reserve >= left
    told["allowed_a_minute"] = pace.per_minute or None
    shared = pace.shared and pace.per_minute
    told["burst_used"] = round(opened.store.spent(name, Rate(pace.per_minute, pace.burst)), 1) if shared else None
    told["burst"] = pace.burst if shared else None
    return told


def show_condition(told: Told) -> None:
    """Print it, a line for what there is to say of each."""
    for name, known in told.items():
        out.print(f"{name}: {'; '.join(_words(known['quota']))}", markup=False)
        if hooks := known["webhooks"]:
            states = ", ".join(f"{count} {state}" for state, count in sorted(hooks["states"].items()))
            code = f"; {hooks['code']}: `closedwon webhooks status` shows which" if hooks["code"] else ""
            seen = _minute(hooks["looked_at"])
            out.print(f"{name}: webhooks: {states or 'none'} (looked at {seen}){code}", markup=False)


def _words(quota: Mapping[str, Any]) -> list[str]:
    allowed = quota["allowed_a_minute"]
    words = [f"{quota['calls_a_minute']:g} calls a minute" + (f" of {allowed:g} allowed" if allowed else "")]
    if quota["burst"]:
        words.append(f"{quota['burst_used']:g} of a burst of {quota['burst']:g} used")
    if quota["left"] is not None:
        words.append(f"{quota['used']} of {quota['allotment']} used today, as told {_minute(quota['told_at'])}")
    if quota["reserve"]:
        reached = ", which is reached: only live work goes on" if quota["reserve_reached"] else ""
        words.append(f"{quota['reserve']} kept for others{reached}")
    if quota["paused_until"]:
        why = quota["code"] or "as the vendor asked"
        words.append(f"paused until {_minute(quota['paused_until'])} ({why})")
    return words


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
