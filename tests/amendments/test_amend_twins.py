"""Deals that were copied or split: of neither is a second plan made until a person says that it is one of its own."""

from __future__ import annotations

from typing import Any

import pytest
from amend_life import LINES, OWNER, Sold

from sync.core.model import Priority
from sync.core.planned import Decision
from sync.engine.sources import decide

CLONE = {"name": "First", "account": "Acme", "hours": 40, "owner": OWNER, "lines": LINES}


def codes(sold: Sold, key: str) -> list[str]:
    return [held.code for held in sold.stage.plant.store.load([key])[key].held]


def settle(sold: Sold, key: str, **decision: Any) -> None:
    store = sold.stage.plant.store
    decide(store, key, Decision("mona", "asked sales", **decision))
    store.request([key], Priority.LIVE)
    sold.stage.plant.engine.drain()


@pytest.mark.parametrize("name", ["First", "FIRST (copy)", "Copy of First", "First - Clone"])
def test_a_cloned_deal_gets_no_second_plan(quick: Sold, name: str) -> None:
    clone = quick.stage.win(**{**CLONE, "name": name})
    quick.rest()
    assert codes(quick, clone) == ["CLONE-01"]
    assert quick.plans() == (1, 1)


@pytest.mark.parametrize("decided", [None, False], ids=["waiting", "rejected"])
@pytest.mark.parametrize("together", [True, False], ids=["one look", "a later look"])
def test_a_clone_of_a_deal_whose_change_is_not_in_its_plan_gets_no_second_plan(
    quick: Sold, decided: bool | None, together: bool
) -> None:
    more = {"product": "ERP link", "family": "Integration", "quantity": 1, "price": 500}
    quick.add_line()
    if not together or decided is not None:
        quick.rest()
        assert quick.codes() == ["AMEND-01"]
    if decided is not None:
        quick.decide(apply=decided)
        assert quick.codes() == []
    clone = quick.stage.win(**{**CLONE, "lines": [*LINES, more]})
    quick.rest()
    assert codes(quick, clone) == ["CLONE-01"]
    assert quick.plans() == (1, 1)


def test_a_clone_gets_its_plan_once_a_person_says_that_it_is_one_of_its_own(sold: Sold) -> None:
    clone = sold.stage.win(**CLONE)
    sold.rest()
    assert codes(sold, clone) == ["CLONE-01"]
    settle(sold, clone, own=True)
    assert codes(sold, clone) == []
    assert sold.plans() == (2, 2)
    assert sold.stage.plant.store.kept("amendment") == ()
    sold.rest()
    assert sold.stage.prove().sound


def test_a_clone_that_belongs_to_the_other_deal_stays_without_a_plan_and_without_a_word(quick: Sold) -> None:
    clone = quick.stage.win(**CLONE)
    quick.rest()
    settle(quick, clone, belongs=True)
    with quick.stage.simulator.world.lock:
        quick.stage.simulator.salesforce.act("edit_deal", {"id": clone, "fields": {"Amount": None}})
    quick.rest()
    assert codes(quick, clone) == []
    assert quick.plans() == (1, 1)


def test_what_is_taken_off_one_deal_and_sold_by_another_is_a_split(quick: Sold) -> None:
    line = quick.add_line()
    quick.rest()
    quick.decide()
    quick.crm("remove_line", id=line)
    sold = [{"product": "ERP link", "family": "Integration", "quantity": 1, "price": 500}]
    part = quick.stage.win(name="Second phase", account="ACME ", owner=OWNER, lines=sold)
    quick.rest()
    assert codes(quick, part) == ["SPLIT-01"]
    assert quick.codes() == ["AMEND-01"]
    assert quick.plans() == (1, 1)


def test_another_deal_of_the_account_is_planned_as_ever(quick: Sold) -> None:
    more = quick.stage.win(**{**CLONE, "name": "Renewal 2027"})
    other = quick.stage.win(**{**CLONE, "lines": [{**LINES[0], "quantity": 3}]})
    quick.rest()
    assert (codes(quick, more), codes(quick, other)) == ([], [])
    assert quick.plans() == (3, 3)


def test_of_copies_that_come_at_one_look_the_first_gets_its_plan_and_the_others_wait(quick: Sold) -> None:
    copies = [
        quick.stage.win(**{**CLONE, "name": name, "account": "Circ"}, close_date=day)
        for name, day in (("First (copy)", "2026-10-21"), ("First", "2026-10-20"), ("FIRST", "2026-10-21"))
    ]
    other = quick.stage.win(**{**CLONE, "name": "Renewal", "account": "Circ"})
    bare = [quick.stage.win(name="Bare", account="Circ", owner=OWNER) for _ in range(2)]
    told = {each.key: [held.code for held in each.quarantine] for each in quick.stage.plant.engine.preview(copies)}
    assert [told[key] for key in copies] == [["CLONE-01"], [], ["CLONE-01"]]
    quick.rest()
    assert {key: codes(quick, key) for key in copies} == told
    assert [codes(quick, key) for key in (other, *bare)] == [[], [], []]
    assert quick.plans() == (5, 5)
    settle(quick, copies[2], own=True)
    assert (codes(quick, copies[2]), quick.plans()) == ([], (6, 6))
