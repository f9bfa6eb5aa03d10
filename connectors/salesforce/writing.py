"""Writing onboarding records (and mapped opportunity fields) by sObject Collections, 200 a call.

Used by `connector`. All of it may be repeated: an upsert goes by a unique key, an update sets fixed values. A bad
record never costs the others: `allOrNone` is false, and a call refused as a whole is split.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Failed, Kind, Ref, Update, Upsert, Write, WriteResult, Written
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater
from connectors.salesforce import failures
from connectors.salesforce.bulk import JOB_CALLS, BulkUpsert, JobFailed
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.settings import DEAL, SalesforceSettings
from connectors.salesforce.values import wire

_SIZES = (200, 50, 10, 1)
"""Records a call, the first time and whenever locks held some of it back; 200 is Salesforce's limit."""
_JOB = 50_000
"""Records a bulk job: some 25 MB of the 100 MB that one may hold."""
_BY_ID = "composite/sobjects"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a kind of write goes: the call's path, the object's type and the field that names the record."""

    path: str
    type: str
    id_field: str


class Writer:
    """Carries writes out against one org."""

    def __init__(self, client: SalesforceClient, *, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._bulk = BulkUpsert(client, sleep=sleep)
        self._sleep = sleep

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Yield each write's result as calls complete; never raises for a vendor's failure."""
        sorted_out = self._sorted(writes)
        for write in sorted_out.pop(None, ()):
            yield Failed(write, _misplaced(write, self._client.settings))
        halted: ConnectorError | None = None
        for target, chosen in sorted_out.items():
            assert target is not None, "popped above"
            for chunk, job in self._cut(target, chosen):
                if halted is not None:
                    yield from _fail(chunk, halted)
                    continue
                for result in self._in_bulk(target, chunk) if job else self._carry(target, chunk):
                    yield result
                    if isinstance(result, Failed) and _concerns_all(result.error):
                        halted = result.error

    def price(self, writes: Sequence[Write]) -> int:
        """Return how many calls these need when nothing goes wrong and a bulk job is done at the first look."""
        price = 0
        for target, chosen in self._sorted(writes).items():
            if target is not None:
                price += sum(JOB_CALLS if job else 1 for _, job in self._cut(target, chosen))
        return price

    def _sorted(self, writes: Sequence[Write]) -> dict[Target | None, list[Write]]:
        """Sort writes by where they go; those which Salesforce has no place for under None."""
        by_target: dict[Target | None, list[Write]] = {}
        for write in writes:
            by_target.setdefault(target_of(write, self._client.settings), []).append(write)
        return by_target

    def _cut(self, target: Target, chosen: Sequence[Write]) -> Iterator[tuple[list[Write], bool]]:
        """Cut writes into calls, or into bulk jobs (True) where they are many and go by key."""
        job = target.path != _BY_ID and len(chosen) > self._client.settings.bulk_above
        return ((chunk, job) for chunk in chunks(chosen, _JOB if job else _SIZES[0]))

    def _in_bulk(self, target: Target, chunk: Sequence[Write]) -> Iterator[WriteResult]:
        """Run one job; what it leaves undone for a passing reason, or could not begin, goes by Collections after it."""
        left: list[Write] = []
        try:
            for result in self._bulk.run(target.type, target.id_field, chunk):
                if isinstance(result, Failed) and _worth_repeating(result.error, 0):
                    left.append(result.write)
                else:
                    yield result
        except (Refused, JobFailed):
            # Collections find out which record or field is to blame.
            left.extend(chunk)
        except ConnectorError as error:
            yield from _fail(chunk, error)
        for part in chunks(left, _SIZES[0]):
            yield from self._carry(target, part)

    def _carry(self, target: Target, chunk: Sequence[Write]) -> Iterator[WriteResult]:
        """Send a chunk; what only a lock or a race held back is sent again in ever smaller calls."""
        waiting: list[Failed] = [Failed(write, _unsent()) for write in chunk]
        for attempt, size in enumerate(_SIZES):
            if attempt:
                self._sleep(2.0 ** (attempt - 1))
            again: list[Failed] = []
            for part in chunks([failed.write for failed in waiting], size):
                for result in self._send(target, part):
                    if isinstance(result, Failed) and _worth_repeating(result.error, attempt):
                        again.append(result)
                    else:
                        yield result
            if not again:
                return
            waiting = again
        yield from waiting

    def _send(self, target: Target, part: Sequence[Write]) -> Iterator[WriteResult]:
        """Make one call; where it is refused as a whole, find out for whose sake."""
        body = {"allOrNone": False, "records": [_record(target, write) for write in part]}
        try:
            answers = self._client.call("PATCH", target.path, body=body).payload
            if not isinstance(answers, list) or [type(answer) for answer in answers] != [dict] * len(part):
                raise failures.strange()
        except Refused as error:
            yield from self._split(target, part, error)
        except ConnectorError as error:
            yield from _fail(part, error)
        else:
            for write, answer in zip(part, answers, strict=True):
                yield self._result(write, answer)

    def _split(self, target: Target, part: Sequence[Write], error: Refused) -> Iterator[WriteResult]:
        guilty = [write for write in part if error.field and error.field in write.fields]
        if len(part) == 1:
            yield Failed(part[0], error)
        elif guilty:
            yield from _fail(guilty, error)
            innocent = [write for write in part if error.field not in write.fields]
            if innocent:
                yield from self._send(target, innocent)
        else:
            middle = len(part) // 2
            yield from self._send(target, part[:middle])
            yield from self._send(target, part[middle:])

    def _result(self, write: Write, answer: Mapping[str, Any]) -> WriteResult:
        if answer.get("success"):
            record_id = write.ref.id if isinstance(write, Update) else str(answer.get("id") or "")
            if not record_id:
                return Failed(write, failures.strange())
            return Written(write, Ref(record_id), url=self._client.settings.link(record_id))
        errors = answer.get("errors") or [{}]
        return Failed(write, failures.explain_record(failures.told(errors[0]), key=write.write_key))


def target_of(write: Write, settings: SalesforceSettings) -> Target | None:
    """Return where a write goes, None where Salesforce takes no such write from us."""
    onboarding = settings.onboarding_object
    if settings.on_deal and write.kind is Kind.ONBOARDING:
        # The key is the deal's own Id. Salesforce's own fields (Name, StageName) are nobody's roll-up.
        custom = all(name.endswith("__c") for name in write.fields)
        return Target(_BY_ID, DEAL, "id") if custom else None
    if write.kind is Kind.ONBOARDING and isinstance(write, Upsert) and onboarding:
        path = f"composite/sobjects/{onboarding}/{settings.onboarding_key}"
        return Target(path, onboarding, settings.onboarding_key)
    if write.kind is Kind.ONBOARDING and isinstance(write, Update) and onboarding:
        return Target(_BY_ID, onboarding, "id")
    if write.kind is Kind.DEAL and isinstance(write, Update):
        return Target(_BY_ID, "Opportunity", "id")
    return None


def identity(write: Write) -> str:
    """Return what names the record of a write at Salesforce."""
    return write.ref.id if isinstance(write, Update) else write.write_key


def chunks(writes: Iterable[Write], size: int) -> Iterator[list[Write]]:
    """Cut writes into calls, in order; one record comes at most once in a call, since Salesforce refuses twins."""
    rest = list(writes)
    while rest:
        chunk: dict[str, Write] = {}
        later: list[Write] = []
        for write in itertools.islice(rest, size):
            if identity(write) in chunk:
                later.append(write)
            else:
                chunk[identity(write)] = write
        rest = later + rest[size:]
        yield list(chunk.values())


def _record(target: Target, write: Write) -> dict[str, Any]:
    values = {name: wire(value) for name, value in write.fields.items()}
    return {"attributes": {"type": target.type}, **values, target.id_field: identity(write)}


def _worth_repeating(error: ConnectorError, attempt: int) -> bool:
    """Tell a lock, or what a job did not come to; a race for a unique key is decided by the second try."""
    return error.code in {"SF-LOCK-01", "SF-BULK-02"} or (attempt == 0 and error.code == "SF-DUPLICATE-01")


def _concerns_all(error: ConnectorError) -> bool:
    """Tell a failure that every further call would meet as well."""
    return isinstance(error, NotAuthorised) or (isinstance(error, TryLater) and error.scope == "connection")


def _fail(writes: Iterable[Write], error: ConnectorError) -> Iterator[Failed]:
    return (Failed(write, error) for write in writes)


def _unsent() -> TryLater:
    return TryLater("It was not sent yet. It is tried again by itself.", code="SF-LOCK-01", delay=1.0)


def _misplaced(write: Write, settings: SalesforceSettings) -> Refused:
    standard = [name for name in write.fields if not name.endswith("__c")]
    if settings.on_deal and standard:
        return Refused(
            f"Roll-ups on the opportunity go to custom fields only, and {', '.join(standard)} is Salesforce's own: "
            "take it out of the mapping's `onboarding` section.",
            code="SF-STANDARD-01",
        )
    return Refused(
        f"Salesforce takes no {type(write).__name__} of a {write.kind.value} from us. "
        "Set `onboarding_object`, or give this connection another part in mappings.",
        code="SF-KIND-01",
    )
