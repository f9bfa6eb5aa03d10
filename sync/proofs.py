"""What is remembered of the last whole compare: whoever made it, the others know whether the sides are proven equal.

Kept by `closedwon verify` and by the daemon, read by notices. Counts only: no value of a record is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync.core.model import StoreApi
from sync.verify import Proof

KIND, LAST = "proof", "last"
_WRONG = ("unequal", "duplicates", "lacking", "strays", "time_off")


@dataclass(frozen=True, slots=True)
class LastProof:
    """What is remembered of the last whole compare. `incident` numbers the times at which one ceased to be sound."""

    at: datetime
    sound: bool
    incident: int
    words: str


def keep_proof(store: StoreApi, proof: Proof) -> None:
    """Remember that everything was compared, and how it came out; values of records are not kept."""
    before = last_proof(store)
    begun = not proof.sound and (before is None or before.sound)
    counts = {name: getattr(proof, name) for name in (*_WRONG, "held", "onboardings", "compared")}
    incident = (before.incident if before else 0) + begun
    store.keep(KIND, "", LAST, {"sound": proof.sound, "incident": incident, **counts})


def last_proof(store: StoreApi) -> LastProof | None:
    """Return the last whole compare that was remembered, whoever made it; None: there was none."""
    for kept in store.kept(KIND, ""):
        value = kept.value
        words = ", ".join(f"{value[name]} {name.replace('_', ' ')}" for name in _WRONG if value[name])
        return LastProof(kept.at, bool(value["sound"]), int(value["incident"]), words)
    return None
