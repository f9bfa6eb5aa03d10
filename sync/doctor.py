"""Looks for what would go wrong before it does: packages, files, store, and every connection's own checks.

Called by `closedwon doctor`. It reads only, and turns every failure into a finding with its repair.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import packages_distributions

from connectors.base import Connector, FieldSchema, Finding, Kind, Level
from connectors.errors import ConnectorError
from mappings.model import Lens, MappingSet, Transform
from mappings.transforms import Chain, Choice, Filled
from sync.wiring import Plant

PACKAGES = ("connectors", "mappings", "sync", "simulator")
DISTRIBUTION = "closedwon"


def examine(plant: Plant) -> Iterator[Finding]:
    """Yield all findings, ok ones included."""
    yield from _packages()
    yield Finding(Level.OK, "FILES-01", f"{plant.config.file} and {plant.config.mapping.name} are sound")
    names = ", ".join(template.name for template in plant.templates)
    yield Finding(Level.OK, "FILES-02", f"templates: {names}")
    yield Finding(Level.OK, "STORE-01", f"the store answers: {plant.store.counts()['onboardings']} onboardings")
    for name, connector in plant.connections.items():
        try:
            for finding in connector.check():
                yield Finding(finding.level, finding.code, f"{name}: {finding.message}", finding.repair)
            yield from _options(name, connector, plant.mappings)
        except ConnectorError as error:
            yield Finding(Level.ERROR, error.code, f"{name}: the checks broke off", error.message)
    yield from _people(plant)


def _packages() -> Iterator[Finding]:
    """Find who else installed packages of our generic names: such collisions are silent."""
    owners = packages_distributions()
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
