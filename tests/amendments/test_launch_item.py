"""The milestone that counts as a plan's launch."""

from __future__ import annotations

from datetime import date

from mappings.calendar import BusinessCalendar
from mappings.load import DEFAULT_MAPPINGS, DEFAULT_TEMPLATES, load_mappings, load_templates
from mappings.model import Deal, Line
from mappings.templates import choose, instantiate
from mappings.translate import WORDS
from sync.core.draft import plan_values

DAY = date(2026, 11, 2)


def test_the_launch_of_an_order_of_one_circuit_is_its_service_and_not_its_last_invoice() -> None:
    mappings = load_mappings(DEFAULT_MAPPINGS)
    fields = {rule.name: "" if rule.type in WORDS else None for rule in mappings.deal.rules}
    line = {rule.name: "" if rule.type in WORDS else None for rule in mappings.lines.rules}
    deal = Deal("k", "Circ", "B", "a@us.com", DAY, None, fields, (Line("Fiber", "F", "Circuit", 1.0, 100.0, line),))
    template = choose(load_templates(DEFAULT_TEMPLATES, mappings), deal)
    spec = instantiate(template, deal, BusinessCalendar(), kickoff=DAY)
    last = max((task for task in spec.tasks if task.milestone), key=lambda task: task.due_target)
    assert plan_values(spec, deal)["launch_item"] != last.key
    assert str(plan_values(spec, deal)["launch_item"]).startswith("in_service")
