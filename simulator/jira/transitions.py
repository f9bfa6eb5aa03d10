"""Reads a transition request: whether this arrow is open to the issue now, and whether the body fills its screen.

Called by the handlers of issues and by `bulk`. It changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.jira.calls import Problem
from simulator.jira.issues import Issue
from simulator.jira.schema import DONE, Transition
from simulator.jira.values import Bad, Reading, choose_resolution, read_values

if TYPE_CHECKING:
    from simulator.jira.site import Site


def read_transition(site: Site, version: str, issue: Issue, body: dict[str, Any]) -> tuple[Transition, dict[str, Any]]:
    """Return the arrow and the values its screen sets; raises Problem 400."""
    wanted = body.get("transition")
    if not isinstance(wanted, dict) or wanted.get("id") in {None, ""}:
        raise Problem(400, "Missing 'transition' identifier")
    wanted_id = str(wanted["id"])
    if not wanted_id.isdecimal():
        raise Problem(400, f"'{wanted_id}' is not a valid transition ID")
    arrow = next((arrow for arrow in site.open_transitions(issue) if arrow.id == wanted_id), None)
    if arrow is None:
        raise Problem(
            400,
            "It seems that you have tried to perform an illegal workflow operation. "
            f"Transition id '{wanted_id}' is not valid for this issue.",
        )
    errors: dict[str, str] = {}
    fields = dict(body.get("fields") or {})
    values: dict[str, Any] = {}
    if site.has_screen(arrow):
        values = _resolution(site, fields.pop("resolution", None), errors)
    reading = Reading(site, version, issue, issue.type, issue.project)
    values.update(read_values(reading, fields, body.get("update"), errors))
    if errors:
        raise Problem(400, errors=errors)
    return arrow, values


def _resolution(site: Site, raw: Any, errors: dict[str, str]) -> dict[str, Any]:
    if raw is None:
        errors["resolution"] = "Resolution is required."
        return {}
    try:
        return {"resolution": choose_resolution(site, raw)}
    except Bad as problem:
        errors["resolution"] = str(problem.args[0])
        return {}


def leads_to_done(site: Site, arrow: Transition) -> bool:
    """Tell whether an arrow ends in a done status."""
    return site.schema.statuses[arrow.target].category.key == DONE


def path_to(issue: Issue, target: str) -> list[Transition]:
    """Return the shortest walk from the issue's status to a status id; raises Problem 400 when there is none."""
    paths: list[tuple[str, list[Transition]]] = [(issue.status.id, [])]
    seen = {issue.status.id}
    for here, walked in paths:
        if here == target:
            return walked
        for arrow in issue.type.workflow.transitions:
            if arrow.source == here and arrow.target not in seen:
                seen.add(arrow.target)
                paths.append((arrow.target, [*walked, arrow]))
    raise Problem(400, "It seems that you have tried to perform an illegal workflow operation.")
