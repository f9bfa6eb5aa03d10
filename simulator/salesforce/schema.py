"""What objects and fields an org has; admins change it while programs run.

Read by every module of this simulator, changed by `people` only. It holds no records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.salesforce.problems import Problem, not_found

NUMBERS = frozenset({"double", "currency", "percent", "int"})
TEXTS = frozenset({"string", "textarea", "url", "phone", "email", "picklist", "multipicklist", "combobox"})


@dataclass(slots=True)
class Option:
    """One value of a picklist; what the API speaks is `value`, what people see is `label`."""

    value: str
    label: str
    active: bool = True


@dataclass(slots=True, kw_only=True)
class Field:
    """One field. Names follow describe, in our spelling."""

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    restricted: bool = False
    defaulted: bool = False
    name_field: bool = False
    options: list[Option] = field(default_factory=list)
    refers_to: str = ""
    relationship: str = ""
    """How a query walks up along this reference: `Account`, `Opportunity__r`."""
    children: str = ""
    """How a query on the parent reaches these records: `OpportunityLineItems`, `Onboardings__r`."""
    cascades: bool = False
    """Whether deleting the parent deletes the record; else the reference is cleared."""

    @property
    def custom(self) -> bool:
        """Tell whether an admin made this field."""
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Tell whether a WHERE may name this field; long texts may not be filtered."""
        return not (self.type == "textarea" and self.length > 255)

    @property
    def exact(self) -> bool:
        """Tell whether comparisons heed capitals; most texts of an org do not."""
        return self.case_sensitive or self.type in {"id", "reference"}


@dataclass(slots=True)
class ObjectType:
    """One object with its fields by lower-case name."""

    name: str
    label: str
    prefix: str
    fields: dict[str, Field]
    createable: bool = True

    def find(self, name: str) -> Field | None:
        """Return a field by its name in any case."""
        return self.fields.get(name.lower())

    def by_relationship(self, name: str) -> Field | None:
        """Return the reference that a query walks up by this name."""
        wanted = name.lower()
        return next((one for one in self.fields.values() if one.relationship.lower() == wanted), None)

    def references(self) -> Iterator[Field]:
        """Yield the fields that point at other records."""
        return (one for one in self.fields.values() if one.type == "reference")


class Schema:
    """All objects, what the integration user may not see, and when each object's description last changed."""

    def __init__(self, objects: list[ObjectType], changed: float) -> None:
        self.objects = {one.name.lower(): one for one in objects}
        self.hidden: set[tuple[str, str]] = set()
        self.changed = dict.fromkeys((one.name for one in objects), changed)

    def find(self, name: str) -> ObjectType | None:
        """Return an object by its name in any case."""
        return self.objects.get(name.lower())

    def get(self, name: str) -> ObjectType:
        """Return an object that a path names; raises Problem NOT_FOUND."""
        found = self.find(name)
        if found is None:
            raise not_found()
        return found

    def typed(self, name: str) -> ObjectType:
        """Return an object that a query or a record's attributes name; raises Problem INVALID_TYPE."""
        found = self.find(name)
        if found is None:
            raise Problem(
                "INVALID_TYPE",
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
                "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names.",
            )
        return found

    def visible(self, kind: ObjectType, name: str) -> Field | None:
        """Return a field that exists and that the integration user may see; the API does not tell these apart."""
        found = kind.find(name)
        return None if found is None or (kind.name, found.name) in self.hidden else found

    def visible_fields(self, kind: ObjectType) -> list[Field]:
        """Return the fields of an object that the integration user may see."""
        return [one for one in kind.fields.values() if (kind.name, one.name) not in self.hidden]

    def child(self, parent: ObjectType, relationship: str) -> tuple[ObjectType, Field] | None:
        """Return the child object and its reference behind a child relationship's name."""
        wanted = relationship.lower()
        for kind, one in self.pointing_at(parent):
            if one.children.lower() == wanted:
                return kind, one
        return None

    def pointing_at(self, parent: ObjectType) -> Iterator[tuple[ObjectType, Field]]:
        """Yield every reference in the org that points at an object."""
        for kind in self.objects.values():
            for one in kind.references():
                if one.refers_to == parent.name:
                    yield kind, one
