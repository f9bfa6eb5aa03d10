"""What an onboarding's plan says before anybody is asked: as remembered or, for a new one, as its template makes it.

Called by `sync.core.plan` and by whoever asks what a deal would be planned as. Pure. It never looks at what vendors
show.
"""

from __future__ import annotations

from connectors.base import Fields, Value
from mappings.model import Deal, MappingSet, ObjectMapping
from mappings.templates import PlanSpec, TaskSpec, choose, instantiate, kickoff_of
from sync.core.model import PLAN_ITEM
from sync.core.planned import Context, Plan, Snapshot
from sync.core.sold import remembered


def draft(snapshot: Snapshot, context: Context) -> Plan:
    """Return the onboarding as remembered or, for a new one, as its template makes it."""
    known = snapshot.onboarding
    if known.base or snapshot.deal is None:
        title = str(known.base.get(PLAN_ITEM, {}).get("title") or known.key)
        return Plan(known.key, title, known.template, known.template_version, known.deal, base=known.base)
    deal = snapshot.deal
    spec = new_plan(deal, context)
    fields = remembered(deal, contracted=spec.contracted_hours, rules=context.mappings.read_digest)
    return Plan(
        deal.key, spec.title, spec.template, spec.template_version, fields, base=values_of(spec, deal, context.mappings)
    )


def new_plan(deal: Deal, context: Context) -> PlanSpec:
    """Make a new plan's specification; raises HeldBack when no template fits or a value for it is missing."""
    mappings = context.mappings
    template = choose(context.templates, deal)
    kickoff = kickoff_of(template, deal, mappings.calendar)
    return instantiate(template, deal, mappings.calendar, kickoff=kickoff, people=mappings.users.roles)


def values_of(spec: PlanSpec, deal: Deal, mappings: MappingSet) -> dict[str, Fields]:
    """Return a specification as canonical values by item, as a new plan's base has them."""
    items: dict[str, Fields] = {PLAN_ITEM: plan_values(spec, deal)}
    return items | {task.key: task_values(task, mappings.task) for task in spec.tasks}


def plan_values(spec: PlanSpec, deal: Deal) -> dict[str, Value]:
    """Return what is remembered of the plan itself: canonical values that belong to no task."""
    return {
        "title": spec.title,
        "account": deal.account,
        "kickoff": spec.kickoff,
        "target_launch": spec.target_launch,
        "contracted_hours": spec.contracted_hours,
        "launch_item": _launch_item(spec),
        **spec.terms.values(),
    }


def _launch_item(spec: PlanSpec) -> str:
    """Return the milestone that is the launch: of those due by the target launch the last critical one, else the last.

    Where a launch comes early, milestones of the paperwork after it may be due by the target too. "" where none is.
    """
    before = [task for task in spec.tasks if task.milestone and task.due_target <= spec.target_launch]
    before = [task for task in before if task.critical] or before
    return max(before, key=lambda task: task.due_target).key if before else ""


def task_values(task: TaskSpec, mapping: ObjectMapping) -> dict[str, Value]:
    """Return a new task's canonical values: those which the mapping knows, and those which only we remember."""
    own: dict[str, Value] = {
        "tracked_hours": 0,
        "milestone": task.milestone,
        "critical": task.critical,
        "role": task.role or None,
        "billable": task.billable,
        "court": task.court or None,
        "depends_on": task.depends_on,
        "start_baseline": task.start_target,
        "due_baseline": task.due_target,
    }
    return {**{rule.name: None for rule in mapping.rules}, **task.canonical(), **own}
