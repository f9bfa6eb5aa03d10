"""Shows the schema as GET /sobjects and /sobjects/X/describe do: only what the integration user may see.

Called by `rest`. Key names follow the generated OpenAPI; keys that say nothing here hold the platform's usual values.
"""

from __future__ import annotations

from typing import Any

from simulator.salesforce.schema import NUMBERS, TEXTS, Field, ObjectType, Schema

_SOAP = {
    **dict.fromkeys(TEXTS, "xsd:string"),
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}


def summary(kind: ObjectType, base: str) -> dict[str, Any]:
    """Return an object as the list of all objects shows it."""
    url = f"{base}/sobjects/{kind.name}"
    return {
        "name": kind.name,
        "label": kind.label,
        "labelPlural": f"{kind.label}s",
        "keyPrefix": kind.prefix,
        "custom": kind.name.endswith("__c"),
        "createable": kind.createable,
        "updateable": kind.createable,
        "deletable": kind.createable,
        "undeletable": kind.createable,
        "queryable": True,
        "retrieveable": True,
        "searchable": True,
        "replicateable": True,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def describe(schema: Schema, kind: ObjectType, base: str) -> dict[str, Any]:
    """Return an object with its fields and child relationships."""
    children = [
        {
            "childSObject": child.name,
            "field": field.name,
            "relationshipName": field.children or None,
            "cascadeDelete": field.cascades,
            "deprecatedAndHidden": False,
        }
        for child, field in schema.pointing_at(kind)
        if schema.visible(child, field.name)
    ]
    fields = [_field(field) for field in schema.visible_fields(kind)]
    return summary(kind, base) | {"fields": fields, "childRelationships": children, "recordTypeInfos": []}


def _field(field: Field) -> dict[str, Any]:
    text = field.type in TEXTS or field.type in {"id", "reference"}
    return {
        "name": field.name,
        "type": field.type,
        "label": field.label,
        "length": field.length if text else 0,
        "byteLength": field.length * 3 if text else 0,
        "precision": field.precision if field.type in NUMBERS and field.type != "int" else 0,
        "digits": field.precision if field.type == "int" else 0,
        "scale": field.scale,
        "nillable": field.nillable,
        "createable": field.createable,
        "updateable": field.updateable,
        "calculated": field.calculated,
        "custom": field.custom,
        "externalId": field.external_id,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "idLookup": field.external_id or field.type == "id",
        "restrictedPicklist": field.restricted,
        "picklistValues": [_option(one.value, one.label, active=one.active) for one in field.options],
        "referenceTo": [field.refers_to] if field.refers_to else [],
        "relationshipName": field.relationship or None,
        "nameField": field.name_field,
        "permissionable": field.nillable and field.createable,
        "defaultedOnCreate": field.defaulted,
        "defaultValue": None,
        "filterable": field.filterable,
        "sortable": field.filterable,
        "groupable": field.type in {"string", "picklist", "boolean", "date", "reference", "id"},
        "htmlFormatted": False,
        "inlineHelpText": None,
        "soapType": _SOAP[field.type],
    }


def _option(value: str, label: str, *, active: bool) -> dict[str, Any]:
    return {"value": value, "label": label, "active": active, "defaultValue": False, "validFor": None}
