"""Lines of one product are told apart for good: a task belongs to its line, whatever becomes of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from amend_life import Sold
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.lines import suffixes
from mappings.model import Deal, Line
from sync.core.model import Commit, Priority
from sync.core.sold import as_read, recalled, remembered, seen, seen_since

DAY = date(2026, 11, 2)
FIELDS: dict[str, Any] = {"name": "n", "account": "a", "owner": "", "close_date": DAY, "amount": None}


def forget_places(sold: Sold) -> None:
    """Leave the deal as a version before this one remembered it."""
    store = sold.stage.plant.store
    old = {name: value for name, value in sold.known.deal.items() if name not in {"_places", "_taken"}}
    store.request([sold.key], Priority.RECONCILE)
    (claim,) = store.claim("somebody", limit=1, lease_seconds=60)
    store.commit([Commit(claim, deal=old)])


def test_a_line_keeps_its_task_when_another_of_its_product_goes_and_a_new_one_gets_a_new_number(quick: Sold) -> None:
    quick.add_line("CRM link")
    quick.rest()
    quick.decide()
    forget_places(quick)
    base = quick.known.base
    assert quick.look().writes == 0
    assert (quick.known.base, len(quick.known.deal["_places"] or ())) == (base, 2)  # type: ignore[arg-type]
    quick.jira("set_status", "build.crm_link-2", status="In Progress")
    quick.rest()
    quick.crm("remove_line", id=quick.lines()[0])
    quick.rest()
    assert quick.told() == [("drop", "build.crm_link", "")]
    quick.add_line("CRM link", 5)
    quick.rest()
    assert sorted(quick.told()) == [("add", "build.crm_link-3", ""), ("drop", "build.crm_link", "")]
    quick.decide()
    states = {item: quick.task(item)["status"] for item in ("build.crm_link", "build.crm_link-2", "build.crm_link-3")}
    assert [*states.values()] == ["cancelled", "in_progress", "not_started"]
    assert quick.task("build.crm_link-2")["name"] == "Build CRM link (2 of 3)"
    assert quick.task("build.crm_link-3")["estimated_hours"] == 20
    quick.check()


def line(product: str, quantity: int, number: int) -> Line:
    return Line(product, "", "F", float(quantity), 0.0, {}, id=f"L{number}")


edits = st.tuples(
    st.sampled_from(["add", "add", "remove", "edit", "turn round"]), st.integers(0, 9), st.booleans(), st.booleans()
)


@settings(max_examples=80, deadline=None)
@given(st.lists(edits, max_size=12))
def test_a_line_has_one_number_for_life_and_no_line_has_that_of_another_that_stands(
    script: list[tuple[str, int, bool, bool]],
) -> None:
    deal = Deal("k", "n", "a", "", DAY, None, FIELDS, (line("P", 1, 0), line("P", 2, 1), line("Q", 1, 2)))
    kept = remembered(deal, contracted=None, rules="")
    had = dict(zip(("L0", "L1", "L2"), suffixes(deal), strict=True))
    for number, (what, which, second, decided) in enumerate(script, start=3):
        lines = list(deal.lines)
        if what == "add":
            lines.append(line("P" if second else "Q", 100 + number, number))
        elif lines and what == "remove":
            lines.pop(which % len(lines))
        elif lines and what == "edit":
            lines[which % len(lines)] = replace(lines[which % len(lines)], quantity=float(number))
        deal = replace(deal, lines=tuple(reversed(lines) if what == "turn round" else lines))
        old = recalled("k", kept)
        assert old is not None
        now, then = as_read(deal, old, since=seen_since(kept, old))
        ends = dict(zip((one.id for one in now.lines), suffixes(now), strict=True))
        assert len(set(ends.values())) == len(ends)
        assert {id_: had[id_] for id_ in ends if id_ in had} == {id_: ends[id_] for id_ in ends if id_ in had}
        standing = {one.product for one in now.lines if one.id in had}
        new = {end for id_, end in ends.items() if id_ not in had and end[1:2].upper() in standing}
        assert not new & set(had.values())
        had |= ends
        kept = remembered(now, contracted=None, rules="") if decided else seen(kept, old, now)
        assert suffixes(then) == suffixes(old)
        again = recalled("k", kept)
        assert again is not None
        assert suffixes(as_read(deal, again, since=seen_since(kept, again))[0]) == suffixes(now)


def test_without_ids_of_the_crm_a_line_that_waits_keeps_its_number_from_look_to_look() -> None:
    old = Deal("k", "n", "a", "", DAY, None, FIELDS, (Line("P", "", "F", 1.0, 0.0, {}),))
    kept = remembered(old, contracted=None, rules="")
    for _ in range(3):
        then = recalled("k", kept)
        assert then is not None
        more = replace(old, lines=(Line("P", "", "F", 2.0, 0.0, {}), *old.lines))
        now, _ = as_read(more, then, since=seen_since(kept, then))
        assert suffixes(now) == (".p", ".p-2")
        kept = seen(kept, then, now)
