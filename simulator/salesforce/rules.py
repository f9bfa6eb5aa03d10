"""What the org itself works out when a record is saved: stages, amounts, line totals, names.

Called by `org` before a row is written and after. Source: object reference of Opportunity and OpportunityLineItem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.salesforce.problems import Problem
from simulator.salesforce.values import Values

if TYPE_CHECKING:
    from simulator.salesforce.org import Org


def complete(org: Org, kind: str, values: Values, before: Values | None, given: Values) -> None:
    """Fill in what follows from the values; `before` is None for a new record, `given` is what the caller wrote."""
    if kind == "Opportunity":
        _opportunity(org, values, before, given)
    elif kind == "OpportunityLineItem":
        _line_item(org, values, before, given)
    elif kind in {"Contact", "User"}:
        values["Name"] = " ".join(part for part in (values.get("FirstName"), values.get("LastName")) if part)
    elif kind == "Onboarding__c" and not values.get("Name"):
        # A custom object's text Name falls back to the record's id.
        values["Name"] = values["Id"]


def settle(org: Org, kind: str, values: Values) -> None:
    """Carry a saved record's effect to others: lines make the opportunity's amount."""
    if kind == "OpportunityLineItem":
        recount(org, values["OpportunityId"])


def recount(org: Org, deal_id: str) -> None:
    """Make an opportunity's amount from its lines: a system change, which moves SystemModstamp alone."""
    row = org.store.table("Opportunity").rows.get(deal_id)
    if row is None or row.deleted:
        return
    lines = [line for line in org.children("OpportunityLineItem", "OpportunityId", deal_id) if not line["IsDeleted"]]
    values = dict(row.values)
    values["HasOpportunityLineItem"] = bool(lines)
    if lines:
        values["Amount"] = round(sum(line["TotalPrice"] for line in lines), 2)
        values["TotalOpportunityQuantity"] = round(sum(line["Quantity"] for line in lines), 2)
    values["ExpectedRevenue"] = _expected(values)
    if any(values.get(name) != row.values.get(name) for name in values):
        values["SystemModstamp"] = org.store.now()
        org.store.replace(row, values)


def _opportunity(org: Org, values: Values, before: Values | None, given: Values) -> None:
    stage = next((one for one in org.rows("OpportunityStage") if one["ApiName"] == values.get("StageName")), None)
    moved = before is None or before.get("StageName") != values.get("StageName")
    values["IsClosed"] = bool(stage and stage["IsClosed"])
    values["IsWon"] = bool(stage and stage["IsWon"])
    if moved and stage and given.get("Probability") is None:
        values["Probability"] = stage["DefaultProbability"]
    if moved and stage:
        values["ForecastCategory"] = str(stage["ForecastCategory"]).replace(" ", "")
        values["ForecastCategoryName"] = stage["ForecastCategory"]
    if moved and before is not None:
        values["LastStageChangeDate"] = org.store.now()
    values["HasOpportunityLineItem"] = bool(before and before["HasOpportunityLineItem"])
    if before and before["HasOpportunityLineItem"]:
        # Silently ignored, as the real API does, while lines exist.
        values["Amount"] = before["Amount"]
    values["ExpectedRevenue"] = _expected(values)


def _expected(values: Values) -> float | None:
    amount, chance = values.get("Amount"), values.get("Probability")
    return None if amount is None or chance is None else round(amount * chance / 100, 2)


def _line_item(org: Org, values: Values, before: Values | None, given: Values) -> None:
    if given.get("UnitPrice") is not None and given.get("TotalPrice") is not None and before is None:
        raise Problem(
            "FIELD_INTEGRITY_EXCEPTION", "field integrity exception: UnitPrice, TotalPrice (cannot specify both)"
        )
    quantity = values.get("Quantity")
    if not quantity:
        raise Problem("FIELD_INTEGRITY_EXCEPTION", "Quantity must be nonzero.", fields=["Quantity"])
    if given.get("TotalPrice") is not None:
        values["UnitPrice"] = round(values["TotalPrice"] / quantity, 2)
    elif values.get("UnitPrice") is not None:
        values["TotalPrice"] = round(values["UnitPrice"] * quantity, 2)
    else:
        raise Problem("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", fields=["UnitPrice"])
    product = org.store.table("Product2").rows[values["Product2Id"]].values
    deal = org.store.table("Opportunity").rows[values["OpportunityId"]].values
    values["ProductCode"] = product.get("ProductCode")
    values["ListPrice"] = values.get("ListPrice") or values["UnitPrice"]
    values["Name"] = f"{deal['Name']} {product['Name']}"
