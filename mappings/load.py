"""Loads mapping and template files; shows every mistake of all of them at once, each at its place with what to do.

Called by `sync.wiring` and by `doctor`. Reads files, nothing else. What comes out is linked, checked and immutable: no
mistake that this module can see is left for the middle of a reconcile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from connectors.base import Kind
from mappings.amendments import amendment_rules, fingerprints
from mappings.calendar import BusinessCalendar
from mappings.conditions import Condition
from mappings.contracts import hour_rules
from mappings.document import MappingsDoc, TemplateDoc, UsersDoc
from mappings.expressions import (
    OWN_WORDS_OF_DEALS,
    OWN_WORDS_OF_LINES,
    OWN_WORDS_OF_PLANS,
    OWN_WORDS_OF_TASKS,
    Vocabulary,
    check_expression,
)
from mappings.model import VIRTUAL, Check, MappingSet, ObjectMapping, UserMap
from mappings.practices import court_rules, health_rules
from mappings.reading import Mistake, Place, Problems, Source, suggest
from mappings.rules import Builder
from mappings.scope import scope_rules
from mappings.templates import Template
from mappings.weaving import weave

__all__ = [
    "DEFAULT_MAPPINGS",
    "DEFAULT_TEMPLATES",
    "Mistake",
    "Problems",
    "kept_template",
    "load_mappings",
    "load_templates",
]

HERE = Path(__file__).parent
DEFAULT_MAPPINGS = HERE / "default.yaml"
"""The mapping file that fits the simulator's default worlds."""

DEFAULT_TEMPLATES = (HERE / "templates" / "saas_onboarding.yaml", HERE / "templates" / "carrier_order.yaml")
"""The templates that come with Closedwon."""


def load_mappings(path: str | Path) -> MappingSet:
    """Load a mapping file; raises Problems."""
    source = Source.read(Path(path))
    doc = source.check(MappingsDoc, _OUTLINE) if source.data is not None else None
    mappings = _mapping_set(source, doc) if doc else None
    if source.mistakes or mappings is None:
        raise Problems(source.mistakes)
    return mappings


def load_templates(paths: Iterable[str | Path], mappings: MappingSet | None = None) -> tuple[Template, ...]:
    """Load template files in this order; raises Problems with the mistakes of all of them.

    With `mappings` the names of deal and line fields in expressions and texts are checked too.
    """
    vocabulary = Vocabulary.of(mappings) if mappings else Vocabulary()
    sources = [Source.read(Path(path)) for path in paths]
    templates: list[Template] = []
    places: dict[str, str] = {}
    for source in sources:
        doc = source.check(TemplateDoc, _TEMPLATE_OUTLINE) if source.data is not None else None
        if doc is None:
            continue
        first = places.setdefault(doc.name, source.file)
        if first != source.file:
            source.report(("name",), f"template {doc.name!r} is also in {first}", "Give each template its own name")
        templates.append(replace(weave(source, doc, vocabulary), source=source.text))
    mistakes = [mistake for source in sources for mistake in source.mistakes]
    if mistakes:
        raise Problems(mistakes)
    return tuple(templates)


def kept_template(name: str, text: str, mappings: MappingSet) -> Template:
    """Return a template from a text that was kept; raises Problems where it no longer fits the mapping."""
    source = Source.of(name, text)
    doc = source.check(TemplateDoc, _TEMPLATE_OUTLINE) if source.data is not None else None
    template = weave(source, doc, Vocabulary.of(mappings)) if doc else None
    if source.mistakes or template is None:
        raise Problems(source.mistakes)
    return replace(template, source=text)


def _mapping_set(source: Source, doc: MappingsDoc) -> MappingSet:
    _refuse_reserved(source, doc)
    users = _users(source, doc.users)
    builder = Builder(source, names=_declared(source), users=users)
    built = {word: builder.build(kind, getattr(doc.objects, word), ("objects", word)) for word, kind in _KINDS.items()}
    columns = builder.columns(doc.objects.task, ("objects", "task"))
    for place, name in _named_connections(doc):
        builder.known(name, place)
    _check_deal(source, built["deal"], built["lines"])
    mappings = MappingSet(
        connections=tuple(doc.connections),
        **built,
        users=users,
        calendar=_calendar(source, doc),
        hours=hour_rules(source, doc.hours, users),
        amendments=amendment_rules(doc.amendments),
        read_by=fingerprints(doc.objects),
        courts=court_rules(source, doc.courts, _statuses(doc)),
        health=health_rules(source, doc.health),
        scope=scope_rules(source, doc.scope, doc.deals.handoff, built["deal"]),
        won_when=Condition.compile(doc.deals.won_when) if doc.deals.won_when else None,
        required=tuple(doc.deals.required),
        checks=tuple(Check(Condition.compile(check.when), check.message) for check in doc.deals.checks),
        audiences={name: tuple(homes) for name, homes in doc.audiences},
        column_specs=columns,
        digest=_digest(doc),
    )
    _check_deals(source, mappings)
    _check_matches(source, mappings)
    return mappings


_OUTLINE = {
    "version": 1,
    "connections": ["crm"],
    "audiences": {"internal": ["crm"], "customer": ["crm"], "both": ["crm"]},
    "objects": {word: {"fields": {}} for word in ("deal", "lines", "onboarding", "plan", "task")},
}
_TEMPLATE_OUTLINE = {"name": "unnamed", "version": "0", "launch_after_kickoff": 1, "phases": ["none"]}
"""What stands in for a required part that is missing or wrong, so that the rest of the file can be checked."""

_KINDS = {
    "deal": Kind.DEAL,
    "lines": Kind.LINE,
    "onboarding": Kind.ONBOARDING,
    "plan": Kind.PLAN,
    "task": Kind.TASK,
}


def _declared(source: Source) -> list[str] | None:
    """Return the connections as the file lists them; None when it lists none that could be compared with."""
    raw = source.data.get("connections")
    return [str(name) for name in raw] if isinstance(raw, list) else None


def _refuse_reserved(source: Source, doc: MappingsDoc) -> None:
    for number, name in enumerate(doc.connections):
        if name in VIRTUAL:
            source.report(("connections", number), f"{name!r} is Closedwon's own word", "Choose another name")
    for word, reserved in (("deal", OWN_WORDS_OF_DEALS), ("lines", OWN_WORDS_OF_LINES)):
        for name in sorted(reserved & _raw_fields(source, word)):
            place = ("objects", word, "fields", name)
            source.report(place, f"{name!r} is Closedwon's own word", "Choose another name for this field", key=True)


def _statuses(doc: MappingsDoc) -> tuple[str, ...]:
    """Return the values that a task's status has."""
    status = doc.objects.task.fields.get("status")
    return tuple(status.values) if status else ()


def _users(source: Source, doc: UsersDoc) -> UserMap:
    ids: dict[str, dict[str, str]] = {}
    for email, natives in doc.people.items():
        place: Place = ("users", "people", email)
        if "@" not in email:
            source.report(place, f"{email!r} is no e-mail address", "Write the person's e-mail as key", key=True)
        for connection, native in natives.items():
            known = ids.setdefault(connection, {})
            if native in known.values():
                source.report(
                    (*place, connection), f"{native!r} belongs to somebody else already", "Correct one of them"
                )
            known[email.lower()] = native
    for role, email in doc.roles.items():
        if "@" not in email:
            source.report(("users", "roles", role), f"{email!r} is no e-mail address", "Write the person's e-mail")
    return UserMap(ids, {role: email.lower() for role, email in doc.roles.items()})


def _named_connections(doc: MappingsDoc) -> list[tuple[Place, str]]:
    named: list[tuple[Place, str]] = [
        (("audiences", audience, number), name)
        for audience, homes in doc.audiences
        for number, name in enumerate(homes)
    ]
    for email, natives in doc.users.people.items():
        named += [(("users", "people", email, name), name) for name in natives]
    return named


def _check_deal(source: Source, deal: ObjectMapping, lines: ObjectMapping) -> None:
    crms = {lens.connection for mapping in (deal, lines) for rule in mapping.rules for lens in rule.lenses}
    if len(crms) > 1:
        source.report(
            ("objects", "deal"),
            f"deals are read at {' and '.join(sorted(crms))}",
            "Read deals and lines at one connection",
        )
    if "close_date" not in _raw_fields(source, "deal"):
        source.report(
            ("objects", "deal", "fields"), "deals have no `close_date`", "Map it: the plan's dates are counted from it"
        )


def _check_deals(source: Source, mappings: MappingSet) -> None:
    if not _raw_fields(source, "deal"):
        return  # that deals have no fields is told already
    vocabulary = Vocabulary.of(mappings, _raw_fields(source, "deal"), _raw_fields(source, "lines"))
    known = vocabulary.deal or frozenset()
    for number, name in enumerate(mappings.required):
        if name not in known:
            source.report(("deals", "required", number), f"deals have no field {name!r}", vocabulary.suggest_deal(name))
    if mappings.won_when:
        check_expression(source, ("deals", "won_when"), mappings.won_when, vocabulary)
    for number, check in enumerate(mappings.checks):
        check_expression(source, ("deals", "checks", number, "when"), check.condition, vocabulary)


def _check_matches(source: Source, mappings: MappingSet) -> None:
    """Check what existing plans and tasks are known by; tasks can only be known inside of a plan that is."""
    vocabulary = Vocabulary.of(mappings, _raw_fields(source, "deal"), _raw_fields(source, "lines"))
    own = {"plan": (mappings.plan, OWN_WORDS_OF_PLANS), "task": (mappings.task, OWN_WORDS_OF_TASKS)}
    for word, (mapping, words) in own.items():
        for name, match in mapping.matches.items():
            place: Place = ("objects", word, "match", name, "equals")
            check_expression(source, place, match.equals, vocabulary, (word,))
            known = {rule.name for rule in mapping.rules} | words
            for member in sorted(match.equals.members(word) - known):
                source.report(place, f"a {word} has no field {member!r}", suggest(member, known))
    for name in mappings.task.matches.keys() - mappings.plan.matches.keys():
        place = ("objects", "task", "match", name)
        source.report(place, "tasks are matched where plans are not", "Add a match for the plan there", key=True)


def _raw_fields(source: Source, word: str) -> frozenset[str]:
    """Return the names as the file has them: a field that was cut out for its own mistake is no unknown field."""
    data = source.data
    for key in ("objects", word, "fields"):
        data = data.get(key) if isinstance(data, dict) else None
    return frozenset(data) if isinstance(data, dict) else frozenset()


def _calendar(source: Source, doc: MappingsDoc) -> BusinessCalendar:
    try:
        return doc.calendar.build()
    except ValueError as error:
        what, _, repair = str(error).partition(": ")
        source.report(("calendar",), what, repair[:1].upper() + repair[1:])
        return BusinessCalendar()


def _digest(doc: MappingsDoc) -> str:
    text = json.dumps(doc.model_dump(mode="json"), sort_keys=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
