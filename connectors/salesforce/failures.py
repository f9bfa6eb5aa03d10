"""Salesforce's failures, as our errors: what its status and codes mean for the caller's next step.

Called by `client` and `token` for whole answers and by `writing` and `bulk` for single records. It quotes of the
vendor's messages only what an administrator wrote (a validation rule's text): the others hold customers' values.
The codes are described in docs/errors/salesforce.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connectors.errors import ConnectorError, NotAuthorised, Refused, Stale, TryLater, Unknown
from connectors.http import retry_after

CONCURRENT_PAUSE = 5.0
"""Seconds; more than 25 calls of over 20 s run at once, which passes by itself."""
DAILY_PAUSE = 900.0
"""Seconds; the allotment rolls over 24 hours, and Salesforce never says when there is room again."""
LOGIN_PAUSE = 600.0
"""Seconds; 3,600 sign-ins an hour and user (help.salesforce.com 000381578)."""
STORAGE_PAUSE = 3600.0
EDGE_PAUSE = 2.0

_NEVER_REFRESHED = ("not valid for use with the REST API", "not attached to Agent")
"""401s which a new token does not mend; asking again would loop (jsforce, http-api.ts)."""
_COLUMN = re.compile(r"No such column '([\w.]+)'|update fields: (\w+)")
_STORAGE = "STORAGE_LIMIT_EXCEEDED"
_TELLING = frozenset({404, 410, 412, 414, 431})
"""Statuses that say enough without a body."""
_CROWDED = frozenset({406, 420, 429})
_TRANSIENT = frozenset({"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG"})
_FORBIDDEN = frozenset(
    {
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "FUNCTIONALITY_NOT_ENABLED",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "TXN_SECURITY_METERING_ERROR",
        "CLIENT_NOT_ACCESSIBLE_FOR_USER",
    }
)


class Expired(NotAuthorised):
    """The token is no longer good: a new one may mend it. Only `client` sees this."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer other than 2xx says; `code` is "" where something else than Salesforce spoke."""

    status: int
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The first field at fault, told apart or found in the message; "" when none is named."""
        found = _COLUMN.search(self.message)
        named = next(filter(None, found.groups()), "") if found else ""
        return self.fields[0] if self.fields else named


def read(status: int, content: bytes | str) -> Said:
    """Read a failed answer in any of its forms: a list of errors, OAuth's object, a page, nothing."""
    try:
        payload = orjson.loads(content)
    except orjson.JSONDecodeError:
        return Said(status)
    first = payload[0] if isinstance(payload, list) and payload else payload
    if not isinstance(first, dict):
        return Said(status)
    if "error" in first:
        return Said(status, f"oauth:{first['error']}", str(first.get("error_description", "")))
    return told(first, status)


def told(error: Mapping[str, Any], status: int = 200) -> Said:
    """Read one error: its code is `errorCode` in whole answers and `statusCode` in a batch's records."""
    code = str(error.get("errorCode") or error.get("statusCode") or "")
    fields = tuple(map(str, error.get("fields") or ()))
    return Said(status, code, str(error.get("message", "")), fields)


def explain(said: Said, headers: Mapping[str, str], *, now: datetime) -> ConnectorError:
    """Turn a failed answer into the error that names the next step."""
    if said.code.startswith("oauth:"):
        return _sign_in(said)
    if said.status == 401:  # noqa: PLR2004 - HTTP's own numbers, here and below
        return _session(said)
    if said.code == "REQUEST_LIMIT_EXCEEDED":
        return _limit(said)
    if said.code in _TRANSIENT:
        return TryLater(
            "Salesforce is busy with these records or this query. It is tried again by itself.",
            code="SF-BUSY-01",
            delay=EDGE_PAUSE,
        )
    if said.code == _STORAGE:
        return _full("connection")
    if said.status in _TELLING or (said.code and said.status < 500 and said.status not in _CROWDED):  # noqa: PLR2004
        return _rejected(said)
    return _edge(said, headers, now)


def explain_record(said: Said, *, key: str) -> ConnectorError:
    """Turn a single record's failure in a batch into Refused, or TryLater where waiting mends it."""
    hidden_lock = said.code.startswith("CANNOT_INSERT_UPDATE") and "UNABLE_TO_LOCK_ROW" in said.message
    if said.code in _TRANSIENT or hidden_lock:
        return TryLater(
            "Somebody else is saving this record or its parent. It is tried again by itself.",
            code="SF-LOCK-01",
            delay=EDGE_PAUSE,
            scope=f"record:{key}",
        )
    return _full(f"record:{key}") if said.code == _STORAGE else refusal(said)


def refusal(said: Said) -> Refused:
    """Explain why one record's values were refused; the code is stable, the field is named where the vendor does."""
    code, text = _REFUSALS.get(said.code, _OTHER)
    where = f" (field {said.field})" if said.field else ""
    if said.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION" and said.message:
        rule = " ".join(said.message.split())[:200].rstrip(".")
        return Refused(f"A validation rule of the org says{where}: {rule}. {text}", code=code, field=said.field)
    return Refused(text.format(where=where, code=said.code or "none"), code=code, field=said.field)


def strange() -> TryLater:
    """Explain a 2xx answer that is not what this call answers: something between us and Salesforce spoke."""
    return TryLater(
        "Salesforce's answer does not match what was asked. It is tried again by itself; if it stays so, "
        "look for a proxy that answers in its place.",
        code="SF-ANSWER-01",
        delay=5.0,
    )


_OTHER = (
    "SF-REFUSED-01",
    "Salesforce refused the record{where} with its code {code}. Look it up in docs/errors/salesforce.md.",
)
_PICKLIST = (
    "SF-PICKLIST-01",
    "The value is not in the restricted picklist{where}. Add it there, or map to a value that is.",
)
_LENGTH = (
    "SF-LENGTH-01",
    "The text is longer than the field{where} takes. Lengthen the field or truncate in the mapping.",
)
_REQUIRED = ("SF-REQUIRED-01", "A required field is empty{where}. Map it, or make it optional in Setup.")
_VALIDATION = ("SF-VALIDATION-01", "Change the deal so that it passes, or exempt the integration user in the rule.")
_FIELD = (
    "SF-FIELD-01",
    (
        "A mapped field{where} is missing, or hidden from the integration user. "
        "Restore it or grant it in the permission set, then run `closedwon doctor`."
    ),
)
_READONLY = (
    "SF-READONLY-01",
    "A mapped field{where} may not be written by the integration user. Grant Edit in the permission set.",
)
_VALUE = (
    "SF-VALUE-01",
    "A value does not fit the type of its field{where}. Compare the field's type with the mapping.",
)
_RANGE = ("SF-RANGE-01", "A number is outside of what the field{where} takes. Widen the field or check the deal.")
_GONE = ("SF-GONE-01", "The record, or one that it points to{where}, is deleted. Undelete it, or drop the onboarding.")
_DUPLICATE = (
    "SF-DUPLICATE-01",
    "Another record already holds this value{where}. Merge the two in Salesforce; one deal has one onboarding.",
)
_RULE = ("SF-DUPLICATE-02", "A duplicate rule of the org stops the record. Exempt the integration user from the rule.")
_AUTOMATION = (
    "SF-AUTOMATION-01",
    "A flow or trigger of the org failed on the record{where}. Its owner finds the error in Setup > Debug Logs.",
)
_LOCKED = (
    "SF-LOCKED-01",
    "The record is locked by an approval. Finish the approval, or let the user edit locked records.",
)
_ACCESS = (
    "SF-ACCESS-02",
    "The integration user may not edit this record. Share it, or grant the object in its permission set.",
)

_REFUSALS: Mapping[str, tuple[str, str]] = {
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _PICKLIST,
    "STRING_TOO_LONG": _LENGTH,
    "REQUIRED_FIELD_MISSING": _REQUIRED,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": _VALIDATION,
    "INVALID_FIELD": _FIELD,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _READONLY,
    "JSON_PARSER_ERROR": _VALUE,
    "INVALID_TYPE_ON_FIELD_IN_RECORD": _VALUE,
    "MALFORMED_ID": _VALUE,
    "FIELD_INTEGRITY_EXCEPTION": _VALUE,
    "INVALID_EMAIL_ADDRESS": _VALUE,
    "NUMBER_OUTSIDE_VALID_RANGE": _RANGE,
    "ENTITY_IS_DELETED": _GONE,
    "INVALID_CROSS_REFERENCE_KEY": _GONE,
    "DUPLICATE_VALUE": _DUPLICATE,
    "DUPLICATE_EXTERNAL_ID": _DUPLICATE,
    "DUPLICATES_DETECTED": _RULE,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _AUTOMATION,
    "APEX_ERROR": _AUTOMATION,
    "ENTITY_IS_LOCKED": _LOCKED,
    "INSUFFICIENT_ACCESS_OR_READONLY": _ACCESS,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _ACCESS,
}


def _sign_in(said: Said) -> ConnectorError:
    kind = said.code.removeprefix("oauth:")
    if "login rate" in said.message.lower() or said.status in {429, 503}:
        return TryLater(
            "Salesforce takes no more sign-ins for now. It goes on by itself; see who else signs in as this user.",
            code="SF-LOGIN-02",
            delay=LOGIN_PAUSE,
        )
    advice = {
        "invalid_client": "Check client_id and client_secret against the external client app.",
        "invalid_client_id": "Check client_id against the external client app.",
        "app_not_found": "Set `url` (and `audience`) to the org's My Domain, where the external client app lives.",
        "inactive_user": "Activate the integration user, or name another.",
        "inactive_org": "The org is locked; its administrator must reopen it.",
    }.get(kind, "Check username, audience and certificate, and pre-authorise the app for the integration user.")
    return NotAuthorised(f"Salesforce refused to sign us in ({kind[:40]}). {advice}", code="SF-LOGIN-01")


def _session(said: Said) -> ConnectorError:
    if any(text in said.message for text in _NEVER_REFRESHED):
        return NotAuthorised(
            "The token does not reach the REST API. Add the scope `api` to the external client app.",
            code="SF-SESSION-02",
        )
    return Expired(
        "Salesforce refuses tokens that it has just given out. Check the integration user (frozen?), its login hours "
        "and IP ranges, and the app's scope `api`.",
        code="SF-SESSION-01",
    )


def _limit(said: Said) -> TryLater:
    """Tell the two meanings of one code apart by the message, as nothing else does (OrgCheck #432)."""
    if "concurrent" in said.message.lower():
        return TryLater(
            "The org runs too many long API calls at once. It is tried again by itself.",
            code="SF-LIMIT-02",
            delay=CONCURRENT_PAUSE,
        )
    return TryLater(
        "The org's daily API allotment is used up. It goes on by itself; Setup > Company Information tells more.",
        code="SF-LIMIT-01",
        delay=DAILY_PAUSE,
    )


def _full(scope: str) -> TryLater:
    return TryLater(
        "The org's data storage is full. Free some (Setup > Storage Usage); it goes on by itself.",
        code="SF-STORAGE-01",
        delay=STORAGE_PAUSE,
        scope=scope,
    )


def _edge(said: Said, headers: Mapping[str, str], now: datetime) -> ConnectorError:
    """Explain what a gateway, a maintenance page or an overload answered."""
    text = f"Salesforce, or something before it, answered with HTTP {said.status}"
    advice = "It is tried again by itself; if it stays so, see status.salesforce.com and the connection's url."
    if said.status in {500, 502, 504}:
        return Unknown(f"{text}. {advice}", code="SF-EDGE-01")
    asked = retry_after(headers, now=now)
    return TryLater(f"{text}. {advice}", code="SF-EDGE-01", delay=EDGE_PAUSE if asked is None else asked)


def _rejected(said: Said) -> ConnectorError:
    if said.status == 410 or said.code == "UNSUPPORTED_API_VERSION":  # noqa: PLR2004
        return NotAuthorised(
            "The org does not know this API version. Set `api_version` to one between 31.0 and the org's newest.",
            code="SF-VERSION-01",
        )
    if said.status == 412:  # noqa: PLR2004
        return Stale("The record moved on since it was read. It is read again by itself.", code="SF-STALE-01")
    if said.status in {414, 431}:
        return Refused(
            "The query is longer than a URL may be. Map fewer fields of the deal.",
            code="SF-URL-01",
        )
    if said.code == "INVALID_QUERY_LOCATOR":
        return Stale("A page of the query is no longer held. The query is begun anew by itself.", code="SF-LOCATOR-01")
    if said.code in _FORBIDDEN:
        return NotAuthorised(
            f"The integration user may not do this ({said.code}). Grant API Enabled and the objects that "
            "`closedwon doctor` lists in its permission set.",
            code="SF-ACCESS-01",
        )
    if said.status == 404 and not said.code:  # noqa: PLR2004
        return NotAuthorised(
            "There is no Salesforce at this address. Set `url` to the org's My Domain.", code="SF-OBJECT-02"
        )
    if said.code in {"INVALID_TYPE", "NOT_FOUND"}:
        return NotAuthorised(
            "An object is not in the org, or hidden from the integration user. Create it or grant it, then run "
            "`closedwon doctor`, which says which.",
            code="SF-OBJECT-01",
        )
    if said.code == "MALFORMED_QUERY":
        return Refused(
            "Salesforce cannot read the query. Check the mapped field names of the deal in mappings.",
            code="SF-QUERY-01",
        )
    return refusal(said)
