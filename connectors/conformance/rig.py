"""What the suite needs to hold a connector to its contract: a vendor that can be looked at, broken and edited.

Implemented once per connector by whoever runs the suite (a simulator, a sandbox account, an in-memory vendor), used by
the other modules of this package. It never goes through the connector that is tested, except to build it: what the
vendor holds is told by the vendor itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from connectors.base import Connector, Fields, Kind, Ref
from connectors.conformance.sending import Sending

LATE = 20.0
"""Seconds after which a `Break.LATE_COMMIT` is carried out."""

DEAL = "{deal}"
"""A sample's value that stands for the id of the deal which an onboarding belongs to."""


class Break(StrEnum):
    """How a call goes wrong."""

    COMMIT_THEN_DROP = "commit_then_drop"
    """The vendor does it, then the connection is cut without an answer."""
    DROP_BEFORE = "drop_before"
    """The connection is cut and nothing is done."""
    LATE_COMMIT = "late_commit"
    """The connection is cut now, and it is done LATE seconds later."""
    TRUNCATE = "truncate"
    """The vendor does it, and half of the answer arrives."""
    HTML = "html"
    """A gateway answers 502 with a page; nothing is done."""
    RATE_LIMIT = "rate_limit"
    """The vendor answers that there were too many calls; nothing is done."""
    SIGNED_OUT_ONCE = "signed_out_once"
    """The credentials are refused at this call only, as an expired token is; a new sign-in succeeds."""
    SIGNED_OUT = "signed_out"
    """The credentials are refused from now on, new sign-ins included."""
    DOWN = "down"
    """Every call is cut from now on, and nothing is done."""


class At(StrEnum):
    """Which call is meant."""

    CREATE = "create"
    """The next that makes records (or upserts them)."""
    UPDATE = "update"
    """The next that changes records."""
    READ = "read"
    """The next that reads, sign-ins aside."""


class Rig(Protocol):
    """One vendor with one account, empty when the rig is made; a new one for each sentence."""

    @property
    def keyed(self) -> tuple[Kind, ...]:
        """The kinds of record that carry our write key at this vendor, plans before tasks."""
        ...

    @property
    def fields(self) -> Mapping[Kind, tuple[str, ...]]:
        """The fields that the connector is built with, as a mapping would name them."""
        ...

    def build(self) -> Connector:
        """Return a new connector with fresh memory, as after the store was lost."""
        ...

    def reopen(self) -> Connector:
        """Return a new connector with the memory of the one built last, as after a restart."""
        ...

    def secrets(self) -> Sequence[str]:
        """Return every credential in clear, and every form of it that goes over the wire."""
        ...

    def notes(self) -> Mapping[str, str]:
        """Return the memory of the connector built last."""
        ...

    def now(self) -> datetime:
        """Return the vendor's present moment; a connector that sleeps moves it."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def lag(self) -> float:
        """Make indexes, lists and feeds lag as they do on a bad day; return how many seconds may pass at most."""
        ...

    def break_next(self, how: Break, at: At | None = None, *, retry_after: str | None = None) -> None:
        """Break the next call of that sort, or of any; `retry_after` is that header's text in a RATE_LIMIT."""
        ...

    def heal(self) -> None:
        """Break nothing any more; credentials are good again."""
        ...

    def calls(self) -> int:
        """Return how many calls the vendor got so far, sign-ins left out."""
        ...

    def sign_ins(self) -> int:
        """Return how often somebody signed in; 0 for ever where credentials go along with every call."""
        ...

    def count(self, write_key: str) -> int:
        """Return how many records of this write key the vendor holds."""
        ...

    def samples(self, kind: Kind) -> Sequence[Fields]:
        """Return values to write: first a plain set that costs no call beside its create, then every odd one.

        Together they fill each field that may be written, and empty it (None) again. At least two differ in a text.
        """
        ...

    def refused(self, kind: Kind) -> Fields | None:
        """Return values of which the vendor (or the connector on its behalf) refuses one; None where it takes all."""
        ...

    def double(self, kind: Kind, write_key: str, ref: Ref) -> None:
        """Make the vendor hold a second record of this key, as another program or a person's copy brings it about."""
        ...

    def person_edits(self, ref: Ref) -> None:
        """Have a person change a mapped field of a task (where there are tasks), or of a deal."""
        ...

    def person_deletes(self, kind: Kind, ref: Ref) -> None:
        """Have a person delete a record."""
        ...

    def person_plans(self, name: str, tasks: Sequence[str]) -> Ref:
        """Have a person make a plan of this name with tasks of these, and show it at once.

        Needed only where the connector's `existing` gives something; returns where the plan is.
        """
        ...

    def sending(self) -> Sending:
        """Return the vendor as one that sends. Needed only where the connector's `events` gives something."""
        ...

    def win_deal(self, closed: date, *, lines: int = 1, won: bool = True) -> str:
        """Have a deal made, and won on this day unless it stays open; return its id. Needed for DEALS only."""
        ...

    def log_time(self, ref: Ref, seconds: int) -> str:
        """Have a person log time; return the entry's id. Needed for TIME only, as are the next four."""
        ...

    def seconds(self, ref: Ref) -> int:
        """Return how many seconds the vendor holds on a record."""
        ...

    def edit_time(self, entry: str, seconds: int) -> None:
        """Have a person change how long it was."""
        ...

    def move_time(self, entry: str, ref: Ref) -> None:
        """Have a person move an entry to another record; does nothing where the vendor knows no such thing."""
        ...

    def delete_time(self, entry: str) -> None:
        """Have a person delete an entry."""
        ...
