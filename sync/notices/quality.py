"""What is known of the data itself: whether it was proven equal, whether vendors were heard, whether hours add up.

Used by `sync.notices.office`. It asks no vendor: the last proof, the cursors and the ledgers say it, whoever made them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.core.notices import Doubt, Quality
from sync.core.records import RecordsStore
from sync.engine.reconcile import BRAKE
from sync.proofs import last_proof
from sync.usage import standings


@dataclass(frozen=True, slots=True)
class Gates:
    """How old knowledge may be; zero days: no proof is asked for."""

    proof: timedelta = timedelta(days=8)
    heard: timedelta = timedelta(hours=2)


def quality(
    store: RecordsStore, connections: Sequence[str], *, gates: Gates, now: datetime, unbalanced: Sequence[str] = ()
) -> Quality:
    """Return every doubt. `unbalanced` are onboardings whose hours do not add up.

    A doubt's incident has the day in it where the trouble may come and go: it is told once a day.
    """
    doubts = [*_proof(store, gates, now), *_vendors(store, connections, gates, now)]
    if brake := store.cursor("engine", BRAKE):
        doubts.append(Doubt(f"A brake is engaged: {brake.rstrip('.')}", f"brake:{now.date()}"))
    doubts += [Doubt(f"The hours of {key} do not add up", f"hours:{key}") for key in unbalanced]
    return Quality(tuple(doubts))


def _proof(store: RecordsStore, gates: Gates, now: datetime) -> Iterator[Doubt]:
    if not gates.proof:
        return
    proof = last_proof(store)
    if proof is None:
        yield Doubt("Nothing was compared yet: `closedwon verify` does it", "never proven")
    elif not proof.sound:
        yield Doubt(f"The proof of {_minute(proof.at)} was not sound: {proof.words}", f"proof:{proof.incident}")
    elif now - proof.at > gates.proof:
        yield Doubt(f"The last proof is of {_minute(proof.at)}", f"old proof:{proof.at.date()}")


def _vendors(store: RecordsStore, connections: Sequence[str], gates: Gates, now: datetime) -> Iterator[Doubt]:
    paused = standings(store, now)
    for name in connections:
        heard = store.advanced_at(name, "changes")
        stands = paused.get(name)
        if heard is None:
            yield Doubt(f"{name} was never asked what changed", f"{name}:never")
        elif now - heard > gates.heard:
            yield Doubt(f"{name} was last heard at {_minute(heard)}", f"{name}:{now.date()}")
        elif stands is not None and stands.code and stands.paused_until:
            yield Doubt(f"{name} cannot be reached at present ({stands.code})", f"{name}:{now.date()}")


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
