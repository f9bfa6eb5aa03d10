"""The CRM write that a finished plan needs, if any: the native roll-up, compared with what the CRM confirmed last.

Called by `sync.engine` after a plan was applied and once a day, and by whoever compares or previews roll-ups. Pure.
What the values are is `sync.core.rollup`'s business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from connectors.base import Fields, Kind, Upsert, Value
from mappings.translate import to_native
from sync.core.dossier import Dossier, dossier
from sync.core.experience import Experience
from sync.core.judgement import Basis, Told, judge
from sync.core.model import ONBOARDING_ITEM, PLAN_ITEM, Onboarding, Quarantine
from sync.core.planned import Context, Plan, Step
from sync.core.rollup import roll_up


def roll_up_step(
    done: Plan,
    onboarding: Onboarding,
    context: Context,
    *,
    told: Told,
    experience: Experience,
    held: Sequence[Quarantine] = (),
) -> tuple[Step | None, Fields]:
    """Return the CRM write that a finished plan needs, if any, and the native roll-up values.

    `onboarding` is as remembered after the plan was applied: its bindings tell the links, its `rollup` what the CRM
    confirmed last. `held` is what is held back of it now. Single writer: a value that somebody else changed in the CRM
    is put back by `verify --repair` only.
    """
    known = _as_planned(done, onboarding, told, held)
    if not known.tasks:
        return None, onboarding.rollup
    basis = Basis.of(context, experience)
    values = {**roll_up(judge(known, basis, override=told.override)), **_links(onboarding, context)}
    mapping = context.mappings.onboarding
    fields = context.view(context.crm, mapping.kind, to_native(mapping, context.crm, values))
    if fields == onboarding.rollup:
        return None, onboarding.rollup
    write = Upsert(done.key, Kind.ONBOARDING, fields)
    changed = [name for name, value in fields.items() if onboarding.rollup.get(name) != value]
    return Step(done.key, ONBOARDING_ITEM, context.crm, write, "roll-up of " + ", ".join(changed)), fields


def _as_planned(done: Plan, onboarding: Onboarding, told: Told, held: Sequence[Quarantine]) -> Dossier:
    """Return the dossier that the onboarding has once its plan is applied; hours are those of the entries alone."""
    tracked: Counter[str] = Counter()
    for each in told.logged:
        tracked[each.item] += each.entry.seconds
    now = replace(
        onboarding,
        template=done.template,
        template_version=done.template_version,
        deal=done.deal,
        base=done.base,
        tracked=tracked,
        held=tuple(q for q in held if q.item != ONBOARDING_ITEM),
    )
    known = dossier(now, history=told.history, logged=told.logged)
    return known if known.plan.get("title") else replace(known, title=done.title)


def _links(onboarding: Onboarding, context: Context) -> dict[str, Value]:
    """Return ids and addresses of the plan at each connection, as canonical `<connection>_plan_id` and `_plan_url`."""
    links: dict[str, Value] = {}
    names = (("plan_id", "plan_url"), ("sheet_id", "sheet_url"))
    for connection, (id_name, url_name) in zip(context.homes, names, strict=False):
        binding = onboarding.bound(connection).get(PLAN_ITEM)
        links[id_name] = binding.ref.id if binding else None
        links[url_name] = (binding.url or None) if binding else None
    return links
