"""What an onboarding's plan says before anybody is asked: as remembered or, for a new one, as its template makes it.

Called by `sync.core.plan` and by whoever asks what a deal would be planned as. Pure. It never looks at what vendors
show.
"""

from __future__ import annotations

from connectors.base import Fields, Value
from mappings.model import Deal, ObjectMapping
from mappings.templates import PlanSpec, TaskSpec, choose, instantiate, kickoff_of
from sync.core.model import PLAN_ITEM
from sync.core.planned import Context, Plan, Snapshot


def draft(snapshot: Snapshot, context: Context) -> Plan:
    """Return the onboarding as remembered or, for a new one, as its template makes it."""
    known = snapshot.onboarding
    if known.base or snapshot.deal is None:
        title = str(known.base.get(PLAN_ITEM, {}).get("title") or known.key)
        return Plan(known.key, title, known.template, known.template_version, known.deal, known.base)
    deal = snapshot.deal
    spec = new_plan(deal, context)
    base: dict[str, Fields] = {PLAN_ITEM: plan_values(spec, deal)}
    base |= {task.key: task_values(task, context.mappings.task) for task in spec.tasks}
    fields = {**deal.fields, "contracted_hours": spec.contracted_hours}
    return Plan(deal.key, spec.title, spec.template, spec.template_version, fields, base)


def new_plan(deal: Deal, context: Context) -> PlanSpec:
    """Make a new plan's specification; raises HeldBack when no template fits or a value for it is missing."""
    mappings = context.mappings
    template = choose(context.templates, deal)
    kickoff = kickoff_of(template, deal, mappings.calendar)
    return instantiate(template, deal, mappings.calendar, kickoff=kickoff, people=mappings.users.roles)


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
    """Return the milestone that is the launch: the last one due by the target launch; "" where a plan has none."""
    before = [task for task in spec.tasks if task.milestone and task.due_target <= spec.target_launch]
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
