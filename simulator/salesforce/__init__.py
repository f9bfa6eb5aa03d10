"""Salesforce over HTTP on localhost: an org with opportunities, the REST API and Bulk 2.0, its limits and its moods.

Served by `simulator.server`; loaders and tests also use its `org` directly. It imports nothing outside `simulator`.

Not modelled: SOSL, aggregates and GROUP BY, FIELDS(), TYPEOF, sharing (the integration user sees every record, though
not every field), Apex and flows beyond validation rules and outbound messages, record types, several currencies,
Bulk 1.0, SOAP.

No source confirms these codes, so clients should lean on their statuses: EXCEEDED_ID_LIMIT and LIMIT_EXCEEDED of
Collections and Composite, PRECONDITION_FAILED (412), URI_TOO_LONG (414), REQUEST_HEADER_TOO_LARGE (431); nor that an
unknown column refuses a whole Collections call rather than one record.
"""

from simulator.salesforce.vendor import Salesforce

__all__ = ["Salesforce"]
