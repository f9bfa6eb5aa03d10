"""What a vendor holds, as it crosses the contract: plain values, records, time entries.

Part of `connectors.base`, from which everybody takes these names. No vendor JSON, no rich text, no vendor's date
strings; what the values mean is said by `mappings`, never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | date | datetime | tuple[str, ...] | None
"""One plain value. Dates are `date`, moments are aware `datetime`, durations are seconds as `int`, choices are text."""

Fields: TypeAlias = Mapping[str, Value]
"""Values by the vendor's own field name (`StageName`, `duedate`, a sheet's column title). None means empty."""


class Kind(StrEnum):
    """What a record is to us."""

    DEAL = "deal"
    """An opportunity; read only."""
    LINE = "line"
    """A deal's line item; comes inside its deal, as `Record.lines`."""
    ONBOARDING = "onboarding"
    """The CRM's record of an onboarding, which carries the roll-ups; ours alone to write."""
    PLAN = "plan"
    """What holds an onboarding's tasks at a vendor: a Jira epic, a Smartsheet sheet."""
    TASK = "task"
    """A task or milestone: a Jira issue, a Smartsheet row."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a record lives: the vendor's stable id, and the plan's id where the vendor files records under one."""

    id: str
    container: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the vendor shows it now."""

    kind: Kind
    ref: Ref
    fields: Fields
    write_key: str = ""
    """Our identity as stored in the vendor's record; "" when the record is not ours or a person cleared it."""
    version: str = ""
    """The vendor's mark of this state (a stamp, a counter); opaque, compared for equality only."""
    url: str = ""
    """Where a person opens it."""
    deleted: bool = False
    lines: tuple[Fields, ...] = ()
    """A deal's line items; "Id" is a line's own lasting id, where the vendor has one."""
    links: tuple[Fields, ...] = ()
    """The onboarding records that the CRM already holds for this deal: a lost store never means a second plan."""


@dataclass(frozen=True, slots=True)
class TimeEntry:
    """A person's logged time on one record; `started` and `updated` are aware."""

    id: str
    record_id: str
    author: str
    seconds: int
    started: datetime
    updated: datetime
