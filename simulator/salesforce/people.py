"""What people do in the org's own pages: win and edit deals, add lines, and rename what integrations rely on.

Called by `vendor.act` on behalf of the control API, the demo and the tests. Everything goes through `org`, as the pages
of the real product go through the same rules as its API; the author is a person, never the integration user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.salesforce.org import Org

Args = Mapping[str, Any]


def act(org: Org, action: str, args: Args) -> dict[str, Any]:
    """Do one action and return what it made; raises KeyError for an unknown action or a missing argument."""
    with org.store.transaction():
        return _ACTIONS[action](org, args)


def person(org: Org, name: str) -> str:
    """Return the id of the user of that name or username, who is taken on if need be."""
    wanted = name.strip().lower()
    for user in org.rows("User"):
        if wanted in {str(user["Name"]).lower(), str(user["Username"]).lower(), str(user["Email"]).lower()}:
            return str(user["Id"])
    first, _, last = name.partition("@")[0].strip().replace(".", " ").rpartition(" ")
    address = name if "@" in name else f"{name.strip().lower().replace(' ', '.')}@example.com"
    user = {"FirstName": first.title(), "LastName": last.title() if "@" in name else last}
    return org.insert("User", user | {"Username": address, "Email": address})


def account(org: Org, name: str, **fields: Any) -> str:
    """Return the id of the account of that name, which is made if need be."""
    return _named(org, "Account", name, fields)


def product(org: Org, name: str, **fields: Any) -> str:
    """Return the id of the product of that name, which is made if need be, with a code from its name."""
    code = "-".join(name.upper().split())
    return _named(org, "Product2", name, {"ProductCode": code, "IsActive": True} | fields)


def _named(org: Org, kind: str, name: str, fields: dict[str, Any]) -> str:
    found = next((row for row in org.rows(kind) if row["Name"] == name.strip()), None)
    return str(found["Id"]) if found else org.insert(kind, {"Name": name} | fields)


def _win_deal(org: Org, args: Args) -> dict[str, Any]:
    """Make a deal with its lines and win it. Lines are {product, quantity, price, code?, family?, service_date?}."""
    owner = person(org, str(args.get("owner", "Ada Owner")))
    deal = {
        "Name": args["name"],
        "AccountId": account(org, str(args["account"])),
        "OwnerId": owner,
        "CloseDate": str(args["close_date"]),
        "StageName": "Negotiation/Review",
        "Contracted_Hours__c": args.get("hours"),
        **args.get("fields", {}),
    }
    deal_id = org.insert("Opportunity", deal, by=owner)
    for line in args.get("lines", ()):
        _add_line(org, {"id": deal_id, "by": owner, **line})
    org.update("Opportunity", deal_id, {"StageName": "Closed Won"}, by=owner)
    return {"id": deal_id}


def _add_line(org: Org, args: Args) -> dict[str, Any]:
    more = {key: args[name] for key, name in (("ProductCode", "code"), ("Family", "family")) if name in args}
    line = {
        "OpportunityId": args["id"],
        "Product2Id": product(org, str(args["product"]), **more),
        "Quantity": args["quantity"],
        "UnitPrice": args["price"],
        "ServiceDate": args.get("service_date"),
    }
    return {"id": org.insert("OpportunityLineItem", line, by=_author(org, args))}


def _remove_line(org: Org, args: Args) -> dict[str, Any]:
    org.delete("OpportunityLineItem", args["id"], by=_author(org, args))
    return {}


def _edit_deal(org: Org, args: Args) -> dict[str, Any]:
    org.update("Opportunity", args["id"], args["fields"], by=_author(org, args))
    return {}


def _reopen_deal(org: Org, args: Args) -> dict[str, Any]:
    org.update("Opportunity", args["id"], {"StageName": "Negotiation/Review"}, by=_author(org, args))
    return {}


def _delete_deal(org: Org, args: Args) -> dict[str, Any]:
    org.delete("Opportunity", args["id"], by=_author(org, args))
    return {}


def _undelete_deal(org: Org, args: Args) -> dict[str, Any]:
    org.undelete("Opportunity", args["id"], by=_author(org, args))
    return {}


def _create_record(org: Org, args: Args) -> dict[str, Any]:
    return {"id": org.insert(str(args["object"]), args["fields"], by=_author(org, args))}


def _edit_record(org: Org, args: Args) -> dict[str, Any]:
    org.update(str(args["object"]), args["id"], args["fields"], by=_author(org, args))
    return {}


def _delete_record(org: Org, args: Args) -> dict[str, Any]:
    org.delete(str(args["object"]), args["id"], by=_author(org, args))
    return {}


def _author(org: Org, args: Args) -> str:
    """Return who does it: `by` is a user's id, name or address."""
    by = str(args.get("by", "Ada Owner"))
    return by if by in org.store.table("User").rows else person(org, by)


_ACTIONS: Mapping[str, Callable[[Org, Args], dict[str, Any]]] = {
    "win_deal": _win_deal,
    "edit_deal": _edit_deal,
    "reopen_deal": _reopen_deal,
    "delete_deal": _delete_deal,
    "undelete_deal": _undelete_deal,
    "create_record": _create_record,
    "edit_record": _edit_record,
    "delete_record": _delete_record,
    "add_line": _add_line,
    "remove_line": _remove_line,
}
