"""How an engine behaves. Made by `sync.wiring` from config.yaml, read by `sync.engine.reconcile`; plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.core.guard import Limits


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run behaves. Seconds throughout; `batch` is how many onboardings share vendor calls."""

    owner: str
    batch: int = 1000
    lease_seconds: float = 900.0
    settle_seconds: float = 60.0
    """How long a vendor may still commit a request after it dropped our connection."""
    patience: float = 120.0
    """A drain waits this long for onboardings that asked to be looked at again, then leaves them to the next run."""
    limits: Limits = field(default_factory=Limits)
