"""Salesforce as a source of deals and a place for roll-ups; registered as the entry point `salesforce`."""

from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings

__all__ = ["SalesforceConnector", "SalesforceSettings"]
