"""The default org: the standard objects in the part that onboarding needs, and the custom object Onboarding__c.

Called by `vendor` at start and at reset. Field facts: the generated OpenAPI of v59.0; ours are in the project's design.
"""

from __future__ import annotations

from typing import Any

from simulator.salesforce.schema import Field, ObjectType, Option

STAGES = (
    ("Prospecting", 10, "Pipeline"),
    ("Qualification", 10, "Pipeline"),
    ("Needs Analysis", 20, "Pipeline"),
    ("Value Proposition", 50, "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline"),
    ("Perception Analysis", 70, "Pipeline"),
    ("Proposal/Price Quote", 75, "Best Case"),
    ("Negotiation/Review", 90, "Commit"),
    ("Closed Won", 100, "Closed"),
    ("Closed Lost", 0, "Omitted"),
)
"""Name, probability in percent, forecast category; what wins and what closes follows from the last two names."""


def _text(name: str, length: int, **more: Any) -> Field:
    return Field(name=name, type=more.pop("type", "string"), length=length, **more)


def _number(name: str, precision: int, scale: int, **more: Any) -> Field:
    return Field(name=name, type=more.pop("type", "double"), precision=precision, scale=scale, **more)


def _of(name: str, kind: str, **more: Any) -> Field:
    return Field(name=name, type=kind, **more)


def _to(name: str, target: str, **more: Any) -> Field:
    base = name.removesuffix("Id") if name.endswith("Id") else name.replace("__c", "__r")
    return Field(name=name, type="reference", length=18, refers_to=target, relationship=base, **more)


def _choice(name: str, *values: str, **more: Any) -> Field:
    return Field(name=name, type="picklist", length=255, options=[Option(one, one) for one in values], **more)


def _kept(kind: str, name: str, **more: Any) -> Field:
    """Return a field that the org keeps itself and nobody may write."""
    return Field(name=name, type=kind, createable=False, updateable=False, **more)


def _object(name: str, label: str, prefix: str, fields: list[Field], *, createable: bool = True) -> ObjectType:
    """Add what every record has, and labels."""
    whole = [
        _kept("id", "Id", length=18, nillable=False, defaulted=True),
        _kept("boolean", "IsDeleted", nillable=False, defaulted=True),
        *fields,
        _kept("datetime", "CreatedDate", nillable=False, defaulted=True),
        _by("CreatedById"),
        _kept("datetime", "LastModifiedDate", nillable=False, defaulted=True),
        _by("LastModifiedById"),
        _kept("datetime", "SystemModstamp", nillable=False, defaulted=True),
    ]
    for one in whole:
        one.label = one.label or one.name.removesuffix("__c").replace("_", " ")
    return ObjectType(name, label, prefix, {one.name.lower(): one for one in whole}, createable)


def _by(name: str) -> Field:
    return _to(name, "User", createable=False, updateable=False, nillable=False, defaulted=True)


def _opportunity() -> ObjectType:
    fields = [
        _to("AccountId", "Account", children="Opportunities", cascades=True),
        _text("Name", 120, nillable=False, name_field=True),
        _text("Description", 32_000, type="textarea"),
        _choice("StageName", *(name for name, _, _ in STAGES), nillable=False),
        _number("Amount", 18, 2, type="currency"),
        _number("Probability", 3, 0, type="percent"),
        _kept("currency", "ExpectedRevenue", precision=18, scale=2),
        _kept("double", "TotalOpportunityQuantity", precision=18, scale=2),
        _of("CloseDate", "date", nillable=False),
        _choice("Type", "Existing Customer - Upgrade", "Existing Customer - Replacement", "New Customer"),
        _text("NextStep", 255),
        _choice("LeadSource", "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"),
        _kept("boolean", "IsClosed", nillable=False, defaulted=True),
        _kept("boolean", "IsWon", nillable=False, defaulted=True),
        _kept("picklist", "ForecastCategory", length=40, nillable=False, defaulted=True),
        _kept("picklist", "ForecastCategoryName", length=255, defaulted=True),
        _kept("boolean", "HasOpportunityLineItem", nillable=False, defaulted=True),
        _to("OwnerId", "User", nillable=False, defaulted=True),
        _to("ContactId", "Contact", updateable=False),
        _kept("datetime", "LastStageChangeDate"),
        _number("Contracted_Hours__c", 10, 2),
        _of("Target_Launch__c", "date"),
        _text("Kickoff_Notes__c", 32_768, type="textarea"),
    ]
    return _object("Opportunity", "Opportunity", "006", fields)


def _line_item() -> ObjectType:
    fields = [
        _to(
            "OpportunityId",
            "Opportunity",
            children="OpportunityLineItems",
            cascades=True,
            nillable=False,
            updateable=False,
        ),
        _to("Product2Id", "Product2", nillable=False, updateable=False),
        _kept("string", "ProductCode", length=255),
        _kept("string", "Name", length=376, name_field=True),
        _number("Quantity", 12, 2, nillable=False),
        _number("UnitPrice", 18, 2, type="currency"),
        _number("TotalPrice", 18, 2, type="currency"),
        _kept("currency", "ListPrice", precision=18, scale=2),
        _of("ServiceDate", "date"),
        _text("Description", 255),
        _number("SortOrder", 9, 0, type="int"),
    ]
    return _object("OpportunityLineItem", "Opportunity Product", "00k", fields)


def _onboarding() -> ObjectType:
    hours = ("Contracted", "Estimated", "Tracked", "Remaining", "Forecast")
    fields = [
        _text("Name", 80, name_field=True, defaulted=True),
        _to("OwnerId", "User", nillable=False, defaulted=True),
        _text("Deal_Key__c", 18, external_id=True, unique=True, case_sensitive=True),
        _to("Opportunity__c", "Opportunity", children="Onboardings__r"),
        _choice("Status__c", "Not Started", "In Progress", "On Hold", "Launched", "Cancelled", restricted=True),
        _choice("Health__c", "Green", "Amber", "Red", restricted=True),
        _text("Health_Reason__c", 255),
        _number("Percent_Complete__c", 5, 2, type="percent"),
        _number("Tasks_Done__c", 6, 0),
        _number("Tasks_Total__c", 6, 0),
        *(_number(f"Hours_{name}__c", 10, 2) for name in hours),
        _of("Target_Launch__c", "date"),
        _of("Forecast_Launch__c", "date"),
        _of("Forecast_Launch_P80__c", "date"),
        _of("Next_Milestone_Date__c", "date"),
        _text("Next_Milestone__c", 255),
        _text("Plan_Id__c", 64),
        _text("Sheet_Id__c", 64),
        _text("Plan_URL__c", 255, type="url"),
        _text("Sheet_URL__c", 255, type="url"),
    ]
    return _object("Onboarding__c", "Onboarding", "a0X", fields)


def _account() -> ObjectType:
    fields = [
        _to("MasterRecordId", "Account", createable=False, updateable=False),
        _text("Name", 255, nillable=False, name_field=True),
        _choice("Type", "Prospect", "Customer - Direct", "Customer - Channel", "Other"),
        _choice("Industry", "Banking", "Communications", "Education", "Technology", "Telecommunications", "Other"),
        _text("Website", 255, type="url"),
        _text("Phone", 40, type="phone"),
        _text("BillingCity", 40),
        _text("BillingCountry", 80),
        _number("AnnualRevenue", 18, 0, type="currency"),
        _number("NumberOfEmployees", 8, 0, type="int"),
        _to("ParentId", "Account", children="ChildAccounts"),
        _to("OwnerId", "User", nillable=False, defaulted=True),
    ]
    return _object("Account", "Account", "001", fields)


def _people_and_goods() -> list[ObjectType]:
    contact = [
        _to("AccountId", "Account", children="Contacts", cascades=True),
        _text("LastName", 80, nillable=False),
        _text("FirstName", 40),
        _kept("string", "Name", length=121, name_field=True),
        _text("Email", 80, type="email"),
        _text("Title", 128),
        _to("OwnerId", "User", nillable=False, defaulted=True),
    ]
    user = [
        _text("Username", 80, nillable=False, unique=True),
        _text("LastName", 80, nillable=False),
        _text("FirstName", 40),
        _kept("string", "Name", length=121, name_field=True),
        _text("Email", 128, nillable=False, type="email"),
        _of("IsActive", "boolean", nillable=False, defaulted=True),
    ]
    product = [
        _text("Name", 255, nillable=False, name_field=True),
        _text("ProductCode", 255),
        _choice("Family", "Subscription", "Services", "Hardware"),
        _text("Description", 4000, type="textarea"),
        _of("IsActive", "boolean", nillable=False, defaulted=True),
    ]
    return [
        _object("Contact", "Contact", "003", contact),
        _object("User", "User", "005", user, createable=False),
        _object("Product2", "Product", "01t", product),
    ]


def _setup() -> list[ObjectType]:
    stage = [
        _kept("string", "MasterLabel", length=255, name_field=True),
        _kept("string", "ApiName", length=255),
        _kept("boolean", "IsActive", nillable=False),
        _kept("int", "SortOrder", precision=9),
        _kept("boolean", "IsClosed", nillable=False),
        _kept("boolean", "IsWon", nillable=False),
        _kept("picklist", "ForecastCategory", length=40),
        _kept("percent", "DefaultProbability", precision=3),
    ]
    organization = [
        _kept("string", "Name", length=80, name_field=True),
        _kept("boolean", "IsSandbox", nillable=False),
        _kept("string", "InstanceName", length=5),
    ]
    return [
        _object("OpportunityStage", "Opportunity Stage", "01J", stage, createable=False),
        _object("Organization", "Organization", "00D", organization, createable=False),
    ]


def default_objects() -> list[ObjectType]:
    """Return fresh objects for a new org."""
    return [_account(), *_people_and_goods(), _opportunity(), _line_item(), _onboarding(), *_setup()]
