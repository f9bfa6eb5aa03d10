"""Looks for what would go wrong before it does: packages, files, store, and every connection's own checks.

Called by `closedwon doctor`. It reads only, and turns every failure into a finding with its repair.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import packages_distributions

from connectors.base import Connector, FieldSchema, Finding, Kind, Level
from connectors.errors import ConnectorError
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from mappings.model import Lens, MappingSet, Transform
from mappings.transforms import Chain, Choice, Filled
from sync.notices.pauses import failing
from sync.wiring import Plant

PACKAGES = ("connectors", "mappings", "sync", "simulator")
DISTRIBUTION = "closedwon"

METADATA_VERSION = "67.0"
_OBJECTS = {"Onboarding__c"}
_GRANTS = {"Onboarding__c": "Closedwon", "Opportunity": "Closedwon_Opportunity_Fields"}
"""The permission set of `deploy/salesforce` that grants an object's fields to the integration user."""


def examine(plant: Plant) -> Iterator[Finding]:
    """Yield all findings, ok ones included."""
    yield from _packages()
    yield Finding(Level.OK, "FILES-01", f"{plant.config.file} and {plant.config.mapping.name} are sound")
    names = ", ".join(template.name for template in plant.templates)
    yield Finding(Level.OK, "FILES-02", f"templates: {names}")
    for template in plant.engine.sources.changed():
        text = f"the text of template {template.name} {template.version} changed since plans were made from it"
        yield Finding(Level.WARNING, "TEMPLATE-CHANGED-01", text, "Give it a new version; see docs/amendments.md")
    yield Finding(Level.OK, "STORE-01", f"the store answers: {plant.store.counts()['onboardings']} onboardings")
    for name, connector in plant.connections.items():
        try:
            for finding in connector.check():
                yield replace(finding, message=f"{name}: {finding.message}")
            yield from _options(name, connector, plant.mappings)
        except ConnectorError as error:
            yield Finding(Level.ERROR, error.code, f"{name}: the checks broke off", error.message)
    yield from _people(plant)
    for each in failing(plant.store, plant.config.notices.channels if plant.config.notices else ()):
        yield Finding(Level.WARNING, "NOTICE-01", each.words, each.repair)


def _packages() -> Iterator[Finding]:
    """Find who else installed packages of our generic names: such collisions are silent."""
    owners = _owners(tuple(sys.path))
    for package in PACKAGES:
        mine = set(owners.get(package, ())) - {DISTRIBUTION}
        if mine:
            yield Finding(
                Level.ERROR,
                "PACKAGE-01",
                f"import package {package} also belongs to {', '.join(sorted(mine))}",
                f"Install Closedwon in a virtual environment of its own, without {', '.join(sorted(mine))}",
            )
        else:
            yield Finding(Level.OK, "PACKAGE-01", f"import package {package} is ours alone")


@functools.cache
def _owners(_path: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    """Return who installed each import package there; it reads the list of files of every distribution."""
    return packages_distributions()


def _options(name: str, connector: Connector, mappings: MappingSet) -> Iterator[Finding]:
    """Compare the values that the mapping writes with those that the vendor allows: both sides get renamed."""
    schema = connector.describe().objects
    for mapping in (mappings.onboarding, mappings.plan, mappings.task):
        fields = {field.name: field for field in schema.get(mapping.kind, ())}
        for _, lenses in mapping.by_connection.get(name, ()):
            for lens in lenses:
                # What is written once may choose the form, as Jira's issue type does, whose options are then its own.
                if lens.field in fields and not lens.once:
                    yield from _lacking(name, lens, fields[lens.field])


def _lacking(name: str, lens: Lens, field: FieldSchema) -> Iterator[Finding]:
    allowed = {option.casefold() for option in field.options}
    lacking = [value for value in _written(lens.transform) if value.casefold() not in allowed]
    if not lens.writes or not allowed or not lacking:
        return
    listed = ", ".join(map(repr, lacking))
    there = ", ".join(map(repr, field.options))
    yield Finding(
        Level.ERROR,
        "OPTIONS-01",
        f"{name}: {field.label or field.name} has no value {listed}; it has {there}",
        f"Give {lens.field} the value {listed} again, or change `values` of that field in the mapping file",
    )


def _written(transform: Transform) -> tuple[str, ...]:
    """Return the native values that a transform writes, where it knows them all."""
    if isinstance(transform, Choice):
        return tuple(natives[0] for natives in transform.values.values() if natives)
    if isinstance(transform, Filled):
        return _written(transform.inner)
    if isinstance(transform, Chain) and transform.links:
        return _written(transform.links[-1])
    return ()


def _people(plant: Plant) -> Iterator[Finding]:
    """Roles whose person a connection does not know would leave tasks without an owner."""
    # A role may also be filled by one of the deal's own fields, which is nobody's address.
    emails = sorted({who for template in plant.templates for who in template.roles.values() if "@" in who})
    for name in plant.connections:
        unknown = plant.mappings.users.unmapped(name, tuple(emails))
        if unknown and any(rule.name == "owner" and rule.at(name) for rule in plant.mappings.task.rules):
            yield Finding(
                Level.WARNING,
                "PEOPLE-01",
                f"{name} does not know {', '.join(unknown)}",
                f"Add their {Kind.TASK} owner ids under `users: people:` in the mapping file",
            )


def metadata(findings: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
    """Return by metadata type those members of `deploy/salesforce` that bring what is missing; {} where none would.

    A field that the user may not see looks to the API as if it were not there, so the permission set goes along.
    """
    missing = {finding.missing for finding in findings if finding.missing and finding.level is not Level.OK}
    fields = {name for name in _shipped() if name in missing or name.partition(".")[0] in missing}
    if not fields:
        return {}
    found = {"CustomObject": missing & _OBJECTS, "CustomField": fields}
    found["PermissionSet"] = {_GRANTS[name.partition(".")[0]] for name in fields}
    return {kind: tuple(sorted(members)) for kind, members in found.items() if members}


def package(members: Mapping[str, Iterable[str]]) -> str:
    """Return a package.xml of just these members, as `sf project deploy start --manifest` takes it."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<Package xmlns="http://soap.sforce.com/2006/04/metadata">']
    for kind, names in sorted(members.items()):
        lines.append("    <types>")
        lines += [f"        <members>{name}</members>" for name in sorted(names)]
        lines += [f"        <name>{kind}</name>", "    </types>"]
    return "\n".join([*lines, f"    <version>{METADATA_VERSION}</version>", "</Package>", ""])


def _shipped() -> frozenset[str]:
    """Name the custom fields that `deploy/salesforce` brings: those of the usual mapping, and our key."""
    usual = load_mappings(DEFAULT_MAPPINGS)
    ours = {f"Onboarding__c.{name}" for name in usual.onboarding.fields_of("crm")}
    theirs = {f"Opportunity.{name}" for name in usual.deal.fields_of("crm")}
    return frozenset(name for name in {*ours, *theirs, "Onboarding__c.Deal_Key__c"} if name.endswith("__c"))
