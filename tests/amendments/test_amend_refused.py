"""An amendment that a vendor refuses is held, and the deal stays remembered as it was until the vendor takes it."""

from __future__ import annotations

from amend_life import Sold


def test_a_refused_amendment_is_not_forgotten(quick: Sold) -> None:
    book = quick.stage.simulator.world.faults
    refusal = {"status": 400, "body": {"errorMessages": [], "errors": {"summary": "Not now."}}}
    book.add("status", vendor="jira", endpoint="PUT *", times=None, args=refusal)
    deal, name = quick.known.deal, quick.task("call")["name"]
    merged = quick.crm("create_record", object="Account", fields={"Name": "Acme Group"})["id"]
    quick.edit(AccountId=merged)
    assert quick.task("call")["name"] == name
    assert quick.known.deal == deal
    assert {(held.item, held.connection) for held in quick.known.held} >= {("call", "tracker")}
    book.clear()
    quick.stage.plant.store.forgive([quick.key], 0)
    quick.rest()
    assert quick.task("call")["name"] == "Call Acme Group"
    assert quick.known.deal["account"] == "Acme Group"
    quick.check()
