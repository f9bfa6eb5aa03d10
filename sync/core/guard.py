"""The brakes: refuses a set of plans that would change more than a person would expect.

Called by `sync.engine` between plan and apply. It only judges; engaging and releasing the brake is the engine's and the
operator's business. The RevOps engineer's one fear is a mass wrong write, so a brake errs towards stopping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop. Shares are of what was looked at; `floor` is the number under which no share counts."""

    changed_share: float = 0.5
    missing_share: float = 0.2
    floor: int = 100


@dataclass(frozen=True, slots=True)
class Tally:
    """What one batch saw and wants, for one connection. Creates are not counted: they overwrite nothing."""

    connection: str
    bound: int
    seen: int
    missing: int
    updates: int


class Unsafe(Exception):
    """The batch was not applied. The message says what was too much and how to go on."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def doubtful(tallies: Iterable[Tally], limits: Limits) -> bool:
    """Tell whether a side shows so little that it is asked once more before a brake stops all for a person.

    Vendors say falsely, now and then, that a whole sheet is not there.
    """
    return any(
        each.bound >= limits.floor
        and (each.seen == 0 or each.bound - each.seen > max(limits.floor, each.bound * limits.missing_share))
        for each in tallies
    )


def check_safe(tallies: Iterable[Tally], limits: Limits) -> None:
    """Raise Unsafe when a side is emptied, too much is missing, or too large a share would be changed."""
    release = "Nothing was written. Look at `closedwon plan`, then let it pass once with `closedwon release`."
    for tally in tallies:
        if tally.bound >= limits.floor and tally.seen == 0:
            raise Unsafe(
                f"{tally.connection} shows none of {tally.bound} records that it held before. Check its permissions "
                f"(`closedwon doctor`). {release}",
                code="BRAKE-EMPTY-01",
            )
        if tally.missing > max(limits.floor, tally.bound * limits.missing_share):
            raise Unsafe(
                f"{tally.connection} no longer shows {tally.missing} of {tally.bound} records. {release}",
                code="BRAKE-MISSING-01",
            )
        if tally.updates > max(limits.floor, tally.bound * limits.changed_share):
            raise Unsafe(
                f"{tally.updates} of {tally.bound} records at {tally.connection} would change. {release}",
                code="BRAKE-SHARE-01",
            )


def tally(connection: str, *, bound: int, seen: int, missing: int, updates: Mapping[str, int]) -> Tally:
    """Build one connection's tally."""
    return Tally(connection, bound, seen, missing, updates.get(connection, 0))
