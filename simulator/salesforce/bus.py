"""The event bus of Change Data Capture: what the org tells of committed changes, kept for 72 hours.

Filled by `vendor` after each call and each person's doing, read by `pubsub`, which serves it. Only objects in the knob
`cdc_objects` are told of, as an admin selects them in Setup. It encodes nothing and opens no port.

Sources: Change Data Capture guide, "ChangeEventHeader Fields", "Merged Change Events", "Gap Events", "Overflow Events",
"General Considerations"; Pub/Sub API guide, "Event Message Durability".
"""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from simulator.salesforce.org import Org
from simulator.salesforce.schema import Field, ObjectType
from simulator.salesforce.store import Change
from simulator.salesforce.values import Values, seconds_of

KEPT_SECONDS = 72 * 3600
NO_RECORD = "000000000000000AAA"
"""What an overflow event names as its record."""
PEOPLE = "com/salesforce/api/soap/68.0;client=SfdcInternalAPI/"
"""Where a change comes from that a person made in the pages."""

CHANGE_TYPES = ("CREATE", "UPDATE", "DELETE", "UNDELETE")
GAPS = tuple(f"GAP_{name}" for name in CHANGE_TYPES)
OVERFLOW = "GAP_OVERFLOW"
_UNTOLD = frozenset({"Id", "IsDeleted", "SystemModstamp"})
_LISTS = ("nulledFields", "diffFields", "changedFields")
_ABOUT = ("entityName", "recordIds", "changeType", "changeOrigin", "transactionKey", "sequenceNumber")
_HEADER = (*_ABOUT, "commitTimestamp", "commitNumber", "commitUser", *_LISTS)
_AVRO = {"boolean": "boolean", "int": "long", "date": "long", "datetime": "long"}
_AVRO |= dict.fromkeys(("double", "currency", "percent"), "double")


class BadReplay(Exception):
    """A replay id that the bus cannot go on from; `code` is the last part of Salesforce's own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Published:
    """One event on the bus. `record` is what its payload says, under the schema of that id."""

    number: int
    at: float
    object: str
    id: str
    schema_id: str
    record: dict[str, Any]

    @property
    def replay_id(self) -> bytes:
        """The event's place on the bus, as subscribers see it."""
        return replay_id(self.number)


@dataclass
class _Told:
    """What one transaction did to records that changed alike: one event tells of them all."""

    kind: ObjectType
    type: str
    fields: Values
    changed: tuple[str, ...]
    author: str
    ids: list[str] = field(default_factory=list)


def replay_id(number: int) -> bytes:
    """Return the opaque bytes of a place on the bus."""
    return number.to_bytes(8, "big") + b"\0\0"


def topic_of(object_name: str) -> str:
    """Return the topic of one object's events."""
    stem = object_name[:-1] if object_name.endswith("__c") else object_name
    return f"/data/{stem}ChangeEvent"


class Bus:
    """The events of one org. Callers hold the world's lock."""

    def __init__(self, org: Org, knobs: Mapping[str, Any], seed: int) -> None:
        self.schemas: dict[str, dict[str, Any]] = {}
        """Avro schemas by id; one of before an admin's change is kept, since its events are."""
        self._org = org
        self._knobs = knobs
        self._dice = random.Random(seed)
        self._events: list[Published] = []
        self._places: dict[int, float] = {}
        self._number = 5_900_000
        self._transactions = 0

    # Publishing.

    def publish(self, changes: Iterable[Change], origin: str) -> None:
        """Tell of the changes of one transaction."""
        selected = set(self._knobs["cdc_objects"])
        mine = [change for change in changes if change.kind in selected]
        if not mine:
            return
        self._transactions += 1
        within, beyond = self._cut(_merged(self._org, mine))
        whole = [told for told in within if not self._too_large(told)]
        gaps = _gaps(told for told in within if self._too_large(told))
        kinds = {told.kind.name: told.kind for told in beyond}
        overflows = [_Told(kind, OVERFLOW, {}, (), "", [NO_RECORD]) for kind in kinds.values()]
        for place, told in enumerate([*whole, *gaps, *overflows], 1):
            self._append(told, place, origin if told in whole else "")

    def convert(self, kind: ObjectType) -> None:
        """Tell that a field's type was changed, which may have changed every record of an object."""
        if kind.name in self._knobs["cdc_objects"]:
            self._transactions += 1
            self._append(_Told(kind, "UPDATE", {}, (), "", [f"{kind.prefix}*"]), 1, PEOPLE)

    def _cut(self, told: list[_Told]) -> tuple[list[_Told], list[_Told]]:
        """Part what is told in full from what an overflow event stands for; a changed field counts as one change."""
        room = int(self._knobs["cdc_overflow_above"])
        within: list[_Told] = []
        beyond: list[_Told] = []
        for each in told:
            room -= len(each.ids) * (len(each.changed) if each.type == "UPDATE" else 1)
            (within if room >= 0 else beyond).append(each)
        return within, beyond

    def _too_large(self, told: _Told) -> bool:
        return len(orjson.dumps([told.ids, told.fields])) > int(self._knobs["cdc_event_bytes"])

    def _append(self, told: _Told, place: int, origin: str) -> None:
        fields = _told_fields(self._org, told.kind)
        schema = _schema(told.kind, fields)
        text = orjson.dumps(schema)
        schema_id = base64.urlsafe_b64encode(hashlib.sha256(text).digest()[:16]).decode().rstrip("=")
        self.schemas[schema_id] = schema
        names = ["ChangeEventHeader", *(one.name for one in fields)]
        update = told.type == "UPDATE"
        header = {
            "entityName": told.kind.name,
            "recordIds": told.ids,
            "changeType": told.type,
            "changeOrigin": origin,
            "transactionKey": str(uuid.UUID(int=self._transactions)),
            "sequenceNumber": place,
            "commitTimestamp": self._org.store.clock.millis(),
            "commitNumber": self._number,
            "commitUser": told.author,
            "nulledFields": _bitmap(names, [n for n in told.changed if told.fields[n] is None] if update else []),
            "diffFields": [],
            "changedFields": _bitmap(names, told.changed if update else []),
        }
        values = {one.name: _avro_value(one, told.fields.get(one.name)) for one in fields}
        number = self._step()
        guid = str(uuid.UUID(int=self._dice.getrandbits(128)))
        record = {"ChangeEventHeader": header, **values}
        self._events.append(Published(number, self._places[number], told.kind.name, guid, schema_id, record))

    # Reading.

    def objects(self, topic: str) -> frozenset[str] | None:
        """Return the objects that a topic tells of; None for a topic that there is not."""
        if topic == "/data/ChangeEvents":
            return frozenset(self._knobs["cdc_objects"])
        found = [kind.name for kind in self._org.schema.objects.values() if topic_of(kind.name) == topic]
        return frozenset(found) & set(self._knobs["cdc_objects"]) if found else None

    def tip(self) -> int:
        """Return the newest place; the bus is shared, so it moves on though this org is quiet."""
        return self._step()

    def oldest(self) -> int:
        """Return the place before the oldest event that is kept."""
        self._purge()
        return self._events[0].number - 1 if self._events else self._number

    def place_of(self, given: bytes) -> int:
        """Return the place that a stored replay id names; raises BadReplay."""
        self._purge()
        number = int.from_bytes(given[:8], "big")
        if len(given) != len(replay_id(0)) or number > self._number:
            raise BadReplay("validation.failed")
        if number not in self._places:
            raise BadReplay("corrupted")
        return number

    def after(self, number: int, objects: Collection[str], limit: int) -> list[Published]:
        """Return the next events of these objects."""
        self._purge()
        start = bisect_right(self._events, number, key=lambda event: event.number)
        return list(islice((event for event in islice(self._events, start, None) if event.object in objects), limit))

    def migrate(self) -> None:
        """Move the org to another instance: what was handed out as replay ids means nothing any more."""
        self._events.clear()
        self._places.clear()

    def _step(self) -> int:
        """Take the next place; places are not contiguous."""
        self._number += self._dice.randint(1, 5)
        self._places[self._number] = self._org.store.clock.now().timestamp()
        return self._number

    def _purge(self) -> None:
        limit = self._org.store.clock.now().timestamp() - KEPT_SECONDS
        self._events = [event for event in self._events if event.at >= limit]
        if self._places and next(iter(self._places.values())) < limit:
            self._places = {number: at for number, at in self._places.items() if at >= limit}


def _merged(org: Org, changes: Iterable[Change]) -> list[_Told]:
    """Make one change of all that a transaction did to a record, and one event of records that changed alike."""
    first: dict[str, Change] = {}
    last: dict[str, Change] = {}
    for change in changes:
        first.setdefault(change.id, change)
        last[change.id] = change
    told: dict[bytes, _Told] = {}
    for record_id, end in last.items():
        each = _net(org, first[record_id].before, end)
        if each is not None:
            key = orjson.dumps([each.kind.name, each.type, each.fields])
            told.setdefault(key, each).ids.append(record_id)
    return list(told.values())


def _net(org: Org, before: Values | None, end: Change) -> _Told | None:
    """Return what a transaction did to one record in the end; None for what is not told."""
    kind = org.schema.typed(end.kind)
    names = [one.name for one in _told_fields(org, kind)]
    after = end.after
    author = str(after["LastModifiedById"])
    if before is None:
        return None if after["IsDeleted"] else _Told(kind, "CREATE", {n: after[n] for n in names}, (), author)
    if before["IsDeleted"] != after["IsDeleted"]:
        if after["IsDeleted"]:
            return _Told(kind, "DELETE", {}, (), author)
        return _Told(kind, "UNDELETE", {n: after[n] for n in names}, (), author)
    changed = tuple(name for name in names if before.get(name) != after[name])
    return _Told(kind, "UPDATE", {n: after[n] for n in changed}, changed, author) if changed else None


def _gaps(told: Iterable[_Told]) -> Iterator[_Told]:
    """Tell of changes by their records alone; those of one kind and type share an event."""
    merged: dict[tuple[str, str], _Told] = {}
    for each in told:
        gap = merged.setdefault((each.kind.name, each.type), _Told(each.kind, f"GAP_{each.type}", {}, (), each.author))
        gap.ids += each.ids
    return iter(merged.values())


def _told_fields(org: Org, kind: ObjectType) -> list[Field]:
    """Return the fields that events of an object have: neither formulas nor what its user may not see."""
    return [one for one in org.schema.visible_fields(kind) if one.name not in _UNTOLD and not one.calculated]


def _bitmap(names: list[str], marked: Iterable[str]) -> list[str]:
    """Return fields as Salesforce does: bit n of a hexadecimal number stands for the schema's n-th field."""
    bits = sum(1 << names.index(name) for name in marked)
    return [f"0x{bits.to_bytes(max(1, -(-bits.bit_length() // 8)), 'big').hex().upper()}"] if bits else []


def _avro_value(one: Field, value: Any) -> Any:
    if value is None or one.type not in {"date", "datetime"}:
        return value
    return seconds_of(value if one.type == "datetime" else f"{value}T00:00:00Z") * 1000


def _schema(kind: ObjectType, fields: list[Field]) -> dict[str, Any]:
    """Return the Avro schema of an object's events."""
    types = {"type": "enum", "name": "ChangeType", "symbols": [*CHANGE_TYPES, *GAPS, OVERFLOW, "SNAPSHOT"]}
    texts = {"type": "array", "items": "string"}
    header: dict[str, Any] = dict.fromkeys(("entityName", "changeOrigin", "transactionKey", "commitUser"), "string")
    header |= {"recordIds": texts, "changeType": types, "sequenceNumber": "int"}
    header |= {"commitTimestamp": "long", "commitNumber": "long", **dict.fromkeys(_LISTS, texts)}
    head = {
        "type": "record",
        "name": "ChangeEventHeader",
        "fields": [{"name": name, "type": header[name]} for name in _HEADER],
    }
    own = [{"name": one.name, "type": ["null", _AVRO.get(one.type, "string")], "default": None} for one in fields]
    return {
        "type": "record",
        "name": topic_of(kind.name).removeprefix("/data/"),
        "namespace": "com.sforce.eventbus",
        "fields": [{"name": "ChangeEventHeader", "type": head}, *own],
    }
