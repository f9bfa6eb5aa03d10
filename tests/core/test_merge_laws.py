"""The laws of the merge, on random tasks, under every authority: laws 1 to 5 of ARCHITECTURE.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Fields, Kind
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from mappings.model import LEDGER, ObjectMapping
from mappings.translate import to_canonical, to_native
from sync.core.merge import Merge, merge

MAPPINGS = load_mappings(DEFAULT_MAPPINGS)
TASK = MAPPINGS.task
SIDES = ("tracker", "sheets")
SHARED = ("name", "status", "owner", "start_target", "due_target", "estimated_hours")
"""Fields that people may change on either side."""

POLICIES = {
    "tracker first": ("tracker", "sheets"),
    "sheets first": ("sheets", "tracker"),
}

names = st.text(alphabet="abcdefgh ÄØ", min_size=1, max_size=30).map(str.strip).filter(bool)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": names,
    "status": st.sampled_from(["not_started", "in_progress", "blocked", "done"]),
    "owner": st.sampled_from([None, "ada@example.com", "ben@example.com", "cleo@example.com"]),
    "start_target": st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    "due_target": st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    "estimated_hours": st.integers(0, 400).map(lambda quarter: quarter / 4),
}
tasks = st.fixed_dictionaries(VALUES)


def under(policy: str) -> ObjectMapping:
    rules = tuple(replace(rule, authority=POLICIES[policy]) if rule.name in SHARED else rule for rule in TASK.rules)
    return ObjectMapping(Kind.TASK, rules)


def whole(values: Fields) -> dict[str, Any]:
    return (
        {rule.name: None for rule in TASK.rules}
        | {"audience": "both", "phase": "Kickoff", "kind": "task"}
        | dict(values)
    )


def as_shown(values: Fields, side: str) -> dict[str, Any]:
    return to_native(TASK, side, whole(values))


def run(base: Fields, tracker: Fields, sheets: Fields, policy: str = "tracker first") -> Merge:
    replicas = {"tracker": tracker, "sheets": sheets, LEDGER: {"tracked_seconds": 0}}
    return merge(under(policy), {**whole(base), "tracked_hours": 0}, replicas, view=lambda _c, _k, fields: fields)


def after(replica: Fields, merged: Merge, side: str) -> dict[str, Any]:
    return {**replica, **merged.writes.get(side, {})}


@pytest.mark.parametrize("policy", POLICIES)
@given(base=tasks)
def test_law_1_agreement_writes_nothing(policy: str, base: Fields) -> None:
    merged = run(base, as_shown(base, "tracker"), {**as_shown(base, "sheets"), "Tracked hours": 0}, policy)
    assert merged.writes == {}
    assert merged.changes == ()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("side", SIDES)
@given(base=tasks, data=st.data())
def test_law_2_a_change_on_one_side_flows_and_never_conflicts(
    policy: str, side: str, base: Fields, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(SHARED))
    changed = {**base, field: data.draw(VALUES[field])}
    replicas = {name: as_shown(changed if name == side else base, name) for name in SIDES}
    merged = run(base, replicas["tracker"], replicas["sheets"], policy)
    assert merged.conflicts == ()
    assert merged.values[field] == changed[field]
    for name in SIDES:
        canonical, _ = to_canonical(TASK, name, after(replicas[name], merged, name), whole(merged.values))
        assert canonical[field] == changed[field]


@pytest.mark.parametrize("policy", POLICIES)
@given(base=tasks, both=tasks)
def test_law_3_the_same_change_on_both_sides_is_agreement(policy: str, base: Fields, both: Fields) -> None:
    merged = run(base, as_shown(both, "tracker"), {**as_shown(both, "sheets"), "Tracked hours": 0}, policy)
    assert merged.writes == {}
    assert merged.conflicts == ()
    assert {name: merged.values[name] for name in SHARED} == dict(both)


@pytest.mark.parametrize("policy", POLICIES)
@given(base=tasks, tracker=tasks, sheets=tasks)
def test_law_4_no_value_is_invented(policy: str, base: Fields, tracker: Fields, sheets: Fields) -> None:
    merged = run(base, as_shown(tracker, "tracker"), as_shown(sheets, "sheets"), policy)
    for field in SHARED:
        assert merged.values[field] in (base[field], tracker[field], sheets[field])


@pytest.mark.parametrize("policy", POLICIES)
@given(base=tasks, tracker=tasks, sheets=tasks)
def test_law_5_a_conflict_is_two_different_changes_and_the_loser_is_kept(
    policy: str, base: Fields, tracker: Fields, sheets: Fields
) -> None:
    merged = run(base, as_shown(tracker, "tracker"), as_shown(sheets, "sheets"), policy)
    truly = {
        field
        for field in SHARED
        if tracker[field] != base[field] and sheets[field] != base[field] and tracker[field] != sheets[field]
    }
    between_sides = {c.field: c for c in merged.conflicts if {c.winner} != {side for side, _ in c.lost}}
    assert set(between_sides) == truly
    for field, conflict in between_sides.items():
        values = {"tracker": tracker[field], "sheets": sheets[field]}
        winner = POLICIES[policy][0]
        assert conflict.kept == values[winner] == merged.values[field]
        assert values[POLICIES[policy][1]] in [value for _, value in conflict.lost]


@pytest.mark.parametrize("policy", POLICIES)
@given(base=tasks, tracker=tasks, sheets=tasks)
def test_one_merge_is_enough(policy: str, base: Fields, tracker: Fields, sheets: Fields) -> None:
    replicas = {"tracker": as_shown(tracker, "tracker"), "sheets": as_shown(sheets, "sheets")}
    first = run(base, replicas["tracker"], replicas["sheets"], policy)
    second = run(
        first.values, after(replicas["tracker"], first, "tracker"), after(replicas["sheets"], first, "sheets"), policy
    )
    assert second.writes == {}
    assert second.changes == ()


def test_a_status_that_no_rule_translates_is_held_and_left_alone() -> None:
    base = {"name": "Kick-off", "status": "not_started"}
    tracker = {**as_shown(base, "tracker"), "status": "Waiting for legal"}
    merged = run(base, tracker, {**as_shown(base, "sheets"), "Status": "Blocked"})
    assert [held.native_field for held in merged.held] == ["status"]
    assert "status" not in merged.writes.get("tracker", {})
    assert merged.values["status"] == "blocked"


def test_a_ticked_box_makes_the_task_done_everywhere() -> None:
    base = {"name": "Kick-off", "status": "blocked"}
    merged = run(base, as_shown(base, "tracker"), {**as_shown(base, "sheets"), "Done": True})
    assert merged.values["status"] == "done"
    assert merged.writes["tracker"] == {"status": "Done"}
    assert merged.writes["sheets"]["Status"] == "Done"
