"""Plans out of deals: picks the template and works out every task with its dates, owner and texts.

Called by `sync.engine`. Pure: the same template, deal, calendar and kickoff give the same plan, so a plan can be made
again to see what an amendment changes. Raises HeldBack for a deal that no template fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.base import Value
from mappings.calendar import BusinessCalendar
from mappings.conditions import Condition, NotEvaluated, Scope
from mappings.dating import AFTER, Anchor, Dates
from mappings.hours import Contract, Terms
from mappings.lines import suffixes
from mappings.model import Deal, HeldBack
from mappings.texts import NotFilled, Text
from mappings.translate import scope_of

NAME_LENGTH = 250
"""Both trackers end a name at 255 characters; the rest is left for what a connector adds."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task or milestone as it should be. Dates are targets, `owner` is an e-mail or "", hours are estimates."""

    key: str
    phase: str
    name: str
    description: str
    audience: str
    milestone: bool
    role: str
    owner: str
    start_target: date
    due_target: date
    estimated_hours: float
    depends_on: tuple[str, ...] = ()
    critical: bool = False
    billable: bool = True
    court: str = ""

    def canonical(self) -> dict[str, Value]:
        """Return the canonical task fields of a task that nobody has touched yet."""
        return {
            "name": self.name,
            "kind": "milestone" if self.milestone else "task",
            "status": "not_started",
            "phase": self.phase,
            "owner": self.owner or None,
            "start_target": self.start_target,
            "due_target": self.due_target,
            "estimated_hours": self.estimated_hours or None,
            "audience": self.audience,
            "description": self.description or None,
        }


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """A whole plan as it should be; `tasks` in order of phase, then of the template."""

    deal_key: str
    title: str
    template: str
    template_version: str
    kickoff: date
    target_launch: date
    tasks: tuple[TaskSpec, ...]
    contracted_hours: float | None = None
    """Those of the whole term; None where they are unknown, or without end."""
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class Substance:
    """What a plan consists of: the hours of each task by its key, and those of the whole contract."""

    hours: Mapping[str, float]
    contracted: float | None = None


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    """One task of a template. `hours` is a number or an expression over deal, lines and line."""

    key: str
    name: Text
    description: Text
    audience: str = "both"
    milestone: bool = False
    role: str = ""
    start: Anchor | None = None
    days: int = 1
    hours: float | Condition = 0.0
    depends_on: tuple[str, ...] = ()
    critical: bool = False
    billable: bool = True
    court: str = ""
    when: Condition | None = None

    @property
    def predecessors(self) -> tuple[str, ...]:
        """Keys of all tasks that must end before this one starts."""
        after = (self.start.task,) if self.start and self.start.to == AFTER else ()
        return tuple(dict.fromkeys((*self.depends_on, *after)))


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that come together: if `when` holds, once, or once for each line that meets `each`."""

    phase: str
    tasks: tuple[TaskTemplate, ...]
    when: Condition | None = None
    for_each: bool = False
    each: Condition | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """What plans are made from. `roles`: an e-mail, a `deal.<field>`, or "" for nobody yet; `source`: the text."""

    name: str
    version: str
    title: Text
    phases: tuple[str, ...]
    groups: tuple[Group, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    when: Condition | None = None
    priority: int = 0
    kickoff_after_close: int = 0
    launch_after_kickoff: int = 0
    contracted_hours: Condition | None = None
    contracted: Contract | None = None
    source: str = field(default="", repr=False, compare=False)


def choose(templates: Sequence[Template], deal: Deal) -> Template:
    """Return the fitting template of highest priority, the first of equals; raises HeldBack when none fits."""
    scope = Scope.of(scope_of(deal))
    fitting = [t for t in templates if _holds(t.when, scope, t.name)]
    if not fitting:
        tried = ", ".join(t.name for t in templates) or "none is configured"
        raise HeldBack(
            f"No template fits this deal (tried: {tried}): correct the deal's products, or widen a template's `when`.",
            code="PLAN-TEMPLATE-01",
        )
    return max(fitting, key=lambda t: t.priority)


def kickoff_of(template: Template, deal: Deal, calendar: BusinessCalendar) -> date:
    """Return the kickoff that the template proposes: so many business days after the deal closed."""
    return calendar.add(deal.close_date, template.kickoff_after_close)


def instantiate(
    template: Template,
    deal: Deal,
    calendar: BusinessCalendar,
    *,
    kickoff: date,
    people: Mapping[str, str] | None = None,
) -> PlanSpec:
    """Make the plan of a deal. `people` (e-mail by role, of the mapping's user map) wins over the template's roles.

    Raises HeldBack when the deal lacks a value that the template uses or its target launch cannot be meant.
    """
    kickoff = calendar.next_business_day(kickoff)
    launch = _launch(template, deal, calendar, kickoff)
    with _told_of(template):
        whole = _whole(deal, kickoff, launch)
        drafts = tuple(_drafts(template, whole, deal))
        terms = _terms(template, deal, whole.scope, kickoff)
        title = template.title.render(whole.names)
        dates = Dates(calendar, kickoff, launch, drafts)
        roles = {**template.roles, **(people or {})}
        tasks = tuple(_task(draft, dates, roles, deal) for draft in _in_order(template, drafts))
    identity = (deal.key, title[:NAME_LENGTH], template.name, template.version)
    return PlanSpec(*identity, kickoff, launch, tasks, terms.total, terms)


def substance(template: Template, deal: Deal, calendar: BusinessCalendar, *, kickoff: date) -> Substance:
    """Return what the plan of a deal would consist of, without dating it or writing it out; raises HeldBack."""
    kickoff = calendar.next_business_day(kickoff)
    launch = _launch(template, deal, calendar, kickoff)
    with _told_of(template):
        whole = _whole(deal, kickoff, launch)
        hours = {draft.key: draft.hours for draft in _drafts(template, whole, deal)}
        return Substance(hours, _terms(template, deal, whole.scope, kickoff).total)


@contextmanager
def _told_of(template: Template) -> Iterator[None]:
    try:
        yield
    except (NotEvaluated, NotFilled) as error:
        raise HeldBack(f"Template {template.name}: {error}", code="PLAN-VALUE-01") from None


def _whole(deal: Deal, kickoff: date, launch: date) -> _Origin:
    names = scope_of(deal) | {"kickoff": kickoff.isoformat(), "launch": launch.isoformat()}
    return _Origin(names, Scope.of(names))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task that will be in the plan, before dating. `depends_on` are keys of other drafts."""

    key: str
    phase: str
    task: TaskTemplate
    names: Mapping[str, Any]
    hours: float
    depends_on: tuple[str, ...]
    anchored_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a task is made from: the whole deal, or one of its lines."""

    names: Mapping[str, Any]
    scope: Scope
    suffix: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class _Instance:
    """A template's task that this deal needs, made once or for one line."""

    key: str
    phase: str
    task: TaskTemplate
    origin: _Origin


def _launch(template: Template, deal: Deal, calendar: BusinessCalendar, kickoff: date) -> date:
    sold = deal.fields.get("target_launch")
    if not isinstance(sold, date):
        return calendar.add(kickoff, template.launch_after_kickoff)
    if sold < kickoff:
        raise HeldBack(
            f"The target launch {sold} is before the kickoff {kickoff}: agree on a new target launch and enter it on "
            "the deal.",
            code="PLAN-LAUNCH-01",
        )
    return calendar.previous_business_day(sold)


def _terms(template: Template, deal: Deal, scope: Scope, kickoff: date) -> Terms:
    if template.contracted:
        return template.contracted.terms(deal.fields, scope, close=deal.close_date, kickoff=kickoff)
    if template.contracted_hours:
        return Contract(template.contracted_hours).terms(deal.fields, scope, close=deal.close_date, kickoff=kickoff)
    sold = deal.fields.get("contracted_hours")
    return Terms(float(sold) if isinstance(sold, int | float) else None)


def _drafts(template: Template, whole: _Origin, deal: Deal) -> Iterator[_Draft]:
    each = tuple(_line_origins(whole.names, deal)) if any(group.for_each for group in template.groups) else ()
    instances = [i for group in template.groups for i in _instances(group, whole, each)]
    present: dict[str, list[_Instance]] = {}
    for instance in instances:
        present.setdefault(instance.task.key, []).append(instance)
    chain = {task.key: task.predecessors for group in template.groups for task in group.tasks}
    for instance in instances:
        task = instance.task
        after = (task.start.task,) if task.start and task.start.to == AFTER else ()
        yield _Draft(
            key=instance.key,
            phase=instance.phase,
            task=task,
            names=instance.origin.names,
            hours=_hours(task, instance.origin.scope),
            depends_on=_resolve(task.predecessors, instance, present, chain),
            anchored_to=_resolve(after, instance, present, chain),
        )


def _line_origins(names: Mapping[str, Any], deal: Deal) -> Iterator[_Origin]:
    """Give every line the suffix for its tasks' keys."""
    for number, (line, suffix) in enumerate(zip(names["lines"], suffixes(deal), strict=True)):
        own = {**names, "line": line}
        yield _Origin(own, Scope.of(own), suffix, number)


def _instances(group: Group, whole: _Origin, each: Sequence[_Origin]) -> Iterator[_Instance]:
    if not _holds(group.when, whole.scope, "group"):
        return
    for origin in each if group.for_each else (whole,):
        if _holds(group.each, origin.scope, "group"):
            for task in group.tasks:
                if _holds(task.when, origin.scope, task.key):
                    yield _Instance(task.key + origin.suffix, group.phase, task, origin)


def _hours(task: TaskTemplate, scope: Scope) -> float:
    if not isinstance(task.hours, Condition):
        return task.hours
    hours = task.hours.number(scope)
    if hours < 0:
        raise NotEvaluated(f"`{task.hours.text}` gives {hours:g} hours for {task.key}: correct the deal's quantities")
    return round(hours, 2)


def _resolve(
    wanted: Sequence[str],
    instance: _Instance,
    present: Mapping[str, Sequence[_Instance]],
    chain: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Name the plan's own tasks for a template's dependencies.

    A task that this deal does not need hands on what it depended on itself. Between tasks made for each line the same
    line is meant; from outside, all lines are.
    """
    found: dict[str, None] = {}
    for key in wanted:
        made = present.get(key, ())
        line = instance.origin.line
        same = [other for other in made if line is not None and other.origin.line == line]
        for other in same or made:
            found[other.key] = None
        if not made:
            found.update(dict.fromkeys(_resolve(chain[key], instance, present, chain)))
    return tuple(found)


def _in_order(template: Template, drafts: Sequence[_Draft]) -> list[_Draft]:
    return sorted(drafts, key=lambda draft: template.phases.index(draft.phase))


def _task(draft: _Draft, dates: Dates, roles: Mapping[str, str], deal: Deal) -> TaskSpec:
    task = draft.task
    start, due = dates.of(draft.key)
    return TaskSpec(
        key=draft.key,
        phase=draft.phase,
        name=" ".join(task.name.render(draft.names).split())[:NAME_LENGTH],
        description=task.description.render(draft.names).strip(),
        audience=task.audience,
        milestone=task.milestone,
        role=task.role,
        owner=_person(roles.get(task.role, ""), deal),
        start_target=start,
        due_target=due,
        estimated_hours=draft.hours,
        depends_on=draft.depends_on,
        critical=task.critical,
        billable=task.billable,
        court=task.court,
    )


def _person(who: str, deal: Deal) -> str:
    if not who.startswith("deal."):
        return who.lower()
    value = scope_of(deal)["deal"].get(who.removeprefix("deal."), "")
    return str(value).lower() if "@" in str(value) else ""


def _holds(condition: Condition | None, scope: Scope, where: str) -> bool:
    try:
        return condition is None or condition.test(scope)
    except NotEvaluated as error:
        raise HeldBack(f"Template, {where}: {error}", code="PLAN-CONDITION-01") from None
