"""The contract that every connector fulfils, and the plain records that cross it.

Implemented by `connectors.<vendor>` and by third parties (entry-point group `closedwon.connectors`), held to by
`connectors.conformance`, called by `sync.engine`, `sync.doctor` and the other shells above. It knows no vendor.

Values cross in the vendor's own field names but as plain Python: no vendor JSON, no rich text, no vendor's date
strings. What they *mean* is said by `mappings`, never here. A connector never decides what to write, never holds state
but caches and its `Memory`, never sleeps for longer than its pace demands, and never logs a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from connectors.errors import ConnectorError

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


class Capability(StrEnum):
    """What a connector can do; the engine gives each connection its part by these."""

    DEALS = "deals"
    """Reads deals and takes roll-ups: `deals`, `changes`, `write` of Upserts."""
    TASKS = "tasks"
    """Holds plans and tasks: `fetch`, `changes`, `find`, `write` of Creates and Updates."""
    TIME = "time"
    """Has time entries: `time_changes`, `time_entries`, `containers`."""


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
    """A deal's line items."""
    links: tuple[Fields, ...] = ()
    """The onboarding records that the CRM already holds for this deal: a lost store never means a second plan."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make a record that must exist once. An intent with this `write_key` is on disk before a connector sees this.

    `plan` is the plan's Ref for a TASK, None for a PLAN. `size` tells, for a PLAN, how many tasks will follow.
    """

    write_key: str
    kind: Kind
    fields: Fields
    plan: Ref | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Update:
    """Change these fields (and no others) of a record."""

    write_key: str
    kind: Kind
    ref: Ref
    fields: Fields


@dataclass(frozen=True, slots=True)
class Upsert:
    """Create or change the record that carries this key in a unique field of the vendor's; idempotent at the vendor."""

    write_key: str
    kind: Kind
    fields: Fields


Write: TypeAlias = Create | Update | Upsert


@dataclass(frozen=True, slots=True)
class Written:
    """The vendor confirmed this write.

    `fields` are the values as the vendor stored them, or None where its answer does not show them.
    """

    write: Write
    ref: Ref
    fields: Fields | None = None
    version: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """This write did not succeed, or its outcome is Unknown; the others of the batch are not affected."""

    write: Write
    error: ConnectorError


WriteResult: TypeAlias = Written | Failed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A create whose outcome is unknown: what to look for. `mark` is what `Connector.mark` said before the attempt."""

    write_key: str
    kind: Kind
    plan: Ref | None
    mark: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class DealQuery:
    """Which deals to read: these ids, or those won between two dates (both inclusive, by the deal's close date)."""

    ids: tuple[str, ...] = ()
    won_since: date | None = None
    won_until: date | None = None


@dataclass(frozen=True, slots=True)
class Deals:
    """A stream of deals. The first page has been read already; `total` is what the vendor said the query matches."""

    records: Iterator[Record]
    total: int | None = None

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the records, reading pages as they are needed."""
        return self.records


@dataclass(frozen=True, slots=True)
class PlanRefs:
    """What `fetch` is asked for: an onboarding's plan and its bound tasks at this connection."""

    plan: Ref
    tasks: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What may have changed since a cursor; ids may repeat between calls, since overlaps are meant.

    `touched` holds ids of records or of their containers. `deals` holds the changed deals
    without their line items, so that a sweep stays one call; the engine reads by id those that it needs whole.
    """

    cursor: str
    touched: frozenset[str] = frozenset()
    deals: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeEntry:
    """A person's logged time on one record; `started` and `updated` are aware."""

    id: str
    record_id: str
    author: str
    seconds: int
    started: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class TimeChanges:
    """Time entries added or changed, and ids of removed ones, since a cursor."""

    cursor: str
    entries: tuple[TimeEntry, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field as the vendor describes it to us; a field that we may not see is absent."""

    name: str
    label: str
    type: str
    writable: bool
    required: bool = False
    unique: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()
    """The only values allowed, where the vendor restricts them."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The vendor's present fields for each kind of record that we use."""

    objects: Mapping[Kind, tuple[FieldSchema, ...]]


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: what was checked, how it stands, the exact repair, and the vendor's name of what lacks."""

    level: Level
    code: str
    message: str
    repair: str = ""
    missing: str = ""


class Memory(Protocol):
    """A connector's own durable notes (column ids, a high-water mark), kept by the store; written through at once."""

    def get(self, key: str) -> str | None:
        """Return the note or None."""
        ...

    def put(self, key: str, value: str) -> None:
        """Keep the note durably before returning."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Hold a name against all other processes, one at a time in a thread; raises TryLater when it stays taken.

        Inside, `get` shows what others put before.
        """
        ...


class Meter(Protocol):
    """Told of every vendor call; paces and counts. One per connection, shared by its threads."""

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait for a place under the quota; raises TryLater when that would take too long."""
        ...

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Take note of an answer; status 0 when there was none."""
        ...


class Connector(Protocol):
    """One configured vendor. Methods not covered by `capabilities` raise NotImplementedError and are never called.

    Reads raise ConnectorErrors. `write` never raises for a vendor's failure: each write gets its own result.
    """

    name: str
    capabilities: frozenset[Capability]

    def deals(self, query: DealQuery) -> Deals:
        """Stream deals with their line items and links, in a stable order, a page held at a time.

        By ids: those that exist, won or not. By dates: won ones only.
        """
        ...

    def changes(self, cursor: str) -> Changes:
        """Say what may have changed; "" as cursor means from now on. Idle cost: 1 call, however many records."""
        ...

    def time_changes(self, cursor: str) -> TimeChanges:
        """Say which time entries changed; "" as cursor means from the beginning. Idle cost: 2 calls."""
        ...

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        """Read time entries in full, or just these as they are now: what `verify` holds the ledger against.

        A removed one does not come. Of those changed within the vendor's lag some may lack, unless asked for by id.
        """
        ...

    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Say which record holds each of these (a task's plan, a sub-task's task); what nothing holds is absent."""
        ...

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        """Read plans and their tasks as they are now, past any search index.

        A record that was asked for and does not come is missing *or invisible*: never delete anything for it.
        """
        ...

    def mark(self) -> str:
        """Return a note to keep with an intent before a create, for `find`; "" where none is needed."""
        ...

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look up creates of unknown outcome by a way without lag; several records for one key are duplicates."""
        ...

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Carry writes out in as few calls as the vendor allows; yield results as calls complete, any order."""
        ...

    def price(self, writes: Sequence[Write]) -> int:
        """Return how many calls `write` would need for these; makes none. Retries are not foreseen."""
        ...

    def inventory(self) -> Iterator[Record]:
        """List every record here that carries a write key of ours, doubles included: what `verify` counts and compares.

        Complete rather than cheap. Where a vendor's index lags, it is read by a way that does not.
        """
        ...

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        """Return the values as this vendor would store and show them (lengths, precision), without a call."""
        ...

    def describe(self) -> Schema:
        """Read the vendor's present schema."""
        ...

    def check(self) -> Iterable[Finding]:
        """Check sign-in, permissions and settings for `doctor`; a vendor's failure becomes a finding, never raises."""
        ...

    def close(self) -> None:
        """Close sessions."""
        ...


@dataclass
class DictMemory:
    """A Memory that lasts as long as the process, for tests, previews and the conformance suite."""

    notes: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str | None:
        """Return the note or None."""
        return self.notes.get(key)

    def put(self, key: str, value: str) -> None:
        """Keep the note."""
        self.notes[key] = value

    def alone(self, _name: str) -> AbstractContextManager[None]:
        """Hold nothing: there is no other process."""
        return nullcontext()


class FreeMeter:
    """A Meter that counts and never waits."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Let the call pass."""
        del cost
        self.calls[endpoint] = self.calls.get(endpoint, 0) + 1

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Forget the answer."""
