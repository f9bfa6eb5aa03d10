"""What admins do to an org while programs run: hide and rename fields, rename choices, add rules, merge accounts.

Called by `vendor.act`. Nothing here moves a record's stamps, unless it says so: that is why polling alone misses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.salesforce.evaluate import Test
from simulator.salesforce.org import ValidationRule
from simulator.salesforce.plans import Plan
from simulator.salesforce.schema import Field, ObjectType
from simulator.salesforce.soql import parse

if TYPE_CHECKING:
    from simulator.salesforce.vendor import Salesforce

Args = Mapping[str, Any]


def condition(vendor: Salesforce, object_name: str, text: str) -> Test:
    """Compile the text of a WHERE into a test of a record's values; raises Problem."""
    whole = f"SELECT Id FROM {object_name} WHERE {text}"  # noqa: S608 - SOQL of the org's own admin
    plan = Plan(whole, parse(whole), vendor.org.store, "", deleted=False)
    assert plan.test is not None
    return plan.test


def _field(vendor: Salesforce, args: Args) -> tuple[ObjectType, Field]:
    kind = vendor.org.schema.typed(str(args["object"]))
    field = kind.find(str(args["field"]))
    if field is None:
        raise KeyError(args["field"])
    return kind, field


def _hide_field(vendor: Salesforce, args: Args) -> dict[str, Any]:
    vendor.org.hide_field(str(args["object"]), str(args["field"]))
    return {}


def _show_field(vendor: Salesforce, args: Args) -> dict[str, Any]:
    kind, field = _field(vendor, args)
    vendor.org.schema.hidden.discard((kind.name, field.name))
    vendor.org.schema_changed(kind)
    return {}


def _rename_field(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Give a field another API name; its values stay."""
    kind, field = _field(vendor, args)
    old, new = field.name, str(args["to"])
    if kind.find(new) is not None:
        raise KeyError(new)
    kind.fields = {(new if name == old.lower() else name).lower(): one for name, one in kind.fields.items()}
    field.name = new
    if field.relationship and field.custom:
        field.relationship = new.replace("__c", "__r")
    for values in vendor.org.store.views(kind.name):
        values[new] = values.pop(old)
    if (kind.name, old) in vendor.org.schema.hidden:
        vendor.org.schema.hidden.add((kind.name, new))
    vendor.queries.cursors.clear()
    _changed(vendor, kind)
    return {}


def _rename_picklist_value(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Rename a choice everywhere: records then hold the new value, without their stamps moving."""
    kind, field = _field(vendor, args)
    old, new = str(args["value"]), str(args["to"])
    option = next((one for one in field.options if one.value == old), None)
    if option is None:
        raise KeyError(old)
    option.value = option.label = new
    _replace_everywhere(vendor, kind.name, field.name, old, new)
    if field.name == "StageName":
        for name in ("ApiName", "MasterLabel"):
            _replace_everywhere(vendor, "OpportunityStage", name, old, new)
    _changed(vendor, kind)
    return {}


def _deactivate_picklist_value(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Take a choice from the list: records keep it, and a restricted field refuses it from now on."""
    kind, field = _field(vendor, args)
    for option in field.options:
        if option.value == str(args["value"]):
            option.active = False
    vendor.org.schema_changed(kind)
    return {}


def _replace_everywhere(vendor: Salesforce, object_name: str, field: str, old: str, new: str) -> None:
    for values in vendor.org.store.views(object_name):
        if values[field] == old:
            values[field] = new


def _allow_duplicates(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Take `unique` from an external id, as orgs that were set up in a hurry have it."""
    kind, field = _field(vendor, args)
    field.unique = False
    _changed(vendor, kind)
    return {}


def _add_validation_rule(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Refuse records of `object` for which the condition `when` holds, with `message` at `field`."""
    name, when = str(args["object"]), str(args["when"])
    rule = ValidationRule(name, when, str(args["message"]), str(args.get("field", "")), condition(vendor, name, when))
    vendor.org.validation_rules.append(rule)
    return {}


def _add_outbound_message(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Tell `url` of changes of `object`, with `fields`, when the condition `when` holds (always, if there is none)."""
    name = str(args["object"])
    when = condition(vendor, name, str(args["when"])) if args.get("when") else None
    return {"id": vendor.outbound.subscribe(name, str(args["url"]), args.get("fields", ()), when).id}


def _merge_accounts(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Merge `losers` into `master`: their records move over, they go to the recycle bin with MasterRecordId."""
    org, master = vendor.org, str(args["master"])
    kind = org.schema.typed("Account")
    org.row(kind, master)
    for loser in args["losers"]:
        row = org.row(kind, str(loser))
        for child, field in list(org.schema.pointing_at(kind)):
            for values in list(org.children(child.name, field.name, row.id)):
                if field.name != "MasterRecordId":
                    org.update(child.name, values["Id"], {field.name: master})
        org.update("Account", row.id, {"MasterRecordId": master})
        org.delete("Account", row.id)
    org.update("Account", master, {})
    return {}


def _empty_recycle_bin(vendor: Salesforce, _args: Args) -> dict[str, Any]:
    gone = [row for table in vendor.org.store.tables.values() for row in table.rows.values() if row.deleted]
    for row in gone:
        vendor.org.store.purge(row)
    return {"purged": len(gone)}


def _expire_sessions(vendor: Salesforce, _args: Args) -> dict[str, Any]:
    vendor.auth.expire_all()
    return {}


def _convert_field(vendor: Salesforce, args: Args) -> dict[str, Any]:
    """Change a field's type to text in a way that touches all records: change events name them by a wildcard."""
    kind, field = _field(vendor, args)
    field.type, field.length = "string", max(field.length, 255)
    vendor.org.schema_changed(kind)
    vendor.bus.convert(kind)
    return {}


def _migrate_org(vendor: Salesforce, _args: Args) -> dict[str, Any]:
    """Move the org to another instance, which makes all replay ids of its events meaningless."""
    vendor.bus.migrate()
    return {}


def _changed(vendor: Salesforce, kind: ObjectType) -> None:
    vendor.org.store.table(kind.name).reindex()
    vendor.org.schema_changed(kind)


ACTIONS: Mapping[str, Callable[[Salesforce, Args], dict[str, Any]]] = {
    "hide_field": _hide_field,
    "show_field": _show_field,
    "rename_field": _rename_field,
    "rename_picklist_value": _rename_picklist_value,
    "deactivate_picklist_value": _deactivate_picklist_value,
    "allow_duplicates": _allow_duplicates,
    "add_validation_rule": _add_validation_rule,
    "add_outbound_message": _add_outbound_message,
    "merge_accounts": _merge_accounts,
    "empty_recycle_bin": _empty_recycle_bin,
    "expire_sessions": _expire_sessions,
    "convert_field": _convert_field,
    "migrate_org": _migrate_org,
}
