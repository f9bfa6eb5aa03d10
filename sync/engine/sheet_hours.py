"""Takes hours that people enter in a column (`direction: to ledger only`) as time entries, one per row and column.

Called by `sync.engine.reconcile` with what was observed anyway, so it costs no call. Reading changes nothing in the
store, which is what lets a plan be made without acting: the entries are kept only once a reconcile goes through.

A number that changed replaces its entry, an emptied or deleted one takes it away; a sheet that is not shown changes
nothing. A column has no days: an entry's day is the one on which its number was first seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from connectors.base import Fields, Record, TimeEntry, Value
from mappings.hours import SECONDS_PER_HOUR
from mappings.model import FieldRule, ObjectMapping, Untranslatable
from mappings.transforms import Number
from sync.core.model import PLAN_ITEM, Priority
from sync.core.planned import Snapshot
from sync.core.records import RecordsStore
from sync.engine.observe import Observed, TimeSeen

_EXACT = Number(6)
"""A second is less than three ten-thousandths of an hour."""


def entry_id(record_id: str, rule: FieldRule) -> str:
    """Return the id of the entry that a record's column stands for."""
    return f"{record_id}:{rule.name}"


def seconds_in(rule: FieldRule, fields: Fields) -> int:
    """Return the seconds that a record's column stands for; raises Untranslatable for what is no number."""
    value: Value = _EXACT.get(fields.get(rule.lenses[0].field))
    return round(float(value) * SECONDS_PER_HOUR) if isinstance(value, int | float) else 0


def read_hours(seen: Observed, *, store: RecordsStore, mapping: ObjectMapping, now: datetime) -> Observed:
    """Return what was observed with the tracked seconds as they will be once `seen.time` is kept."""
    rules = [rule for rule in mapping.timed if rule.lenses and rule.lenses[0].connection not in seen.unread]
    if not rules:
        return seen
    logged = store.logged([*seen.snapshots])
    for key, snapshot in seen.snapshots.items():
        known = {
            (each.connection, each.entry.id): (each.item, each.entry)
            for each in logged.get(key, ())
            if ":" in each.entry.id
        }
        tracked = dict(snapshot.onboarding.tracked)
        for rule in rules:
            for item, before, after in _changes(rule, snapshot, known, now):
                name = rule.lenses[0].connection
                tracked[item] = tracked.get(item, 0) + _seconds(after) - _seconds(before)
                if after is not None:
                    if after.record_id != snapshot.onboarding.bound(name)[item].ref.id:
                        seen.time.again.add(key)
                    seen.time.entries.setdefault(name, []).append(after)
                if before is not None and (after is None or after.id != before.id):
                    seen.time.removed.setdefault(name, []).append(before.id)
        if tracked != snapshot.onboarding.tracked:
            seen.snapshots[key] = replace(snapshot, onboarding=replace(snapshot.onboarding, tracked=tracked))
    return seen


def keep_hours(time: TimeSeen, store: RecordsStore) -> None:
    """Keep the entries that were read."""
    for name, entries in time.entries.items():
        store.put_time(name, entries)
    for name, ids in time.removed.items():
        store.drop_time(name, ids)
    store.request(sorted(time.again), Priority.LIVE)


def _changes(
    rule: FieldRule, snapshot: Snapshot, known: Mapping[tuple[str, str], tuple[str, TimeEntry]], now: datetime
) -> Iterator[tuple[str, TimeEntry | None, TimeEntry | None]]:
    """Yield item, entry before and entry after of each number that changed."""
    name = rule.lenses[0].connection
    if name in snapshot.planless:
        return
    mine = {
        item: entry for (at, _), (item, entry) in known.items() if at == name and entry.id.endswith(f":{rule.name}")
    }
    for item in snapshot.onboarding.bound(name):
        if item == PLAN_ITEM:
            continue
        before = mine.get(item)
        try:
            after = _entry(rule, snapshot, item, before, now)
        except Untranslatable:
            continue  # held back by the merge, with a code; what was last read stays
        if before != after:
            yield item, before, after


def _entry(rule: FieldRule, snapshot: Snapshot, item: str, before: TimeEntry | None, now: datetime) -> TimeEntry | None:
    """Return the entry that a row stands for now; one whose number is as it was stays as it is."""
    record: Record | None = snapshot.replicas.get(rule.lenses[0].connection, {}).get(item)
    if record is None:
        return None
    seconds = seconds_in(rule, record.fields)
    name = entry_id(record.ref.id, rule)
    if before is not None and (before.id, before.seconds) == (name, seconds):
        return before
    if not seconds:
        return None
    owner = snapshot.onboarding.base.get(item, {}).get("owner")
    started = before.started if before else now
    return TimeEntry(name, record.ref.id, str(owner or ""), seconds, started, now)


def _seconds(entry: TimeEntry | None) -> int:
    return entry.seconds if entry else 0
