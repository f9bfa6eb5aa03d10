"""How a company judges its onboardings, as plain data: whose court a task is in, and when health is amber or red.

Built by `mappings.load` from the sections `courts` and `health`, applied by `sync.core.court` and `sync.core.health`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Court(StrEnum):
    """Who has to move next."""

    US = "us"
    CUSTOMER = "customer"
    CARRIER = "carrier"


@dataclass(frozen=True, slots=True)
class CourtRules:
    """Whose court a task is in: what the first says that fits.

    They are asked in this order: the task's status, its template's own word (`court`), its role, its owner's domain,
    its audience.
    `statuses` are ours (`blocked: carrier`), `roles` the templates' (`customer_it: customer`). An owner with an address
    outside `domains` is the customer's; no domains, no such rule. What nothing fits is ours.
    """

    statuses: Mapping[str, Court] = field(default_factory=dict)
    roles: Mapping[str, Court] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    audiences: Mapping[str, Court] = field(default_factory=lambda: {"customer": Court.CUSTOMER})


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which number on a rule says amber, and from which on red; None for never."""

    amber: float | None = None
    red: float | None = None


@dataclass(frozen=True, slots=True)
class HealthRules:
    """The published thresholds. Days are business days, shares run from 0 to 1."""

    days_late: Threshold = Threshold(amber=None, red=1)
    """Days by which the target launch has passed without a launch."""
    days_forecast_late: Threshold = Threshold(amber=1, red=10)
    """Days by which the forecast launch (P50) lies behind the target launch."""
    days_forecast_late_p80: Threshold = Threshold(amber=5, red=None)
    """The same for the launch that four of five would make (P80)."""
    hours_used: Threshold = Threshold(amber=0.85, red=1.0)
    """Share of the contracted hours that is used. Red is said above its number, not at it: used up is no overrun."""
    hours_at_completion: Threshold = Threshold(amber=1.0, red=1.2)
    """Share of the contracted hours that will have been used at completion (P50)."""
    overdue_share: Threshold = Threshold(amber=0.1, red=0.4)
    """Share of the open tasks that are overdue."""
    critical_days_overdue: Threshold = Threshold(amber=1, red=10)
    """Days by which the worst of the critical tasks is overdue."""
    customer_days_silent: Threshold = Threshold(amber=5, red=15)
    """Days that a task has been in the customer's court beyond the days it was given."""
    scope_flags: Threshold = Threshold(amber=1, red=None)
    """Differences between what was sold and what is planned."""
    records_held: Threshold = Threshold(amber=None, red=None)
    """Records or fields that are held back for a person."""
