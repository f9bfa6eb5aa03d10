"""What a run did, in numbers that the store and the vendors can confirm. Filled by the engine, shown by the shells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Counts of one run; `failures` maps codes to how often they came up."""

    looked: int = 0
    planned: int = 0
    """Onboardings that got a new plan."""
    created: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    adopted: Counter[str] = field(default_factory=Counter)
    """Records found again after a create of unknown outcome, by connection."""
    rollups: int = 0
    held: int = 0
    waiting: int = 0
    conflicts: int = 0
    lost_leases: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def writes(self) -> int:
        """Records written at vendors, roll-ups included."""
        return self.created.total() + self.updated.total() + self.rollups

    def add(self, other: Report) -> None:
        """Add another run's numbers to this one's."""
        self.looked += other.looked
        self.planned += other.planned
        self.created += other.created
        self.updated += other.updated
        self.adopted += other.adopted
        self.rollups += other.rollups
        self.held += other.held
        self.waiting += other.waiting
        self.conflicts += other.conflicts
        self.lost_leases += other.lost_leases
        self.failures += other.failures
        self.notes += other.notes

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for `--json`."""
        return {
            "looked": self.looked,
            "planned": self.planned,
            "created": dict(self.created),
            "updated": dict(self.updated),
            "adopted": dict(self.adopted),
            "rollups_written": self.rollups,
            "writes": self.writes,
            "held": self.held,
            "waiting": self.waiting,
            "conflicts": self.conflicts,
            "lost_leases": self.lost_leases,
            "failures": dict(self.failures),
            "notes": self.notes,
        }
