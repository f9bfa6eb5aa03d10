"""What the org's objects look like to us, read by describe and kept until they change.

Used by `connector` and `check`. A field that the integration user may not see is simply absent, as Salesforce leaves
it out; nothing here tells hidden from missing, because the vendor does not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import FieldSchema
from connectors.errors import NotAuthorised
from connectors.salesforce.client import SalesforceClient

_NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})
_TEXTS = frozenset({"string", "textarea", "url", "email", "phone", "picklist", "multipicklist", "id", "reference"})


@dataclass(frozen=True, slots=True)
class Described:
    """One object's description; `fields` by lower-case name, since names are case-insensitive."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    children: Sequence[Mapping[str, Any]]
    stamp: str


class Catalog:
    """Descriptions of one org's objects. Safe to share between threads."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._known: dict[str, Described] = {}
        self._lock = threading.Lock()

    def describe(self, name: str) -> Described:
        """Return an object's description, asked anew each time but sent only when it changed; raises ConnectorError."""
        with self._lock:
            known = self._known.get(name)
        headers = {"If-Modified-Since": known.stamp} if known and known.stamp else {}
        answer = self._client.call("GET", f"sobjects/{name}/describe/", headers=headers)
        if known is not None and answer.payload is None:
            return known
        fresh = Described(
            name=str(answer.need("name")),
            fields={str(field["name"]).lower(): field for field in answer.need("fields")},
            children=answer.payload.get("childRelationships") or (),
            stamp=answer.headers.get("Last-Modified") or answer.headers.get("Date", ""),
        )
        with self._lock:
            self._known[name] = fresh
        return fresh


class Survey:
    """One look over several objects: each is described once, those that paths lead to included."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[str, Described | None] = {}

    def object(self, name: str) -> Described:
        """Return an object's description; raises ConnectorError."""
        found = self._seen.get(name)
        if found is None:
            found = self._seen[name] = self._catalog.describe(name)
        return found

    def field(self, described: Described, path: str) -> Mapping[str, Any] | None:
        """Find the field at the end of a relationship path; None where a step of it is missing or hidden."""
        first, _, rest = path.partition(".")
        if not rest:
            return described.fields.get(first.lower())
        for field in described.fields.values():
            if str(field.get("relationshipName") or "").lower() == first.lower():
                # `Owner` may be a user or a queue: the first that has the field is meant.
                targets = map(self._visible, field.get("referenceTo") or ())
                found = (self.field(target, rest) for target in targets if target)
                return next((field for field in found if field is not None), None)
        return None

    def schema(self, described: Described, paths: Iterable[str]) -> tuple[FieldSchema, ...]:
        """Describe all of an object's own fields, and those which mapped paths lead to."""
        own = [schema_of(field, str(field["name"])) for field in described.fields.values()]
        found = ((path, self.field(described, path)) for path in paths if "." in path)
        far = [schema_of(field, path, writable=False) for path, field in found if field is not None]
        return (*own, *far)

    def _visible(self, name: str) -> Described | None:
        if name not in self._seen:
            try:
                self._seen[name] = self._catalog.describe(name)
            except NotAuthorised:
                self._seen[name] = None
        return self._seen[name]


def schema_of(field: Mapping[str, Any], name: str, *, writable: bool = True) -> FieldSchema:
    """Turn Salesforce's description of a field into ours."""
    kind = str(field["type"])
    required = field.get("createable") and not field.get("nillable") and not field.get("defaultedOnCreate")
    return FieldSchema(
        name=name,
        label=str(field.get("label", name)),
        type=kind,
        writable=writable and bool(field.get("createable") and field.get("updateable")),
        required=bool(required) and kind != "boolean",
        unique=bool(field.get("unique")),
        max_length=int(field["length"]) if kind in _TEXTS and field.get("length") else None,
        options=options_of(field) if field.get("restrictedPicklist") else (),
    )


def options_of(field: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a picklist's active values: what is stored, which is not always what people see."""
    return tuple(str(item["value"]) for item in field.get("picklistValues") or () if item.get("active"))


def scales_of(described: Described) -> dict[str, int]:
    """Return the digits after the point of an object's number fields."""
    numbers = (field for field in described.fields.values() if field["type"] in _NUMBERS)
    return {str(field["name"]): int(field.get("scale") or 0) for field in numbers}
