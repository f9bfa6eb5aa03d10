"""What a changed specification changes in a plan that people have worked on."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Fields
from mappings.model import Deal, Line
from sync.core.amend import Diff, Matter, PartKind, compare, deal_changes, fold

MON, TUE, WED = date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)


def task(due: date = MON, **changes: Any) -> Fields:
    given = {"name": "Call", "status": "not_started", "due_target": due, "due_baseline": due, "owner": "a@us.com"}
    return {**given, "tracked_hours": 0, **changes}


def told(diff: Diff) -> list[tuple[str, str, str, Any]]:
    return [(part.kind, part.item, part.field, part.new) for part in diff.parts]


def test_what_nobody_touched_changes_and_what_people_changed_stays_theirs() -> None:
    before = {"a": task(), "b": task(), "c": task(owner="a@us.com")}
    after = {"a": task(TUE), "b": task(TUE), "c": task(owner="b@us.com")}
    base = {"a": task(), "b": task(due_target=WED), "c": task(owner="b@us.com", status="done")}
    diff = compare(before, after, base)
    assert told(diff) == [
        (PartKind.CHANGE, "a", "due_target", TUE),
        (PartKind.CHANGE, "a", "due_baseline", TUE),
        (PartKind.KEEP, "b", "due_target", TUE),
    ]
    assert diff.parts[2].why == "people changed it to 2026-11-04"
    assert {part.matter for part in diff.parts} == {Matter.DATES}
    assert fold(base, diff, lambda _: True) == {"a": {"due_target": TUE, "due_baseline": TUE}}


def test_a_sold_line_adds_its_tasks_once_and_a_lost_one_cancels_only_what_was_not_begun() -> None:
    before = {"old": task(), "begun": task(), "logged": task(), "closed": task(), "gone": task()}
    after = {"new": task(name="Build"), "there": task()}
    base = {
        "old": task(),
        "begun": task(status="in_progress"),
        "logged": task(tracked_hours=2),
        "closed": task(status="done"),
        "there": task(),
    }
    diff = compare(before, after, base)
    assert told(diff) == [
        (PartKind.DROP, "old", "", None),
        (PartKind.KEEP, "begun", "", None),
        (PartKind.KEEP, "logged", "", None),
        (PartKind.ADD, "new", "", None),
    ]
    assert fold(base, diff, lambda _: True) == {"old": {"status": "cancelled"}, "new": dict(task(name="Build"))}
    assert fold(base, diff, lambda part: part.kind is PartKind.DROP) == {"old": {"status": "cancelled"}}


def test_a_diff_is_known_again_by_its_changes_alone() -> None:
    before, after = {"a": task(), "b": task()}, {"a": task(TUE), "b": task(TUE)}
    first = compare(before, after, {"a": task(), "b": task(due_target=WED)})
    same = compare(before, after, {"a": task(), "b": task(due_target=TUE)})
    other = compare(before, after, {"a": task(), "b": task()})
    assert first.digest == same.digest != other.digest


def test_the_deals_changes_are_told_in_words() -> None:
    def deal(sold_lines: dict[str, float], **fields: Any) -> Deal:
        sold = tuple(Line(product, "", "", quantity, 0.0) for product, quantity in sold_lines.items())
        return Deal("k", "n", "a", "o", MON, None, fields, sold)

    old = deal({"SSO": 1, "Training": 2, "API": 1}, stage="Won", amount=10, lines=("x",))
    new = deal({"Training": 3, "API": 1, "Portal": 1}, stage="Won", amount=20, owner="b", lines=("y",))
    assert deal_changes(old, new) == (
        "amount: 10 → 20",
        "owner: nothing → b",
        "line removed: SSO",
        "line changed: Training, 2 → 3",
        "line added: Portal, 1",
    )
    assert deal_changes(old, old) == ()


VALUES = st.sampled_from([None, "x", "y", 1])
ITEM = st.fixed_dictionaries(
    {"owner": VALUES, "due_target": VALUES, "status": st.sampled_from(["not_started", "done"])}
)
PLANS = st.dictionaries(st.sampled_from("abcd"), ITEM)


@given(PLANS, PLANS, PLANS)
def test_nothing_is_invented_nothing_is_deleted_and_a_folded_diff_comes_back_empty(
    before: dict[str, Fields], after: dict[str, Fields], base: dict[str, Fields]
) -> None:
    diff = compare(before, after, base)
    given = fold(base, diff, lambda _: True)
    for item, values in given.items():
        for name, value in values.items():
            assert value == after.get(item, {}).get(name) or (name, value) == ("status", "cancelled")
    done = {item: {**base.get(item, {}), **given.get(item, {})} for item in (*base, *given)}
    assert done.keys() >= base.keys()
    assert compare(before, after, done).changes == ()
    assert compare(before, before, base).parts == ()
