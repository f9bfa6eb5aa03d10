"""The contract for plans that are there already, made by hand or by another tool: find them, and make them ours.

Fulfilled by `connectors.<vendor>.existing` (and by third parties), called by `sync.engine.existing`. A connector that
can has a method `existing`, see `TakesOver`; where it lacks, what another tool made there is not recognised.

What counts as the same plan is never decided here: a connector finds what may be, in few calls for many, and the
engine compares. Finding may lag as the vendor's search does: what was made a minute ago by hand may be missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from connectors.base import Record, Ref, Update, WriteResult


class Existing(Protocol):
    """What is at one connection, ours or not. Reads raise ConnectorErrors; `take_over` never does."""

    def lookup(self, field: str, values: Sequence[str]) -> Iterator[Record]:
        """Find PLANs, ours or not, whose text `field` may hold one of these; some more do no harm.

        A few calls, however many values: the vendor is asked for fifty at once, or lists all. Raises Refused for a
        field that plans do not have there.
        """
        ...

    def contents(self, plans: Sequence[Ref]) -> Iterator[Record]:
        """Read every TASK that lies in these plans, ours or not, with its plan's id as container."""
        ...

    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        """Write each Update's write key into its record, which nobody's is yet, and its fields, which are empty there.

        With the key goes whatever else makes it one of ours: labels, columns that are lacking. It may be repeated:
        the second time changes nothing.
        """
        ...

    def price(self, records: Sequence[Update]) -> int:
        """Return about how many calls `take_over` would need for these; makes none."""
        ...


@runtime_checkable
class TakesOver(Protocol):
    """A connector that can find and take over what is there already."""

    def existing(self) -> Existing | None:
        """Return what finds it; None where the settings leave it no place, as in shared sheets."""
        ...
