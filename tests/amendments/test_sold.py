"""What counts as a change of a deal, and what only looks like one: a change seen by mistake would be a mass wrong write."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mappings.model import Deal, Line
from sync.core.sold import as_read, recalled, remembered, same

DAY = date(2026, 11, 2)


def line(product: str, quantity: float = 1, **fields: Any) -> Line:
    own = {"product": product, "code": product, "family": "F", "quantity": quantity, "price": 10.0}
    return Line(product, product, "F", float(quantity), 10.0, {**own, "service_date": DAY, **fields})


def deal(*lines: Line, **changes: Any) -> Deal:
    fields = {"name": "n", "account": "a", "owner": "o@us.com", "close_date": DAY, "amount": 5.0, "region": "EMEA"}
    fields |= {"contracted_hours": 40.0, **changes}
    amount = fields["amount"]
    return Deal("k", str(fields["name"]), str(fields["account"]), str(fields["owner"]), DAY, amount, fields, lines)


def kept(one: Deal) -> Deal:
    """Return a deal as it is known again."""
    found = recalled("k", remembered(one, contracted=99.0, rules="r"))
    assert found is not None
    return found


def moved(old: Deal, new: Deal, changed: frozenset[str] | None = frozenset()) -> bool:
    return not same(*as_read(new, kept(old), changed))


def test_a_deal_is_known_again_with_lines_dates_and_its_own_hours() -> None:
    one = deal(line("A", 2.5, description="x"), line("B"))
    assert kept(one) == one
    assert recalled("k", {"name": "n", "close_date": DAY}) is None


def test_what_is_empty_now_counts_as_not_read() -> None:
    old = deal(line("A"))
    for name in ("owner", "region", "amount", "contracted_hours", "account"):
        for nothing in (None, ""):
            assert not moved(old, deal(line("A"), **{name: nothing})), name
    nameless = replace(line("A"), product="", code="", fields={})
    assert not moved(old, deal(nameless))
    now, then = as_read(deal(line("A"), owner=""), kept(old))
    assert (now.owner, now.account) == (then.owner, then.account) == ("o@us.com", "a")


def test_what_was_empty_then_and_is_filled_now_is_a_change() -> None:
    assert moved(deal(region=""), deal())
    assert moved(deal(), deal(region="US"))
    assert moved(deal(line("A")), deal(line("A"), line("B")))
    assert moved(deal(line("A")), deal())


@given(st.permutations([("A", 1), ("A", 2), ("B", 1), ("C", 3.5)]))
def test_the_order_of_lines_says_nothing_and_is_kept(order: list[tuple[str, float]]) -> None:
    old = deal(line("A", 1), line("A", 2), line("B"), line("C", 3.5))
    new = deal(*(line(*each) for each in order))
    assert not moved(old, new)
    assert as_read(new, kept(old))[0].lines == old.lines
    more = deal(line("D"), *new.lines)
    assert [each.product for each in as_read(more, kept(old))[0].lines] == ["A", "A", "B", "C", "D"]


def test_another_notation_of_a_number_is_no_change() -> None:
    assert not moved(deal(line("A", 2)), replace(deal(line("A", 2)), lines=(replace(line("A"), quantity=2),)), None)
    assert not moved(deal(amount=5.0), deal(amount=5))
    assert not moved(deal(line("A", 0.1 + 0.2)), deal(line("A", 0.3)))


def test_an_edit_of_the_mapping_is_none_of_the_deal() -> None:
    old = deal(line("A", description="x"), region="EMEA")
    new = deal(line("A", description="y"), region="Europe")
    assert moved(old, new)
    assert not moved(old, new, frozenset({"deal.region", "lines.description"}))
    assert moved(old, new, frozenset({"deal.region"}))
    assert moved(old, deal(line("A", description="y"), region="Europe", amount=6.0), frozenset({"deal.region"}))
    fresh = replace(new, fields={**new.fields, "segment": "big"})
    assert not moved(new, fresh)
    assert not moved(fresh, new)
