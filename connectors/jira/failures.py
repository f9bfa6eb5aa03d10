"""Turns Jira's answers of failure into our errors: what to do next, a stable code, one sentence for the operator.

Called by `connectors.jira.client` for whole answers and by `connectors.jira.creates` for the parts of a bulk answer.
It never repeats a body; a field's own message is passed on in short, since only it says what is wrong with the value.
Every code is explained in docs/errors/jira.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import requests

from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown
from connectors.http import retry_after

_UNTOLD_DELAY = 5.0
"""Seconds to wait where a 429 or 503 does not say; the caller's backoff grows from there."""

_SCOPES = {
    "jira-burst-based": ("JIRA-RATE-01", "endpoint", "Too many calls of one kind at once, by all apps of the site"),
    "jira-per-issue-on-write": ("JIRA-RATE-02", "record", "Too many changes to one issue within seconds"),
    "jira-quota-global-based": ("JIRA-RATE-03", "connection", "The hourly quota of calls is used up"),
    "jira-quota-tenant-based": ("JIRA-RATE-03", "connection", "The site's hourly quota of calls is used up"),
}
"""`RateLimit-Reason` to code and what must wait; source: developer.atlassian.com/cloud/jira/platform/rate-limiting."""

_BY_FIELD = {
    "assignee": ("JIRA-USER-01", "Map this person to somebody who may be assigned in the project."),
    "reporter": ("JIRA-USER-01", "Map this person to somebody who may report in the project."),
    "parent": ("JIRA-PARENT-01", "Check that the plan's issue still exists and that its type may have such children."),
    "issuetype": ("JIRA-TYPE-01", "Add this issue type to the project, or change `plan_type` or `task_type`."),
    "project": ("JIRA-PROJECT-01", "Check `project` in config.yaml and that the account may create issues there."),
}


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, for the error that tells of its failure. `record` is the issue's id, or ""."""

    endpoint: str
    record: str = ""
    safe: bool = True


def failure(response: requests.Response, call: Call, *, now: datetime) -> ConnectorError:
    """Explain an answer of 400 or above."""
    status = response.status_code
    if status == requests.codes.unauthorized:
        return _unauthorised()
    if status == requests.codes.forbidden:
        return _forbidden(response)
    if status == requests.codes.too_many_requests:
        return _rate_limited(response, call, now=now)
    if status >= requests.codes.server_error or status == requests.codes.request_timeout:
        return _down(response, call, now=now)
    if status == requests.codes.not_found:
        return _gone(call, response)
    if status == requests.codes.conflict:
        return changing(call.record)
    if status == requests.codes.gone:
        return NotAuthorised("Jira has removed an API that we use. Update Closedwon.", code="JIRA-API-01")
    if status == requests.codes.request_entity_too_large:
        return Refused(
            "The issue has reached one of Jira's limits. Archive or delete some of its comments or time entries.",
            code="JIRA-LIMIT-01",
        )
    return refusal(_body(response))


def refusal(errors: Mapping[str, Any]) -> Refused:
    """Explain Jira's ErrorCollection: `errors` by field, else `errorMessages`."""
    by_field = errors.get("errors")
    if isinstance(by_field, Mapping) and by_field:
        name, said = next(iter(by_field.items()))
        code, repair = _BY_FIELD.get(str(name), ("JIRA-FIELD-01", "Correct the value, or the rule that makes it."))
        text = _short(said)
        if "not on the appropriate screen" in text:
            code, repair = "JIRA-SCREEN-02", "Put the field on the issue type's create and edit screens."
        return Refused(f"Jira refuses {name}: {text} {repair}", code=code, field=str(name))
    messages = errors.get("errorMessages")
    text = _short(messages[0]) if isinstance(messages, list) and messages else "It gave no reason."
    return Refused(
        f"Jira refuses the request: {text} Run `closedwon doctor` to compare the project with the mapping.",
        code="JIRA-REQUEST-01",
    )


def part_failure(error: Mapping[str, Any]) -> ConnectorError:
    """Explain one failed element of a bulk answer."""
    status = error.get("status", 400)
    if status == requests.codes.too_many_requests:
        return TryLater(
            "Jira put off this issue of a batch. It is tried again by itself.",
            code="JIRA-RATE-01",
            delay=_UNTOLD_DELAY,
            scope="endpoint:POST /rest/api/3/issue/bulk",
        )
    if isinstance(status, int) and status >= requests.codes.server_error:
        return Unknown(
            "Jira failed at this issue of a batch. It is looked up and tried again by itself.", code="JIRA-DOWN-01"
        )
    elements = error.get("elementErrors")
    return refusal(elements if isinstance(elements, Mapping) else {})


def is_json(response: requests.Response) -> bool:
    """Tell Jira's own answers from the pages of whatever stands in front of it, or in its place."""
    return "json" in response.headers.get("Content-Type", "").lower()


def changing(record: str) -> TryLater:
    """Make the error for an issue that somebody else is changing at this moment."""
    return TryLater(
        "Jira is changing this issue for somebody else at this moment. It is tried again by itself.",
        code="JIRA-CONFLICT-01",
        delay=1.0,
        scope=f"record:{record}" if record else "connection",
    )


def anonymous() -> NotAuthorised:
    """Say that Jira answered as if to a stranger, which is how it answers an expired token."""
    return NotAuthorised(
        "Jira no longer knows our token and answers as to a stranger, with nothing in it. "
        "Create a new API token and set it for this connection.",
        code="JIRA-AUTH-02",
    )


def _unauthorised() -> NotAuthorised:
    return NotAuthorised(
        "Jira refuses the sign-in. Check `email` and the API token; a scoped token needs the api.atlassian.com url.",
        code="JIRA-AUTH-01",
    )


def _forbidden(response: requests.Response) -> NotAuthorised:
    if "captcha" in response.headers.get("X-Seraph-LoginReason", "").lower() or (
        "captcha" in response.headers.get("X-Authentication-Denied-Reason", "").lower()
    ):
        return NotAuthorised(
            "Jira wants a CAPTCHA after failed sign-ins. Sign in as this account in a browser, then check the token.",
            code="JIRA-AUTH-04",
        )
    return NotAuthorised(
        "Jira forbids this to the account. Run `closedwon doctor`, which names the missing permission.",
        code="JIRA-AUTH-03",
    )


def _rate_limited(response: requests.Response, call: Call, *, now: datetime) -> TryLater:
    reason = response.headers.get("RateLimit-Reason", "")
    # Without a reason it is a gateway's: we cannot know what it counts, so everything waits.
    code, scope, why = _SCOPES.get(reason, ("JIRA-RATE-04", "connection", "Jira's gateway asks us to slow down"))
    names = {"endpoint": f"endpoint:{call.endpoint}", "record": f"record:{call.record}"}
    if scope == "record" and not call.record:
        scope = "connection"
    return TryLater(
        f"{why}. It goes on by itself after a pause.",
        code=code,
        delay=_pause(response.headers, now=now),
        scope=names.get(scope, scope),
    )


def _down(response: requests.Response, call: Call, *, now: datetime) -> ConnectorError:
    text = f"Jira is failing (HTTP {response.status_code}). It is tried again by itself; see status.atlassian.com."
    if not call.safe:
        # Even a 503 with Retry-After: a gateway may send it for a request that the site behind it still carries out.
        return Unknown(text, code="JIRA-DOWN-01")
    asked = retry_after(response.headers, now=now)
    # One record at which Jira stumbles must not stop the others.
    scope = f"record:{call.record}" if call.record else f"endpoint:{call.endpoint}"
    return TryLater(text, code="JIRA-DOWN-01", delay=0.0 if asked is None else asked, scope=scope)


def _gone(call: Call, response: requests.Response) -> ConnectorError:
    if call.record and is_json(response):
        return Refused(
            "The issue is deleted, or hidden from our account. Restore it, or let the account see it again.",
            code="JIRA-GONE-01",
        )
    return NotAuthorised(
        "Jira has nothing at this address, or hides it from our account. Check `url` and `project` in config.yaml.",
        code="JIRA-GONE-02",
    )


def _pause(headers: Mapping[str, str], *, now: datetime) -> float:
    """Return Retry-After in any of its forms, else the time to X-RateLimit-Reset, else a guess."""
    asked = retry_after(headers, now=now)
    if asked is not None:
        return asked
    try:
        reset = datetime.fromisoformat(headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return _UNTOLD_DELAY
    aware = reset if reset.tzinfo else reset.replace(tzinfo=UTC)
    # It is given by the minute, so a moment that has passed says nothing.
    ahead = (aware - now).total_seconds()
    return ahead if ahead > 0 else _UNTOLD_DELAY


def _body(response: requests.Response) -> Mapping[str, Any]:
    try:
        payload = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _short(said: object) -> str:
    """One line of at most 200 characters that ends like a sentence."""
    text = " ".join(str(said).split())[:200]
    return text if text.endswith((".", "!", "?")) else f"{text}."
