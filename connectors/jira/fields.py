"""Which field has which shape at this site, and whole records between their plain and their wire form.

Used by every module of `connectors.jira` that reads or writes issues. It asks Jira for its fields once per process, and
only when the mapping uses custom fields, whose types nothing else tells; the types are kept in the connector's memory
so that `tidy` needs no call. A field that vanishes is absent from what is read and refused when it is written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from connectors.base import Fields, Kind, Memory, Value
from connectors.errors import Refused
from connectors.jira import shapes
from connectors.jira.client import JiraClient
from connectors.jira.identity import with_ours, without_ours
from connectors.jira.shapes import Shape, Unfit

CATEGORY = "status.category"
"""Our name for the key of a status's category (new, indeterminate, done), which no admin can rename; read only."""

STATUS = "status"

_SYSTEM: Mapping[str, Shape] = MappingProxyType(
    {
        "summary": shapes.LINE,
        "description": shapes.TEXT,
        "environment": shapes.TEXT,
        "duedate": shapes.DAY,
        "assignee": shapes.PERSON,
        "reporter": shapes.PERSON,
        "labels": shapes.LABELS,
        "issuetype": shapes.NAMED,
        "priority": shapes.NAMED,
        "resolution": shapes.NAMED,
        "components": shapes.NAMES,
        "fixVersions": shapes.NAMES,
        "versions": shapes.NAMES,
        "parent": shapes.PARENT,
        "timeoriginalestimate": shapes.ESTIMATE,
        "timeestimate": shapes.SECONDS,
        "timespent": shapes.SECONDS,
        "aggregatetimespent": shapes.SECONDS,
        "aggregatetimeestimate": shapes.SECONDS,
        "aggregatetimeoriginalestimate": shapes.SECONDS,
        "created": shapes.MOMENT,
        "updated": shapes.MOMENT,
        "resolutiondate": shapes.MOMENT,
        STATUS: shapes.NAMED,
        CATEGORY: shapes.OTHER,
    }
)

_CUSTOM: Mapping[str, Shape] = MappingProxyType(
    {
        "string": shapes.LINE,
        "string:textarea": shapes.TEXT,
        "date": shapes.DAY,
        "datetime": shapes.MOMENT,
        "number": shapes.NUMBER,
        "option": shapes.CHOICE,
        "user": shapes.PERSON,
        "array:option": shapes.CHOICES,
        "array:user": shapes.PEOPLE,
        "array:string": shapes.LABELS,
    }
)

_NOTE = "field_types"


def type_name(schema: Mapping[str, Any]) -> str:
    """Name a field's type from the `schema` that Jira gives: `date`, `string:textarea`, `array:option`."""
    kind = str(schema.get("type", ""))
    if kind == "array":
        return f"array:{schema.get('items', '')}"
    return "string:textarea" if kind == "string" and str(schema.get("custom", "")).endswith(":textarea") else kind


class IssueFields:
    """The fields that one connection uses. `names` are the mapping's, per kind."""

    def __init__(
        self, names: Mapping[Kind, tuple[str, ...]], *, client: JiraClient, memory: Memory, label: str
    ) -> None:
        self._names = names
        self._label = label
        self._client = client
        self._memory = memory
        self._lock = threading.Lock()
        self._types: dict[str, str] | None = None
        self._shapes: dict[str, Shape | None] = {}

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Return the mapping's names for a kind."""
        return self._names.get(kind, ())

    def asked(self, kinds: Iterable[Kind]) -> tuple[list[str], bool]:
        """Return the field ids to ask Jira for, and whether one of them holds several values."""
        mapped = {STATUS if name == CATEGORY else name for kind in kinds for name in self.names(kind)} | {"updated"}
        found = {name: shape for name in mapped if (shape := self._shape(name)) is not None}
        return sorted(found), any(shape.many for shape in found.values())

    def read(self, kind: Kind, raw: Mapping[str, Any]) -> dict[str, Value]:
        """Return the mapping's fields of an issue; one that Jira does not show is absent, never empty."""
        return self.read_only(self.names(kind), raw)

    def read_only(self, names: Iterable[str], raw: Mapping[str, Any]) -> dict[str, Value]:
        """Return these fields of an issue."""
        fields: dict[str, Value] = {}
        for name in names:
            if name == CATEGORY:
                if STATUS in raw:
                    fields[name] = category(raw[STATUS])
            elif name in raw and (shape := self._shape(name)) is not None:
                value = shape.tidy(shape.read(raw[name]))
                fields[name] = self._theirs(value) if name == "labels" else value
        return fields

    def write(self, fields: Fields, *, write_key: str) -> dict[str, Any]:
        """Return the `fields` of a create or edit; raises Refused for a value that the field cannot hold."""
        wire: dict[str, Any] = {}
        for name, value in fields.items():
            shape = self._shape(name)
            if shape is None:
                raise Refused(
                    f"Jira has no field {name}, or hides it from us. Correct the mapping, or make the field visible.",
                    code="JIRA-FIELD-02",
                    field=name,
                )
            if not shape.writable:
                raise Refused(
                    f"Jira computes {name} itself, or has it in a type that we do not write. Map it for reading only.",
                    code="JIRA-FIELD-03",
                    field=name,
                )
            tidy = _tidy(name, shape, value)
            wire["timetracking" if shape is shapes.ESTIMATE else name] = shape.write(tidy)
        if "labels" in wire:
            wire["labels"] = with_ours(wire["labels"], write_key=write_key, common=self._label)
        return wire

    def tidy(self, fields: Fields) -> dict[str, Value]:
        """Return the values as Jira would store and show them; raises Refused as `write` does. Makes no call."""
        known = self._known()
        tidy = {name: _tidy(name, _shape_of(name, known) or shapes.OTHER, value) for name, value in fields.items()}
        if "labels" in tidy:
            tidy["labels"] = self._theirs(tidy["labels"])
        return tidy

    def _theirs(self, labels: Value) -> Value:
        return without_ours(labels, common=self._label) if isinstance(labels, tuple) else labels

    def _shape(self, name: str) -> Shape | None:
        """Return a field's shape; None for a field that Jira does not show us."""
        if name not in self._shapes:
            self._shapes[name] = _shape_of(name, {}) or _shape_of(name, self._load())
        return self._shapes[name]

    def _known(self) -> Mapping[str, str]:
        """Return the types that we know without a call."""
        if self._types is None:
            note = self._memory.get(_NOTE)
            return orjson.loads(note) if note else {}
        return self._types

    def _load(self) -> Mapping[str, str]:
        """Return the types as Jira has them, asked once per process."""
        with self._lock:
            if self._types is None:
                listed = self._client.get("field").items()
                ours = {name for names in self._names.values() for name in names}
                self._types = {
                    str(field["id"]): type_name(field.get("schema") or {}) for field in listed if field["id"] in ours
                }
                self._memory.put(_NOTE, orjson.dumps(self._types, option=orjson.OPT_SORT_KEYS).decode())
            return self._types


def length_of(name: str, kind: str) -> int | None:
    """Return how long a text field's value may be; None for every other field."""
    shape = _shape_of(name, {name: kind})
    return {id(shapes.LINE): shapes.LINE_MAX, id(shapes.TEXT): shapes.TEXT_MAX}.get(id(shape))


def category(raw: Any) -> str | None:
    """Return the category's key of a raw status."""
    inner = raw.get("statusCategory") if isinstance(raw, Mapping) else None
    return str(inner["key"]) if isinstance(inner, Mapping) and "key" in inner else None


def _shape_of(name: str, types: Mapping[str, str]) -> Shape | None:
    if name in types and name not in _SYSTEM:
        return _CUSTOM.get(types[name], shapes.OTHER)
    return _SYSTEM.get(name)


def _tidy(name: str, shape: Shape, value: Value) -> Value:
    try:
        return shape.tidy(value)
    except Unfit as unfit:
        raise Refused(
            f"The value for Jira's {name} is not {unfit}. Correct the rule or the transform that makes it.",
            code="JIRA-FIELD-04",
            field=name,
        ) from None
