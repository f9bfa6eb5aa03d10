"""The CRM write that a finished plan needs, if any: the native roll-up, compared with what the CRM confirmed last.

Called by `sync.engine` after a plan was applied, and by whoever compares or previews roll-ups. Pure. What the values
are is `sync.core.rollup`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Fields, Kind, Upsert, Value
from mappings.hours import Terms
from mappings.translate import to_native
from sync.core.allotment import balance
from sync.core.dossier import Logged
from sync.core.hours import Facts, ledger
from sync.core.model import ONBOARDING_ITEM, PLAN_ITEM, Onboarding
from sync.core.planned import Context, Plan, Step
from sync.core.rollup import roll_up


def roll_up_step(
    done: Plan, onboarding: Onboarding, context: Context, logged: Sequence[Logged]
) -> tuple[Step | None, Fields]:
    """Return the CRM write that a finished plan needs, if any, and the native roll-up values.

    `onboarding` is as remembered after the plan was applied: its bindings tell the links, its `rollup` what the CRM
    confirmed last, and `logged` are its time entries. Single writer: a value that somebody else changed in the CRM is
    put back by `verify --repair` only.
    """
    tasks = {item: fields for item, fields in done.base.items() if item != PLAN_ITEM}
    plan = done.base.get(PLAN_ITEM, {})
    terms = Terms.of(plan, done.deal)
    facts = {item: Facts.of(item, fields) for item, fields in tasks.items()} if logged else {}
    book = ledger(logged, rules=context.mappings.hours, terms=terms, tasks=facts, today=context.today, key=done.key)
    values = roll_up(
        key=done.key,
        title=done.title,
        plan=plan,
        tasks=tasks,
        counted_seconds=book.counted,
        balance=balance(book, terms, context.today),
        contracted_hours=terms.total,
        today=context.today,
    )
    links = _links(onboarding, context)
    mapping = context.mappings.onboarding
    fields = context.view(context.crm, mapping.kind, to_native(mapping, context.crm, {**values, **links}))
    if fields == onboarding.rollup or not tasks:
        return None, onboarding.rollup
    write = Upsert(done.key, Kind.ONBOARDING, fields)
    changed = [name for name, value in fields.items() if onboarding.rollup.get(name) != value]
    return Step(done.key, ONBOARDING_ITEM, context.crm, write, "roll-up of " + ", ".join(changed)), fields


def _links(onboarding: Onboarding, context: Context) -> dict[str, Value]:
    """Return ids and addresses of the plan at each connection, as canonical `<connection>_plan_id` and `_plan_url`."""
    links: dict[str, Value] = {}
    names = (("plan_id", "plan_url"), ("sheet_id", "sheet_url"))
    for connection, (id_name, url_name) in zip(context.homes, names, strict=False):
        binding = onboarding.bound(connection).get(PLAN_ITEM)
        links[id_name] = binding.ref.id if binding else None
        links[url_name] = (binding.url or None) if binding else None
    return links
