"""The few queries that we send, built from mapped field names.

Used by `reading` and `connector`. Values are quoted by the SDK's own rules; names come from the checked mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from simple_salesforce.format import quote_soql_value

from connectors.salesforce.client import MAX_URL, encode
from connectors.salesforce.settings import SalesforceSettings

LINES = "OpportunityLineItems"
"""Child relationship of a deal's line items."""

_ID = re.compile(r"^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$")


@dataclass(frozen=True, slots=True)
class Names:
    """The field names which a mapping uses, sorted by where they live."""

    deal: tuple[str, ...]
    line: tuple[str, ...]
    onboarding: tuple[str, ...]


def select_deals(names: Names, settings: SalesforceSettings) -> str:
    """Return SELECT … FROM for whole deals, with their lines and the onboarding records that exist."""
    own = names.onboarding if settings.on_deal else ()
    parts = list(_once("Id", "SystemModstamp", "IsWon", "IsClosed", "CloseDate", *names.deal, *own))
    if names.line:
        parts.append(f"({_select(_once('Id', *names.line), LINES)} ORDER BY Id)")
    if settings.onboarding_object and not settings.on_deal:
        wanted = _once("Id", settings.onboarding_key, *names.onboarding)
        parts.append(f"({_select(wanted, settings.onboarding_relationship)})")
    return _select(parts, "Opportunity")


def won_between(since: date | None, until: date | None) -> str:
    """Return the condition for deals won in these days; never by a stage's name, which every org chooses for itself."""
    terms = ["IsWon = true", "IsClosed = true"]
    if since is not None:
        terms.append(f"CloseDate >= {since.isoformat()}")
    if until is not None:
        terms.append(f"CloseDate <= {until.isoformat()}")
    return f" WHERE {' AND '.join(terms)} ORDER BY CloseDate, Id"


def select_changes(names: Names) -> str:
    """Return SELECT … FROM for a sweep: no children, which would make its pages short."""
    wanted = _once("Id", "SystemModstamp", "IsDeleted", "IsWon", "IsClosed", "CloseDate", *names.deal)
    return _select(wanted, "Opportunity")


def changed_since(moment: datetime) -> str:
    """Return a sweep's condition: many rows share a stamp, so the Id breaks ties."""
    return f" WHERE SystemModstamp >= {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ORDER BY SystemModstamp, Id"


def _select(names: Iterable[str], source: str) -> str:
    # Names are the mapping's, values never come here.
    return f"SELECT {', '.join(names)} FROM {source}"  # noqa: S608


def ids_only(values: Iterable[str]) -> tuple[str, ...]:
    """Keep what can be an Id, each once: anything else exists nowhere, and would spoil the query of the others."""
    return tuple(value for value in dict.fromkeys(values) if _ID.match(value))


def select_onboardings(names: Names, settings: SalesforceSettings) -> str:
    """Return SELECT … FROM for onboarding records by themselves."""
    wanted = _once("Id", "SystemModstamp", settings.key_field, *names.onboarding)
    return _select(wanted, settings.onboarding_object)


def all_onboardings(settings: SalesforceSettings) -> str:
    """Return the condition for the records that may hold roll-ups of ours."""
    return f" WHERE {'IsWon = true' if settings.on_deal else f'{settings.onboarding_key} != null'} ORDER BY Id"


def chunked_in(start: str, field: str, values: Sequence[str], end: str) -> Iterator[str]:
    """Yield as few queries `start WHERE field IN (…) end` as URLs allow."""
    room = MAX_URL - len(encode(f"{start} WHERE {field} IN (){end}"))
    chunk: list[str] = []
    used = 0
    for value in values:
        quoted = str(quote_soql_value(value))
        size = len(encode(quoted)) + 1
        if chunk and used + size > room:
            yield f"{start} WHERE {field} IN ({','.join(chunk)}){end}"
            chunk, used = [], 0
        chunk.append(quoted)
        used += size
    if chunk:
        yield f"{start} WHERE {field} IN ({','.join(chunk)}){end}"


def _once(*names: str) -> tuple[str, ...]:
    """Drop repeated names, whatever their case: Salesforce refuses a field that is selected twice."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(name.lower(), name)
    return tuple(kept.values())
