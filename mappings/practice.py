"""How a company judges its onboardings, as plain data: whose court a task is in, and when health is amber or red.

Built by `mappings.load` from the sections `courts` and `health`, applied by `sync.core.court` and `sync.core.health`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


RULES: Mapping[str, str] = {
    "days_late": "Days by which the target launch has passed without a launch",
    "days_forecast_late": "Days by which the forecast launch (P50) lies behind the target launch",
    "days_forecast_late_p80": "The same for the launch that four of five such onboardings would make (P80)",
    "hours_used": "Share of the contracted hours that is used",
    "hours_at_completion": "Share of the contracted hours that will have been used at completion (P50)",
    "overdue_share": "Share of the open tasks that are overdue",
    "critical_days_overdue": "Days by which the worst of the critical tasks is overdue",
    "customer_days_silent": "Days that a task has been in the customer's court beyond the days it was given",
    "scope_flags": "Differences between what was sold and what is planned",
    "records_held": "Records or fields that are held back for a person",
}
"""What each rule of health measures. Days are business days, shares run from 0 to 1."""

ABOVE = frozenset({"hours_used", "hours_at_completion"})
"""Rules whose red begins above its number, since what was contracted may be used up."""


@dataclass(frozen=True, slots=True)
class HealthRules:
    """The published thresholds, by the names of `RULES`."""

    days_late: Threshold = Threshold(amber=None, red=1)
    days_forecast_late: Threshold = Threshold(amber=1, red=10)
    days_forecast_late_p80: Threshold = Threshold(amber=5, red=None)
    hours_used: Threshold = Threshold(amber=0.85, red=1.0)
    hours_at_completion: Threshold = Threshold(amber=1.0, red=1.2)
    overdue_share: Threshold = Threshold(amber=0.1, red=0.4)
    critical_days_overdue: Threshold = Threshold(amber=1, red=10)
    customer_days_silent: Threshold = Threshold(amber=5, red=15)
    scope_flags: Threshold = Threshold(amber=1, red=None)
    records_held: Threshold = Threshold(amber=None, red=None)

    def table(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield each rule as people read it: its name, what it measures, from when on it is amber, and red."""
        for rule, what in RULES.items():
            threshold: Threshold = getattr(self, rule)
            word = "above" if rule in ABOVE else "from"
            amber, red = threshold.amber, threshold.red
            shown = ("never" if amber is None else f"from {amber:g}", "never" if red is None else f"{word} {red:g}")
            yield rule, what, *shown
