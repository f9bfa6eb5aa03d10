"""The hours ledger: every logged second in exactly one bucket, with the reason why.

Called for roll-ups, by `closedwon hours`, reports and `verify`. Pure: the same entries, rules, terms and day give the
same ledger. Buckets are worked out whenever they are asked for and never stored, so that they cannot drift from the
entries (docs/decisions/0019). It drops nothing: what fits nowhere is rejected or unattributed, and shown as such.

The first of these that applies has an entry: rejected (it cannot be meant), unattributed (on nobody's record),
non-billable, out of period, counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from enum import StrEnum

from connectors.base import Fields
from mappings.conditions import NotEvaluated, Scope
from mappings.hours import COUNTED, SECONDS_PER_HOUR, HourRules, Rate, Terms
from sync.core.dossier import Dossier, Logged, Task
from sync.core.model import PLAN_ITEM

_EPOCH = date(2000, 1, 1)


class Bucket(StrEnum):
    """Where an entry's seconds lie; exactly one."""

    COUNTED = "counted"
    """Worked for the contract."""
    NON_BILLABLE = "non_billable"
    OUT_OF_PERIOD = "out_of_period"
    """Before the contract's term, or after it."""
    UNATTRIBUTED = "unattributed"
    """On a record that belongs to no task of a plan."""
    REJECTED = "rejected"
    """It cannot be meant: see its reason."""


TO_FIX = frozenset({Bucket.OUT_OF_PERIOD, Bucket.UNATTRIBUTED, Bucket.REJECTED})
"""Buckets that a person should look into."""


class NotConserved(AssertionError):
    """Seconds were lost or invented between entries and buckets: a defect of ours, never of the data."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask of the task that an entry lies on; empty for the plan itself and for unplanned records."""

    item: str = ""
    name: str = ""
    phase: str = ""
    role: str = ""
    audience: str = ""
    status: str = ""
    owner: str = ""
    milestone: bool = False
    critical: bool = False
    billable: bool = True

    @classmethod
    def of(cls, item: str, fields: Fields) -> Facts:
        """Take the facts from a task's canonical fields."""
        words = {name: str(fields.get(name) or "") for name in _WORDS}
        return cls(
            item,
            **words,
            milestone=bool(fields.get("milestone")),
            critical=bool(fields.get("critical")),
            billable=fields.get("billable") is not False,
        )

    @classmethod
    def of_task(cls, task: Task) -> Facts:
        """Take the facts from a dossier's task."""
        words = {name: str(getattr(task, name)) for name in _WORDS}
        return cls(task.item, **words, milestone=task.milestone, critical=task.critical, billable=task.billable)


_WORDS = ("name", "phase", "role", "audience", "status", "owner")


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry in its bucket. `day` is its day in the business zone, `author` an e-mail where the mapping knows it.

    `charged` is what the contract pays for it: its seconds by the weight of its role, 0 unless it is counted.
    """

    logged: Logged
    bucket: Bucket
    reason: str
    day: date
    author: str
    role: str = ""
    charged: int = 0
    value: float = 0.0

    @property
    def seconds(self) -> int:
        """The seconds as the vendor has them, below nought included."""
        return self.logged.entry.seconds


@dataclass(frozen=True, slots=True)
class Ledger:
    """The placed entries of one onboarding, or of none (`key` ""); raises NotConserved when a second is missing."""

    key: str
    entries: tuple[Placed, ...]
    total: int
    """The seconds of all entries that were to be placed, summed before they were."""
    seconds: Mapping[Bucket, int] = field(init=False)

    def __post_init__(self) -> None:
        sums = dict.fromkeys(Bucket, 0)
        for placed in self.entries:
            sums[placed.bucket] += placed.seconds
        object.__setattr__(self, "seconds", sums)
        if sum(sums.values()) != self.total:
            off = sum(sums.values()) - self.total
            raise NotConserved(f"The buckets of {self.key or 'nobody'} are {off} seconds off their entries.")

    @property
    def counted(self) -> int:
        """Seconds worked for the contract."""
        return self.seconds[Bucket.COUNTED]

    @property
    def charged(self) -> int:
        """Seconds that the contract pays: counted ones by the weights of their roles."""
        return sum(placed.charged for placed in self.entries)

    @property
    def value(self) -> float:
        """What the counted time is worth by the rates of its roles; 0 where the contract has none."""
        return round(sum(placed.value for placed in self.entries), 2)

    def in_(self, *buckets: Bucket) -> tuple[Placed, ...]:
        """Return the entries of these buckets, in order."""
        return tuple(placed for placed in self.entries if placed.bucket in buckets)

    def sums(self, of: Callable[[Placed], str]) -> dict[str, dict[Bucket, int]]:
        """Sum seconds by whatever `of` tells of an entry (its item, author, role), then by bucket; sorted."""
        found: dict[str, dict[Bucket, int]] = {}
        for placed in self.entries:
            mine = found.setdefault(of(placed), dict.fromkeys(Bucket, 0))
            mine[placed.bucket] += placed.seconds
        return dict(sorted(found.items()))


def ledger_of(dossier: Dossier, rules: HourRules, today: date) -> Ledger:
    """Return an onboarding's ledger as of a day."""
    tasks = {task.item: Facts.of_task(task) for task in dossier.tasks}
    terms = Terms.of(dossier.plan, dossier.deal)
    return ledger(dossier.logged, rules=rules, terms=terms, tasks=tasks, today=today, key=dossier.key)


def ledger(
    logged: Iterable[Logged],
    *,
    rules: HourRules,
    terms: Terms | None = None,
    tasks: Mapping[str, Facts] | None = None,
    today: date,
    key: str = "",
) -> Ledger:
    """Place entries; `tasks` are the facts of the plan's tasks by item. Keeps their order."""
    given = tuple(logged)
    placing = _Placing(rules, terms or Terms(), tasks or {}, today)
    entries = tuple(map(placing.place, given))
    return Ledger(key, entries, sum(each.entry.seconds for each in given))


def place(
    logged: Logged, *, rules: HourRules, terms: Terms, tasks: Mapping[str, Facts] | None = None, today: date
) -> Placed:
    """Place one entry."""
    return _Placing(rules, terms, tasks or {}, today).place(logged)


class _Placing:
    """The rules of one onboarding, applied to entry after entry."""

    def __init__(self, rules: HourRules, terms: Terms, tasks: Mapping[str, Facts], today: date) -> None:
        self._rules, self._terms, self._tasks = rules, terms, tasks
        self._latest = today + timedelta(days=rules.future_days)

    def place(self, logged: Logged) -> Placed:
        entry = logged.entry
        day = entry.started.astimezone(self._rules.zone).date()
        facts = self._tasks.get(logged.item, Facts())
        author = self._rules.people.get(logged.connection, {}).get(entry.author, entry.author)
        role = self._rules.roles.get(author) or facts.role
        rate = self._terms.rates.get(role)
        bucket, reason = self._bucket(logged, day, facts, author, role)
        if bucket is not Bucket.COUNTED:
            return Placed(logged, bucket, reason, day, author, role)
        rate = rate or Rate()
        charged = round(entry.seconds * rate.weight)
        value = entry.seconds * rate.price / SECONDS_PER_HOUR
        return Placed(logged, bucket, reason, day, author, role, charged, value)

    def _bucket(self, logged: Logged, day: date, facts: Facts, author: str, role: str) -> tuple[Bucket, str]:
        if wrong := self._wrong(logged, day):
            return Bucket.REJECTED, wrong
        if nobody := self._nobody(logged):
            return Bucket.UNATTRIBUTED, nobody
        try:
            if free := self._free(logged, day, facts, author):
                return Bucket.NON_BILLABLE, free
        except NotEvaluated as error:
            return Bucket.REJECTED, f"the rule for non-billable time cannot be applied: {error}"
        if not self._terms.covers(day):
            start, end = self._terms.start or "…", self._terms.end or "…"
            return Bucket.OUT_OF_PERIOD, f"the contract runs from {start} to {end}"
        if self._terms.rates and role not in self._terms.rates and self._rules.without_rate != COUNTED:
            return Bucket.REJECTED, f"the contract has no rate for {role or 'time without a role'}"
        return Bucket.COUNTED, ""

    def _wrong(self, logged: Logged, day: date) -> str:
        seconds = logged.entry.seconds
        if seconds <= 0:
            return "no time was worked: it is nought or less"
        if seconds > self._rules.longest_hours * SECONDS_PER_HOUR:
            return f"one entry of more than {self._rules.longest_hours:g} hours"
        if day < _EPOCH:
            return "it was started before 2000"
        return "it was started in the future" if day > self._latest else ""

    def _nobody(self, logged: Logged) -> str:
        if not logged.key:
            return "its record belongs to no plan"
        if logged.item in self._tasks:
            return ""
        if logged.item == PLAN_ITEM:
            return "" if self._rules.on_plan == COUNTED else "it is logged on the plan itself, not on a task"
        return "" if self._rules.unplanned == COUNTED else "its record lies in the plan but is no task of it"

    def _free(self, logged: Logged, day: date, facts: Facts, author: str) -> str:
        rules = self._rules
        if not facts.billable:
            return "its task is not billable"
        if {author.lower(), logged.entry.author} & rules.non_billable_authors:
            return "its author's time is not billable"
        if rules.non_billable_when is None or not rules.non_billable_when.test(_scope(logged, day, facts, author)):
            return ""
        return f"by rule: {rules.non_billable_when.text}"


_TASK_NAMES = tuple(Facts.__dataclass_fields__)


def _scope(logged: Logged, day: date, facts: Facts, author: str) -> Scope:
    entry = logged.entry
    shown = {
        "author": author,
        "connection": logged.connection,
        "day": day.isoformat(),
        "hours": entry.seconds / SECONDS_PER_HOUR,
        "record": entry.record_id,
        "seconds": float(entry.seconds),
        "started": entry.started.astimezone(UTC).isoformat(),
    }
    return Scope.of({"entry": shown, "task": {name: getattr(facts, name) for name in _TASK_NAMES}})


def merged(ledgers: Sequence[Ledger]) -> dict[Bucket, int]:
    """Sum several ledgers by bucket."""
    return {bucket: sum(each.seconds[bucket] for each in ledgers) for bucket in Bucket}
