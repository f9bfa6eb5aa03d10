"""Go-live evidence: when an onboarding launched and who accepted it, for finance and for the customer's own files.

Called by `sync.reports.catalog`. It tells nothing that depends on the day of asking, so that the same facts give the
same bytes whenever it is made. A digest over the facts shows whether two copies say the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date

from sync.reports.listing import Field, listed, written
from sync.reports.page import Cell, Figure, Figures, Look, Page, Words
from sync.reports.views import Acceptance, CustomerView, InternalTask, InternalView, SharedTask

_FACTS = (
    Field[tuple[str, Cell]]("Fact", lambda fact: fact[0], width=26),
    Field[tuple[str, Cell]]("Value", lambda fact: fact[1], width=40),
)
_MILESTONES = (
    Field[SharedTask | InternalTask]("Milestone", lambda task: task.name, width=44),
    Field[SharedTask | InternalTask]("Due", lambda task: task.due, Look.DAY),
    Field[SharedTask | InternalTask]("Done on", lambda task: task.done_on, Look.DAY),
)


def for_customer(view: CustomerView) -> Page:
    """Return what a customer files; the onboarding has launched."""
    facts: list[tuple[str, Cell]] = [
        ("Customer", view.account),
        ("Reference", view.reference),
        ("Launched on", view.launched),
        ("Launch", view.launch_name),
        ("Target launch", view.target_launch),
        ("Kickoff", view.kickoff),
    ]
    name = view.account or "your company"
    return _page(f"Go-live of {name}", facts, view.tasks, view.launched, view.acceptance, f"For {name}.")


def for_us(view: InternalView) -> Page:
    """Return what finance files; the onboarding has launched."""
    facts: list[tuple[str, Cell]] = [
        ("Customer", view.account),
        ("Onboarding", view.title),
        ("Deal", view.key),
        ("Reference", view.reference),
        ("Deal won on", view.closed_on),
        ("Amount", view.amount),
        ("Launched on", view.launched),
        ("Launch", view.launch_name),
        ("Target launch", view.target_launch),
        ("Target launch at first", view.baseline_launch),
        ("Kickoff", view.kickoff),
    ]
    title = f"Go-live evidence: {view.account or view.title}"
    return _page(
        title, facts, view.tasks, view.launched, view.acceptance, "Internal: for finance.", "Internal · launched"
    )


def _page(
    title: str,
    facts: list[tuple[str, Cell]],
    tasks: Sequence[SharedTask] | Sequence[InternalTask],
    launched: date | None,
    accepted: Acceptance | None,
    footer: str,
    subtitle: str = "Launched",
) -> Page:
    assert launched is not None
    facts += [("Accepted by", accepted.by if accepted else None), ("Accepted on", accepted.on if accepted else None)]
    told = [(name, value) for name, value in facts if value not in {None, ""}]
    reached = [task for task in tasks if task.milestone and task.done_on and task.done_on <= launched]
    digest = _digest([*told, *((task.name, task.done_on) for task in reached)])
    accepting = f"{accepted.by} on {written(accepted.on)}" if accepted else "Not recorded yet"
    return Page(
        title,
        f"{subtitle} on {written(launched)}",
        launched,
        (
            Figures((Figure("Launched on", launched, Look.DAY), Figure("Accepted by", accepting))),
            listed("Facts", _FACTS, told),
            listed("Milestones up to the launch", _MILESTONES, reached),
            Words("Digest", (f"SHA-256 over the facts and milestones: {digest}",)),
        ),
        f"{footer} The launch is the day on which its milestone was seen to be done.",
    )


def _digest(facts: Sequence[tuple[str, Cell]]) -> str:
    text = json.dumps(facts, default=str, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
