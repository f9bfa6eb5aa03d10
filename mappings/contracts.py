"""Links what a mapping file says of hours and what a template says of its contract, and refuses what has no sense.

Used by `mappings.load` and `mappings.weaving` only. Reports every mistake at its place; never raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from zoneinfo import ZoneInfo

from mappings.conditions import Condition
from mappings.document import ContractedDoc, HoursDoc, RolloverDoc
from mappings.expressions import Vocabulary, check_expression
from mappings.hours import TERM, Contract, HourRules, Rate, Rollover
from mappings.model import UserMap
from mappings.reading import Place, Source, suggest

ENTRY_NAMES = frozenset({"author", "connection", "day", "hours", "record", "seconds", "started"})
TASK_NAMES = frozenset(
    {"item", "name", "phase", "role", "audience", "status", "owner", "milestone", "critical", "billable"}
)
"""What a rule for non-billable time may ask of `entry` and of `task`; `sync.core.hours` shows it just these."""


def hour_rules(source: Source, doc: HoursDoc, users: UserMap) -> HourRules:
    """Return the rules by which time entries are placed."""
    when = Condition.compile(doc.non_billable.when) if doc.non_billable.when else None
    if when is not None:
        _check_rule(source, ("hours", "non_billable", "when"), when)
    fills = Counter(users.roles.values())
    return HourRules(
        zone=ZoneInfo(doc.zone),
        non_billable_authors=frozenset(a.lower() if "@" in a else a for a in doc.non_billable.authors),
        non_billable_when=when,
        on_plan=doc.on_plan,
        unplanned=doc.unplanned,
        longest_hours=doc.longest_hours,
        future_days=doc.future_days,
        without_rate=doc.without_rate,
        people={name: {native: email for email, native in ids.items()} for name, ids in users.ids.items()},
        roles={email: role for role, email in users.roles.items() if fills[email] == 1},
    )


def contract(source: Source, doc: ContractedDoc, vocabulary: Vocabulary, roles: Collection[str]) -> Contract:
    """Return a template's contract; `roles` are those which the template knows."""
    place: Place = ("contracted",)
    hours: Condition | float = doc.hours if not isinstance(doc.hours, str) else Condition.compile(doc.hours)
    if isinstance(hours, Condition):
        check_expression(source, (*place, "hours"), hours, vocabulary)
    for name, text in (("starts", doc.starts), ("ends", doc.ends)):
        field = (text or "").removeprefix("deal.")
        if (text or "").startswith("deal.") and vocabulary.deal is not None and field not in vocabulary.deal:
            source.report((*place, name), f"deals have no field {field!r}", vocabulary.suggest_deal(field))
    if doc.ends and doc.months:
        source.report((*place, "months"), "the term ends twice", "Keep one of `ends` and `months`", key=True)
    for role in doc.rates:
        if role not in roles:
            source.report((*place, "rates", role), f"unknown role {role!r}", suggest(role, roles), key=True)
    dated = doc.per != TERM or bool(doc.starts or doc.ends or doc.months)
    return Contract(
        hours=hours,
        per=doc.per,
        starts=doc.starts or ("kickoff" if dated else ""),
        ends=doc.ends or "",
        months=doc.months or 0,
        rollover=_rollover(source, doc, (*place, "rollover")),
        rates={role: Rate(rate.weight, rate.price) for role, rate in doc.rates.items()},
    )


def _rollover(source: Source, doc: ContractedDoc, place: Place) -> Rollover:
    said = doc.rollover
    if said != "none" and doc.per == TERM:
        source.report(place, "hours for the whole term have no later period to go to", "Remove `rollover`", key=True)
    if not isinstance(said, RolloverDoc):
        return Rollover(said)
    if (said.hours is None) == (said.periods is None):
        source.report(place, "say either `hours` or `periods`", "Keep one of the two", key=True)
    return Rollover("hours", said.hours) if said.hours is not None else Rollover("periods", float(said.periods or 1))


def _check_rule(source: Source, place: Place, when: Condition) -> None:
    roots = {"entry": ENTRY_NAMES, "task": TASK_NAMES}
    for name in sorted(when.names() - set(roots)):
        source.report(place, f"unknown variable {name!r} in `{when.text}`", suggest(name, roots))
    for root, known in roots.items():
        for name in sorted(when.members(root) - known):
            source.report(place, f"`{root}` has no {name!r}", suggest(name, known))
