"""The mapping file's sections `courts` and `health`: what may stand there, and what becomes of it.

The models are part of `mappings.document`; `mappings.load` has them linked into `mappings.practice`. Every mistake is
reported at its place; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mappings.practice import RULES, Court, CourtRules, HealthRules, Threshold
from mappings.reading import Source, suggest
from mappings.strict import Strict

CourtName: TypeAlias = Literal["us", "customer", "carrier"]
Limit: TypeAlias = Annotated[float, Field(ge=0)] | Literal["never"]


class CourtsDoc(Strict):
    """Whose move it is on a task that can be worked on; the first that fits. What nothing fits is ours."""

    statuses: dict[str, CourtName] = Field(
        default_factory=dict, description="By our status, as in `blocked: carrier`; comes before all else."
    )
    roles: dict[str, CourtName] = Field(
        default_factory=dict, description="By the templates' roles; comes after a template task's own `court`."
    )
    domains: list[Annotated[str, Field(pattern=r"^[^@\s]+\.[^@\s]+$")]] = Field(
        default_factory=list, description="Ours, as in acme.com: an owner with another address is the customer's."
    )
    audiences: dict[Literal["internal", "customer", "both"], CourtName] = Field(
        default={"customer": "customer"}, description="By who sees the task; comes last."
    )


class ThresholdDoc(Strict):
    """From which number on a rule says amber, and from which on red; `never` for never, left out: as it comes."""

    amber: Limit | None = None
    red: Limit | None = None


class HealthDoc(Strict):
    """The rules of health with their thresholds; see docs/health.md. Days are business days, shares run from 0 to 1."""

    days_late: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["days_late"])
    days_forecast_late: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["days_forecast_late"])
    days_forecast_late_p80: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["days_forecast_late_p80"])
    hours_used: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["hours_used"])
    hours_at_completion: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["hours_at_completion"])
    overdue_share: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["overdue_share"])
    critical_days_overdue: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["critical_days_overdue"])
    customer_days_silent: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["customer_days_silent"])
    scope_flags: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["scope_flags"])
    records_held: ThresholdDoc = Field(default=ThresholdDoc(), description=RULES["records_held"])


def court_rules(source: Source, doc: CourtsDoc, statuses: Collection[str]) -> CourtRules:
    """Return the rules by which a task's court is told; `statuses` are the values that a task's status has."""
    for status in sorted(doc.statuses.keys() - set(statuses)):
        place = ("courts", "statuses", status)
        source.report(place, f"tasks have no status {status!r}", suggest(status, statuses), key=True)
    return CourtRules(
        statuses={status: Court(court) for status, court in doc.statuses.items()},
        roles={role: Court(court) for role, court in doc.roles.items()},
        domains=frozenset(domain.lower() for domain in doc.domains),
        audiences={audience: Court(court) for audience, court in doc.audiences.items()},
    )


def health_rules(source: Source, doc: HealthDoc) -> HealthRules:
    """Return the thresholds: those that the file says, and for the rest those that come with Closedwon."""
    usual = HealthRules()
    return HealthRules(
        **{each.name: _threshold(source, each.name, getattr(doc, each.name), usual) for each in fields(HealthRules)}
    )


def _threshold(source: Source, rule: str, said: ThresholdDoc, usual: HealthRules) -> Threshold:
    before: Threshold = getattr(usual, rule)
    found = Threshold(_limit(said.amber, before.amber), _limit(said.red, before.red))
    if found.amber is not None and found.red is not None and found.red < found.amber:
        what = f"{rule} is red from {found.red:g} on, and amber only from {found.amber:g} on"
        repair = "Let red begin where amber does, or later; `amber: never` leaves amber out"
        source.report(("health", rule), what, repair, key=True)
    return found


def _limit(said: Limit | None, usual: float | None) -> float | None:
    if said is None:
        return usual
    return None if said == "never" else said
