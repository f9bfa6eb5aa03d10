"""The two kinds of YAML file as pydantic models: what may stand where, before anything is linked together.

Used by `mappings.load` to check files and by `mappings.schema` to write the JSON Schemas that editors use. Nothing else
sees these models: the rest of the code gets the plain data of `mappings.model` and `mappings.templates`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from mappings.calendar import BusinessCalendar
from mappings.conditions import Condition
from mappings.practices import CourtName, CourtsDoc, HealthDoc
from mappings.scope import HandoffDoc, ScopeDoc
from mappings.strict import Strict
from mappings.texts import Text

Weekday: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Audience: TypeAlias = Literal["internal", "customer", "both"]
FieldType: TypeAlias = Literal["text", "number", "boolean", "date", "choice", "user", "list"]
TransformName: TypeAlias = Literal[
    "identity",
    "text",
    "number",
    "hours_from_seconds",
    "percent",
    "date",
    "boolean",
    "values",
    "checkbox",
    "user",
    "list",
    "constant",
    "cel",
]


def _several(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _named(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) else value


def _expression(text: str) -> str:
    Condition.compile(text)
    return text


def _text(source: str) -> str:
    Text.compile(source)
    return source


Expression: TypeAlias = Annotated[
    str, AfterValidator(_expression), Field(description="An expression in CEL over `deal` and `lines`.")
]
Words: TypeAlias = Annotated[str, AfterValidator(_text), Field(description="Text; {{ deal.account }} is filled in.")]
Key: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Names: TypeAlias = Annotated[
    list[str], BeforeValidator(_several, json_schema_input_type=str | list[str]), Field(min_length=1)
]


class ColumnDoc(Strict):
    """A column that the connector creates in a new sheet."""

    type: Literal["TEXT_NUMBER", "DATE", "PICKLIST", "CHECKBOX", "CONTACT_LIST", "MULTI_PICKLIST", "DURATION"]
    options: list[str] = Field(default_factory=list, description="Left out for a PICKLIST: the native `values`.")
    primary: bool = False
    hidden: bool = False
    locked: bool = False


class LensDoc(Strict):
    """Where a field is seen at one connection, and how."""

    field: str = Field(min_length=1, description="The vendor's name of the field, or the column's title.")
    transform: TransformName | None = Field(default=None, description="Left out: what fits the field's type.")
    values: dict[str, Names] | None = Field(
        default=None, description="Native values by ours; of several the first is written and all are read."
    )
    true: str | None = Field(default=None, description="checkbox: our value when ticked.")
    false: str | None = Field(default=None, description="checkbox: our value when somebody unticks it.")
    digits: Annotated[int, Field(ge=0, le=10)] = 2
    prefix: str = ""
    suffix: str = ""
    truncate: Annotated[int, Field(ge=2)] | None = None
    separator: str = ""
    value: str | None = Field(default=None, description="constant: what is always written.")
    expression: Expression | None = Field(default=None, description="cel: over `native`, the field's own value.")
    once: bool = Field(default=False, description="Written when the record is created, then left alone.")
    column: ColumnDoc | None = None


Lenses: TypeAlias = Annotated[
    list[Annotated[LensDoc, BeforeValidator(_named, json_schema_input_type=str | LensDoc)]],
    BeforeValidator(_several, json_schema_input_type=str | LensDoc | list[str | LensDoc]),
    Field(min_length=1),
]
Direction: TypeAlias = Annotated[str, Field(pattern=r"^(both|(from|to) [a-z][a-z0-9_]* only)$")]
DIRECTIONS = (
    "both; `from crm only`: only crm is read, the others are written; `to crm only`: crm is only written; "
    "`to ledger only`: people's hours in a column, taken as time entries."
)


class FieldDoc(Strict):
    """One of our fields: its type, where it is seen, whose value wins a conflict."""

    type: FieldType
    values: list[Key] = Field(default_factory=list, description="choice: all our values.")
    required: bool = Field(default=False, description="Never empty: an emptied field is held back.")
    direction: Direction | None = Field(default=None, description=DIRECTIONS)
    authority: list[str] = Field(default_factory=list, description="The first wins a conflict.")
    at: dict[str, Lenses]


class MatchDoc(Strict):
    """By what a plan or task that others made is known again: a field of it, and what that must hold."""

    field: str = Field(min_length=1, description="The vendor's name of the field, or the column's title.")
    equals: Annotated[str, AfterValidator(_expression)] = Field(
        description="CEL over `deal`, `lines`, and `plan` or `task` as we would make it: `plan.title`, `task.name`."
    )


class ObjectDoc(Strict):
    """All fields of one kind of record; `direction` holds for those that say none of their own."""

    direction: Direction = Field(default="both", description=DIRECTIONS)
    fields: dict[Key, FieldDoc]
    match: dict[Key, MatchDoc] = Field(
        default_factory=dict, description="plan and task: by connection, how what is there already is known again."
    )


class ObjectsDoc(Strict):
    """The five kinds of record."""

    deal: ObjectDoc
    lines: ObjectDoc
    onboarding: ObjectDoc
    plan: ObjectDoc
    task: ObjectDoc


class CheckDoc(Strict):
    """A condition that a won deal must meet, and what to tell whoever can mend it."""

    when: Expression
    message: str = Field(min_length=1)


class DealsDoc(Strict):
    """Which deals become onboardings."""

    won_when: Expression | None = None
    required: list[Key] = Field(default_factory=list)
    checks: list[CheckDoc] = Field(default_factory=list)
    handoff: HandoffDoc = Field(default_factory=HandoffDoc)


Consent: TypeAlias = Literal["apply", "review"]


class AmendmentsDoc(Strict):
    """What happens by itself when a deal with a plan is changed, and what waits for a person (`review`)."""

    tasks_added: Consent = Field(default="review", description="Tasks for what was sold in addition.")
    tasks_dropped: Consent = Field(default="review", description="Cancelling tasks of what is no longer sold.")
    dates: Consent = Field(default="review", description="Moving dates that nobody has moved.")
    owners: Consent = Field(default="apply", description="Owners that nobody has changed.")
    hours: Consent = Field(default="apply", description="Contracted hours, terms and estimates.")
    texts: Consent = Field(default="apply", description="Titles and names that nobody has changed.")


class UsersDoc(Strict):
    """Who is who. A connection that is named by nobody under `people` knows people by e-mail."""

    people: dict[str, dict[str, str]] = Field(default_factory=dict, description="Native id by connection, by e-mail.")
    roles: dict[Key, str] = Field(default_factory=dict, description="E-mail by role; wins over the templates.")


class CalendarDoc(Strict):
    """Which days are worked."""

    country: str = ""
    subdivision: str = ""
    days_off: list[date] = Field(default_factory=list)
    weekend: list[Weekday] = Field(default=["saturday", "sunday"])

    def build(self) -> BusinessCalendar:
        """Return the calendar; raises ValueError in words for the operator."""
        weekend = frozenset(WEEKDAYS.index(day) for day in self.weekend)
        return BusinessCalendar(self.country, self.subdivision, frozenset(self.days_off), weekend)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("there is no such time zone here; write one as in Europe/Amsterdam") from error
    return name


class NonBillableDoc(Strict):
    """Which time is not billable, beside that on tasks with `billable: false`."""

    authors: list[str] = Field(default_factory=list, description="E-mail addresses, or a connection's own ids.")
    when: Annotated[str, AfterValidator(_expression)] | None = Field(
        default=None, description="An expression in CEL over `entry` and `task`."
    )


class HoursDoc(Strict):
    """Which logged time counts, and which clock decides the day that it was worked on."""

    zone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="As in Europe/Amsterdam.")
    non_billable: NonBillableDoc = Field(default_factory=NonBillableDoc)
    on_plan: Literal["counted", "unattributed"] = Field(
        default="counted", description="Time on the plan itself (an epic)."
    )
    unplanned: Literal["counted", "unattributed"] = Field(
        default="unattributed", description="Time on a record that lies in the plan and is no task of it."
    )
    longest_hours: Annotated[float, Field(gt=0, le=1000, description="A longer entry is rejected.")] = 24.0
    future_days: Annotated[int, Field(ge=0, le=400, description="An entry later than so many days is rejected.")] = 1
    without_rate: Literal["counted", "rejected"] = Field(
        default="counted", description="Time of a role without a rate, where the contract has rates."
    )


class AudiencesDoc(Strict):
    """The connections where a task of each audience lives."""

    internal: list[str] = Field(min_length=1)
    customer: list[str] = Field(min_length=1)
    both: list[str] = Field(min_length=1)


class MappingsDoc(Strict):
    """A mapping file: which field means which field."""

    version: Literal[1]
    connections: list[Key] = Field(min_length=1)
    deals: DealsDoc = Field(default_factory=DealsDoc)
    users: UsersDoc = Field(default_factory=UsersDoc)
    calendar: CalendarDoc = Field(default_factory=CalendarDoc)
    hours: HoursDoc = Field(default_factory=HoursDoc)
    amendments: AmendmentsDoc = Field(default_factory=AmendmentsDoc)
    courts: CourtsDoc = Field(default_factory=CourtsDoc)
    health: HealthDoc = Field(default_factory=HealthDoc)
    scope: ScopeDoc = Field(default_factory=ScopeDoc)
    audiences: AudiencesDoc
    objects: ObjectsDoc


START = re.compile(r"^(?:(kickoff|launch)(?: ([+-]) (\d{1,3}))?|after ([a-z][a-z0-9_]*)(?: \+ (\d{1,3}))?)$")


class TaskDoc(Strict):
    """One task or milestone of a template."""

    key: Key
    name: Words = Field(min_length=1)
    description: Words = ""
    audience: Audience = "both"
    milestone: bool = False
    role: Key | None = None
    court: CourtName | None = Field(default=None, description="Whose move the task is, whoever owns it.")
    start: str | None = Field(
        default=None,
        pattern=START.pattern,
        description="`kickoff`, `kickoff + 2`, `launch - 5`, `after contract`, `after contract + 3`; business days.",
    )
    days: Annotated[int, Field(ge=1, le=400, description="Business days that the task takes.")] = 1
    hours: Annotated[float, Field(ge=0)] | Expression = 0.0
    depends_on: list[Key] = Field(default_factory=list)
    critical: bool = False
    billable: bool = Field(default=True, description="Whether time on it is taken from the contracted hours.")
    when: Expression | None = None


class GroupDoc(Strict):
    """Tasks that come together when `when` holds; with `for_each: lines`, once for each line that meets `each`."""

    phase: str
    when: Expression | None = None
    for_each: Literal["lines"] | None = None
    each: Expression | None = None
    tasks: list[TaskDoc] = Field(min_length=1)


class RateDoc(Strict):
    """What an hour of a role takes from the contracted hours, and what it is worth."""

    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    price: Annotated[float, Field(ge=0)] = 0.0


class RolloverDoc(Strict):
    """What becomes of hours that a period leaves over: up to so many go on, or all do for so many periods."""

    hours: Annotated[float, Field(gt=0)] | None = None
    periods: Annotated[int, Field(ge=1, le=120)] | None = None


class ContractedDoc(Strict):
    """The contracted hours, how they are granted over time, and what an hour of each role takes of them."""

    hours: Annotated[float, Field(ge=0)] | Expression = Field(description="A number or CEL; per period, see `per`.")
    per: Literal["term", "month", "quarter", "year"] = Field(
        default="term", description="How often that many hours are granted."
    )
    starts: Annotated[str, Field(pattern=r"^(kickoff|close|deal\.[a-z][a-z0-9_]*)$")] | None = Field(
        default=None, description="`kickoff`, `close` or deal.<date field>: the term's first day."
    )
    ends: Annotated[str, Field(pattern=r"^deal\.[a-z][a-z0-9_]*$")] | None = Field(
        default=None, description="deal.<date field>: the term's last day."
    )
    months: Annotated[int, Field(ge=1, le=1200, description="Or so many months after its start.")] | None = None
    rollover: Literal["none", "all"] | RolloverDoc = "none"
    rates: dict[Key, RateDoc] = Field(default_factory=dict, description="By role.")


class TemplateDoc(Strict):
    """A template file: what plans are made from."""

    name: Key
    version: str
    title: Words = "{{ deal.account }}: {{ deal.name }}"
    when: Expression | None = None
    priority: int = 0
    kickoff_after_close: Annotated[int, Field(ge=0, le=400)] = 0
    launch_after_kickoff: Annotated[int, Field(ge=1, le=1000)]
    contracted_hours: Expression | None = Field(default=None, description="Short for `contracted: {hours: …}`.")
    contracted: ContractedDoc | None = None
    roles: dict[Key, Annotated[str, Field(pattern=r"^(|deal\.[a-z][a-z0-9_]*|[^@\s]+@[^@\s]+)$")]] = Field(
        default_factory=dict, description="An e-mail address, deal.<field>, or empty."
    )
    phases: list[str] = Field(min_length=1)
    groups: list[GroupDoc] = Field(min_length=1)
