"""The org: what may be written, by whom, and what each write does. The one door to its records.

Called by the REST modules (with `api=True`: as the integration user, bound by permissions), and by loaders, people
and tests (without: as the org itself, which may also set stamps). It knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.clock import Clock
from simulator.salesforce import rules
from simulator.salesforce.ids import canonical
from simulator.salesforce.objects import STAGES, default_objects
from simulator.salesforce.problems import Problem
from simulator.salesforce.schema import Field, ObjectType, Schema
from simulator.salesforce.store import Row, Store
from simulator.salesforce.values import Values, keep


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule of the org's admins: records for which `fails` is true are refused."""

    object: str
    condition: str
    message: str
    field: str
    fails: Callable[[Values], bool]


class Org:
    """One Salesforce org with its schema and records. Callers outside the server's thread hold the world's lock."""

    def __init__(self, clock: Clock, *, lag: Callable[[], float], username: str) -> None:
        self.schema = Schema(default_objects(), clock.now().timestamp())
        self.store = Store(self.schema, clock, lag)
        self.validation_rules: list[ValidationRule] = []
        self.integration_user = ""
        self.id = self.insert("Organization", {"Name": "Closedwon Example", "IsSandbox": False, "InstanceName": "SIM1"})
        self.integration_user = self.insert(
            "User", {"Username": username, "LastName": "Integration", "FirstName": "Closedwon", "Email": username}
        )
        for number, (name, chance, category) in enumerate(STAGES, 1):
            stage = {"MasterLabel": name, "ApiName": name, "IsActive": True, "SortOrder": number}
            closing = {"IsClosed": name.startswith("Closed"), "IsWon": name == "Closed Won"}
            forecast = {"ForecastCategory": category, "DefaultProbability": chance}
            self.insert("OpportunityStage", stage | closing | forecast)

    # Reading.

    def rows(self, name: str, *, deleted: bool = False) -> list[Values]:
        """Return the committed values of an object's records, those in the recycle bin only when asked for."""
        table = self.store.table(self.schema.get(name).name)
        return [row.values for row in table.rows.values() if deleted or not row.deleted]

    def children(self, name: str, field: str, parent: str) -> Iterator[Values]:
        """Yield the committed values of the records that point at a parent, deleted ones too."""
        for row in self.store.table(name).holding(field, parent, exact=True):
            if row.values.get(field) == parent:
                yield row.values

    def row(self, kind: ObjectType, record_id: str) -> Row:
        """Return a record; raises Problem ENTITY_IS_DELETED, or INVALID_CROSS_REFERENCE_KEY for one that never was."""
        full = canonical(record_id)
        if full is None or not full.startswith(kind.prefix):
            raise Problem("MALFORMED_ID", f"{kind.label} ID: id value of incorrect type: {record_id}", fields=["Id"])
        row = self.store.table(kind.name).rows.get(full)
        if row is None:
            raise Problem("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row.deleted:
            raise Problem("ENTITY_IS_DELETED", "entity is deleted")
        return row

    def matches(self, kind: ObjectType, field: Field, value: Any) -> list[Row]:
        """Return the live records that carry a value in an external id."""
        table = self.store.table(kind.name)
        found = table.holding(field.name, value, exact=field.exact)
        return [row for row in found if not row.deleted and _same(field, row.values.get(field.name), value)]

    # Writing.

    def insert(self, name: str, fields: Mapping[str, Any], *, api: bool = False, by: str | None = None) -> str:
        """Make a record and return its 18-character id; raises Problem."""
        kind = self.schema.typed(name)
        if api and not kind.createable:
            raise Problem("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be inserted: {kind.label}")
        with self.store.transaction():
            given = self._given(kind, fields, api=api, creating=True)
            now, author = self.store.now(), by or self.integration_user
            values: Values = dict.fromkeys((one.name for one in kind.fields.values()), None)
            values |= {"Id": self._id(kind, given.pop("Id", None)), "IsDeleted": False, "CreatedById": author}
            values |= {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now, "LastModifiedById": author}
            if kind.find("OwnerId"):
                values["OwnerId"] = author
            values |= {one.name: one.name == "IsActive" for one in kind.fields.values() if one.type == "boolean"}
            values |= given
            self._save(kind, values, None, given)
            return str(values["Id"])

    def update(
        self, name: str, record_id: str, fields: Mapping[str, Any], *, api: bool = False, by: str | None = None
    ) -> None:
        """Change a record; raises Problem."""
        kind = self.schema.typed(name)
        with self.store.transaction():
            row = self.row(kind, record_id)
            given = self._given(kind, fields, api=api, creating=False)
            now = self.store.now()
            stamps = {"LastModifiedDate": now, "SystemModstamp": now, "LastModifiedById": by or self.integration_user}
            self._save(kind, row.values | stamps | given, row, given)

    def delete(self, name: str, record_id: str, *, by: str | None = None) -> None:
        """Move a record to the recycle bin, with what hangs on it; raises Problem."""
        kind = self.schema.typed(name)
        with self.store.transaction():
            row = self.row(kind, record_id)
            self._mark(row, deleted=True, by=by)
            for child, field in list(self.schema.pointing_at(kind)):
                for values in list(self.children(child.name, field.name, row.id)):
                    if values["IsDeleted"]:
                        continue
                    if field.cascades:
                        self.delete(child.name, values["Id"], by=by)
                    elif field.updateable and field.nillable:
                        self._unlink(child, field, values, row.id)
            rules.settle(self, kind.name, row.values)

    def undelete(self, name: str, record_id: str, *, by: str | None = None) -> None:
        """Take a record back out of the recycle bin, with what went there with it; raises Problem."""
        kind = self.schema.typed(name)
        row = self.store.table(kind.name).rows.get(canonical(record_id) or "")
        if row is None or not row.deleted:
            raise Problem("UNDELETE_FAILED", "Entity is not in the recycle bin")
        went = row.values["SystemModstamp"]
        with self.store.transaction():
            self._mark(row, deleted=False, by=by)
            for child, field in list(self.schema.pointing_at(kind)):
                for values in list(self.children(child.name, field.name, row.id)):
                    if field.cascades and values["IsDeleted"] and values["SystemModstamp"] == went:
                        self.undelete(child.name, values["Id"], by=by)
            for child_name, child_id, field_name in self.store.unlinked.pop(row.id, []):
                child_row = self.store.table(child_name).rows.get(child_id)
                if child_row and not child_row.deleted and child_row.values.get(field_name) is None:
                    self._touch(child_row, {field_name: row.id})
            rules.settle(self, kind.name, row.values)

    def hide_field(self, name: str, field: str) -> None:
        """Take a field out of the integration user's sight, as field-level security does."""
        kind = self.schema.get(name)
        found = kind.find(field)
        if found is None:
            raise KeyError(field)
        self.schema.hidden.add((kind.name, found.name))
        self.schema_changed(kind)

    def schema_changed(self, kind: ObjectType) -> None:
        """Note that an object's description is newer than what clients hold."""
        self.schema.changed[kind.name] = self.store.clock.now().timestamp()

    def _given(self, kind: ObjectType, fields: Mapping[str, Any], *, api: bool, creating: bool) -> Values:
        """Return the caller's values under the fields' own names and as the org keeps them; raises Problem."""
        given: Values = {}
        forbidden = []
        for name, raw in fields.items():
            field = self.schema.visible(kind, name) if api else kind.find(name)
            if field is None:
                raise Problem("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
            if api and not (field.createable if creating else field.updateable):
                forbidden.append(field.name)
                continue
            given[field.name] = self._checked(field, keep(field, raw), of=kind)
        if forbidden:
            raise Problem(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(forbidden)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set.",
                fields=forbidden,
            )
        return given

    def _id(self, kind: ObjectType, wanted: Any) -> str:
        """Return the id that a loader brings along, or the next one; raises Problem when it is wrong or taken."""
        if wanted is None:
            return self.store.new_id(kind)
        full = canonical(wanted)
        if full is None or not full.startswith(kind.prefix):
            raise Problem("MALFORMED_ID", f"{kind.label} ID: id value of incorrect type: {wanted}", fields=["Id"])
        if full in self.store.table(kind.name).rows:
            raise Problem("DUPLICATE_VALUE", f"duplicate value found: Id duplicates value on record with id: {full}")
        return full

    def _checked(self, field: Field, value: Any, *, of: ObjectType) -> Any:
        """Follow a reference: it must point at a live record of the right object; raises Problem."""
        if field.type != "reference" or value is None:
            return value
        full = canonical(value)
        target = self.schema.typed(field.refers_to)
        if full is None or not full.startswith(target.prefix):
            raise Problem("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", fields=[field.name])
        row = self.store.table(target.name).rows.get(full)
        if row is None:
            raise Problem("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[field.name])
        if row.deleted and of.name != target.name:
            raise Problem("ENTITY_IS_DELETED", "entity is deleted", fields=[field.name])
        return full

    def _save(self, kind: ObjectType, values: Values, row: Row | None, given: Values) -> None:
        fields = kind.fields.values()
        missing = [
            one.name for one in fields if not one.nillable and not one.defaulted and values.get(one.name) is None
        ]
        if missing:
            raise Problem(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", fields=missing
            )
        rules.complete(self, kind.name, values, row.values if row else None, given)
        self._check_unique(kind, values)
        for rule in self.validation_rules:
            if rule.object == kind.name and rule.fails(values):
                raise Problem("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields=[rule.field])
        if row is None:
            self.store.create(kind, values)
        else:
            self.store.replace(row, values)
        rules.settle(self, kind.name, values)

    def _check_unique(self, kind: ObjectType, values: Values) -> None:
        for field in kind.fields.values():
            value = values.get(field.name)
            if not field.unique or value is None:
                continue
            for other in self.matches(kind, field, value):
                if other.id != values["Id"]:
                    raise Problem(
                        "DUPLICATE_VALUE",
                        f"duplicate value found: {field.name} duplicates value on record with id: {other.id[:15]}",
                        fields=[field.name],
                    )

    def _mark(self, row: Row, *, deleted: bool, by: str | None) -> None:
        author = by or self.integration_user
        self._touch(row, {"IsDeleted": deleted, "LastModifiedDate": self.store.now(), "LastModifiedById": author})

    def _unlink(self, child: ObjectType, field: Field, values: Values, parent: str) -> None:
        self.store.unlinked.setdefault(parent, []).append((child.name, values["Id"], field.name))
        self._touch(self.store.table(child.name).rows[values["Id"]], {field.name: None})

    def _touch(self, row: Row, changes: Values) -> None:
        """Change a row as the system does: its SystemModstamp moves."""
        self.store.replace(row, row.values | changes | {"SystemModstamp": self.store.now()})


def _same(field: Field, one: Any, other: Any) -> bool:
    return bool(one == other) if field.exact else str(one).lower() == str(other).lower()
