"""What `doctor` says of a Salesforce connection: sign-in, objects, fields, external id, picklists, allotment.

Called by `connector`. Reads only; every failure becomes a finding with the repair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from connectors.base import Finding, Level
from connectors.errors import ConnectorError
from connectors.salesforce.catalog import Described, Survey, options_of, schema_of
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.soql import Names

_KEY_LENGTH = 18
_LOW = 0.1
"""Share of the daily allotment below which we warn."""
_COMPOUND = frozenset({"address", "location"})


def findings(
    client: SalesforceClient, survey: Survey, names: Names, choices: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Yield all findings; stops after the first where nothing else can be asked; never raises for the vendor."""
    try:
        yield from _findings(client, survey, names, choices)
    except ConnectorError as error:
        yield _failed(error)


def _findings(
    client: SalesforceClient, survey: Survey, names: Names, choices: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    identity = client.sign_in().identity.rstrip("/").split("/")
    org, user = identity[-2:] if len(identity) > 1 else ("unknown", "unknown")
    yield _fine("SF-LOGIN-00", f"Signed in to org {org} as user {user}.")
    deal = survey.object("Opportunity")
    yield _fine("SF-VERSION-00", f"The org answers API version {client.settings.api_version}.")
    yield from _readable(survey, deal, names.deal)
    if names.line:
        yield from _lines(survey, names)
    if client.settings.onboarding_object:
        yield from _onboarding(client.settings, survey, names, choices, deal)
    yield _allotment(client)


def _lines(survey: Survey, names: Names) -> Iterator[Finding]:
    try:
        yield from _readable(survey, survey.object("OpportunityLineItem"), names.line)
    except ConnectorError as error:
        yield _failed(error, "OpportunityLineItem")


def _readable(survey: Survey, described: Described, paths: tuple[str, ...]) -> Iterator[Finding]:
    """Check that mapped fields can be read."""
    missing = 0
    for path in paths:
        field = survey.field(described, path)
        name = f"{described.name}.{path}"
        if field is None:
            missing += 1
            yield Finding(
                Level.ERROR,
                "SF-FIELD-01",
                f"{name} is missing, or hidden from the integration user.",
                f"Create the field, or grant Read on {name} in the integration user's permission set.",
                missing=name,
            )
        elif field["type"] in _COMPOUND:
            missing += 1
            yield Finding(
                Level.ERROR,
                "SF-COMPOUND-01",
                f"{name} holds several values in one.",
                f"Map one of its parts instead, such as {path.removesuffix('Address')}City for an address.",
            )
    if not missing:
        yield _fine("SF-FIELD-00", f"All {len(paths)} mapped fields of {described.name} can be read.")


def _onboarding(
    settings: SalesforceSettings,
    survey: Survey,
    names: Names,
    choices: Mapping[str, tuple[str, ...]],
    deal: Described,
) -> Iterator[Finding]:
    """Check the object that takes the roll-ups."""
    try:
        described = survey.object(settings.onboarding_object)
    except ConnectorError as error:
        yield replace(_failed(error, settings.onboarding_object), missing=settings.onboarding_object)
        return
    wrong = [*_writable(survey, described, names.onboarding)]
    if settings.on_deal:
        wrong += _standard(described, names.onboarding)
    else:
        yield from _key(settings, described)
        yield from _relationship(settings, deal)
        wrong += _required(settings, described, names.onboarding)
    yield from wrong
    if not wrong:
        yield _fine("SF-READONLY-00", f"All {len(names.onboarding)} mapped fields of {described.name} can be written.")
    for path, wanted in choices.items():
        field = described.fields.get(path.lower())
        if field is not None:
            yield _options(described, field, wanted)


def _key(settings: SalesforceSettings, described: Described) -> Iterator[Finding]:
    name = f"{described.name}.{settings.onboarding_key}"
    field = described.fields.get(settings.onboarding_key.lower())
    repair = f"Make {name} a Text(18) field with External ID and Unique (case-sensitive), granted Read and Edit."
    if field is None:
        text = f"{name} is missing, or hidden from the integration user."
        yield Finding(Level.ERROR, "SF-KEY-01", text, repair, missing=name)
    elif not (field.get("externalId") and field.get("unique")):
        yield Finding(
            Level.ERROR,
            "SF-KEY-02",
            f"{name} is not both External ID and Unique: two writers could make two onboardings of one deal.",
            repair,
        )
    elif int(field.get("length") or 0) < _KEY_LENGTH:
        yield Finding(Level.ERROR, "SF-KEY-03", f"{name} takes fewer than 18 characters.", repair)
    else:
        yield _fine("SF-KEY-00", f"{name} is a unique external id.")


def _relationship(settings: SalesforceSettings, deal: Described) -> Iterator[Finding]:
    wanted = settings.onboarding_relationship
    child = next((c for c in deal.children if c.get("relationshipName") == wanted), None)
    if child is None or child.get("childSObject") != settings.onboarding_object:
        yield Finding(
            Level.ERROR,
            "SF-RELATION-01",
            f"The opportunity has no child relationship {wanted} to {settings.onboarding_object}.",
            f"Make a lookup to Opportunity on {settings.onboarding_object} with the child relationship name "
            f"{wanted.removesuffix('__r')}, or set `onboarding_relationship`.",
            missing=f"{settings.onboarding_object}.Opportunity__c",
        )
    else:
        yield _fine("SF-RELATION-00", f"The opportunity leads to {settings.onboarding_object} by {wanted}.")


def _writable(survey: Survey, described: Described, paths: tuple[str, ...]) -> Iterator[Finding]:
    for path in paths:
        name = f"{described.name}.{path}"
        field = survey.field(described, path)
        if field is None:
            yield Finding(
                Level.ERROR,
                "SF-FIELD-01",
                f"{name} is missing, or hidden from the integration user.",
                f"Create the field, or grant Read and Edit on {name} in the integration user's permission set.",
                missing=name,
            )
        elif not schema_of(field, path).writable:
            yield Finding(
                Level.ERROR,
                "SF-READONLY-01",
                f"{name} may not be written by the integration user.",
                f"Grant Edit on {name} in the permission set; a formula or roll-up field cannot be mapped.",
                missing=name,
            )


def _standard(described: Described, paths: tuple[str, ...]) -> Iterator[Finding]:
    """Find roll-ups that would overwrite what people keep in the deal: they are never written."""
    for path in paths:
        if not path.endswith("__c"):
            yield Finding(
                Level.ERROR,
                "SF-STANDARD-01",
                f"A roll-up is mapped to {described.name}.{path}, which is Salesforce's own; it is never written.",
                f"Take {path} out of the mapping's `onboarding` section.",
            )


def _required(settings: SalesforceSettings, described: Described, paths: tuple[str, ...]) -> Iterator[Finding]:
    given = {path.lower() for path in (*paths, settings.onboarding_key)}
    for field in described.fields.values():
        name = str(field["name"])
        if schema_of(field, name).required and name.lower() not in given:
            yield Finding(
                Level.ERROR,
                "SF-REQUIRED-01",
                f"{described.name}.{name} is required and nothing is mapped to it.",
                f"Map a value to {name}, give it a default, or make it optional.",
            )


def _options(described: Described, field: Mapping[str, Any], wanted: tuple[str, ...]) -> Finding:
    name = f"{described.name}.{field['name']}"
    lacking = sorted(set(wanted) - set(options_of(field)))
    if not lacking:
        return _fine("SF-PICKLIST-00", f"{name} has all {len(wanted)} values that the mapping writes.")
    listed = ", ".join(repr(value) for value in lacking)
    return Finding(
        Level.ERROR if field.get("restrictedPicklist") else Level.WARNING,
        "SF-PICKLIST-01",
        f"{name} lacks {listed}.",
        f"Add {listed} to the picklist as active API names, or change the mapping's values.",
        missing=name,
    )


def _allotment(client: SalesforceClient) -> Finding:
    try:
        limits = client.limits()
    except ConnectorError as error:
        return replace(_failed(error, "Daily API allotment"), level=Level.WARNING)
    calls = limits.get("DailyApiRequests")
    if not calls:
        return Finding(
            Level.WARNING,
            "SF-LIMIT-03",
            "What is left of the daily API allotment is not shown to the integration user.",
            "Grant View Setup and Configuration in its permission set.",
        )
    left, most = int(calls["Remaining"]), int(calls["Max"])
    if left < most * _LOW:
        return Finding(
            Level.WARNING,
            "SF-LIMIT-01",
            f"Only {left} of {most} daily API calls are left.",
            "See Setup > Company Information for who uses them, or buy more.",
        )
    return _fine("SF-LIMIT-00", f"{left} of {most} daily API calls are left.")


def _fine(code: str, message: str) -> Finding:
    return Finding(Level.OK, code, message)


def _failed(error: ConnectorError, subject: str = "") -> Finding:
    """Turn an error into a finding; its sentences after the first say what to do."""
    first, _, repair = error.message.partition(". ")
    said = f"{subject}: {first}" if subject else first
    return Finding(Level.ERROR, error.code, f"{said.rstrip('.')}.", repair)
