"""Smartsheet's failures, as our errors: what its status and errorCode mean for the caller's next step.

Called by `client` for whole answers and by `rows` for single rows of a bulk answer. It never quotes the vendor's own
message: those hold customers' values. The codes are described in docs/errors/smartsheet.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown
from connectors.http import retry_after

RATE_PAUSE = 60.0
"""Seconds to wait after a 429 without Retry-After, as Smartsheet's guide "Work at scale" advises."""

MAINTENANCE_PAUSE = 180.0
"""Seconds; "wait time between retries should measure in minutes" (smartsheet-python-sdk, smartsheet.py)."""

UNKNOWN_COLUMN = 1036
"""A columnId that the sheet has not (any more)."""

NO_ACCESS = frozenset({1004, 1013, 1016, 1045})
NOT_FOUND = frozenset({1006, 1020, 1033})
TOKEN = frozenset({1001, 1002, 1003})
LOCKED = frozenset({1039, 1050})
VALUES = frozenset({1018, 1031, 1038, 1041, 1042, 1092, 1130, 1133, 1148})


@dataclass(frozen=True, slots=True)
class Fault:
    """What an answer other than 2xx says: HTTP status and headers, and Smartsheet's own errorCode (0 = none)."""

    status: int
    code: int
    headers: Mapping[str, str]
    path: str
    message: str = ""
    index: int | None = None
    """Which row of a bulk call is at fault, where the whole call was refused for one."""


class Gone(Refused):
    """The sheet or row is not there, or is no longer shared with us; Smartsheet does not tell which."""


class NoAccess(Refused):
    """The sheet is there, and our user may not do this with it."""


class AtRow(Refused):
    """A whole bulk call was refused for one row: `index` of what was sent. The others can be sent without it."""

    def __init__(self, cause: Refused, index: int) -> None:
        super().__init__(cause.message, code=cause.code, field=cause.field)
        self.cause = cause
        self.index = index


class UnknownColumn(Refused):
    """A column id that the sheet has not any more: learn the sheet's columns again."""


_FOR_ALL = frozenset({"SS-RATE-01", "SS-MAINT-01", "HTTP-CONNECT-01", "PACE-01"})


def halts(error: ConnectorError) -> bool:
    """Tell whether further calls of a batch are pointless: no right to be here, or a pause for the whole connection.

    What went wrong with one sheet (another program writes to it, 4004) stops no other sheet.
    """
    return isinstance(error, NotAuthorised) or error.code in _FOR_ALL


def explain(fault: Fault, *, now: datetime) -> ConnectorError:
    """Turn a failed answer into the error that names the next step.

    Failures after which the work may have been done are Unknown; `Caller` softens that for calls that may be repeated.
    """
    if fault.status == 429 or fault.code == 4003:  # noqa: PLR2004 - the vendor's numbers
        return TryLater(
            "Smartsheet's rate limit is reached. It is tried again by itself; lower `per_minute` if it happens often.",
            code="SS-RATE-01",
            delay=_pause(fault, RATE_PAUSE, now),
        )
    if fault.code == 0:
        return _page(fault, now)
    if fault.code == 4001:  # noqa: PLR2004
        return TryLater(
            "Smartsheet is down for maintenance. It is tried again by itself.",
            code="SS-MAINT-01",
            delay=_pause(fault, MAINTENANCE_PAUSE, now),
        )
    if fault.status >= 500:  # noqa: PLR2004
        # 4002 (timeout) and 4004 (unexpected, or another write in progress) come before *and after* a commit.
        return Unknown(
            f"Smartsheet failed with its error {fault.code}. What was sent is looked up and tried again by itself.",
            code="SS-SERVER-01",
        )
    return _rejected(fault)


def explain_row(code: int, message: str, titles: Mapping[int, str]) -> Refused:
    """Turn a row's own failure in a bulk answer into Refused, naming the column where the vendor does.

    `titles` maps column ids to our titles: the vendor's message names columns by id.
    """
    field = next((titles[n] for n in map(int, re.findall(r"\d{5,}", message)) if n in titles), "")
    column = f" in column {field!r}" if field else ""
    if code == UNKNOWN_COLUMN:
        return UnknownColumn(
            "A mapped column is no longer in the sheet. Add it again with the mapping's title and type.",
            code="SS-COLUMN-01",
            field=field,
        )
    if code in LOCKED or code in NO_ACCESS:
        return Refused(
            f"The row{column} is locked or read-only for our user. Make it an Admin of the workspace.",
            code="SS-LOCKED-01",
            field=field,
        )
    if code in NOT_FOUND or code == 1034:  # noqa: PLR2004
        return Gone(
            "The row is not in its sheet any more. Restore it there, or let the task's binding be dropped.",
            code="SS-GONE-02",
        )
    if code in VALUES:
        return Refused(
            f"Smartsheet does not take the value{column} (its error {code}). "
            "Compare the column's type and options with the mapping.",
            code="SS-VALUE-01",
            field=field,
        )
    return Refused(
        f"Smartsheet refused this{column} with its error {code}. Look it up in docs/errors/smartsheet.md.",
        code="SS-REFUSED-01",
        field=field,
    )


def _pause(fault: Fault, default: float, now: datetime) -> float:
    asked = retry_after(fault.headers, now=now)
    return default if asked is None else asked


def _page(fault: Fault, now: datetime) -> ConnectorError:
    """Explain an answer without Smartsheet's JSON: a gateway or a proxy spoke in its place."""
    text = (
        f"Something between us and Smartsheet answered with HTTP {fault.status} and a page. "
        "It is tried again by itself; if it stays so, check the proxy and the connection's url."
    )
    if fault.status >= 500:  # noqa: PLR2004
        return Unknown(text, code="SS-PAGE-01")
    return TryLater(text, code="SS-PAGE-01", delay=_pause(fault, RATE_PAUSE, now))


def _rejected(fault: Fault) -> ConnectorError:
    if fault.index is not None and fault.code not in {*TOKEN, UNKNOWN_COLUMN}:
        return AtRow(explain_row(fault.code, fault.message, {}), fault.index)
    in_sheet = fault.path.startswith("/sheets/")
    if fault.status == 401 or fault.code in TOKEN:  # noqa: PLR2004
        return NotAuthorised(
            "Smartsheet does not accept the token: it is wrong, expired or revoked. "
            "Make a new one under Account > Apps > API Access and set it for this connection.",
            code="SS-TOKEN-01",
        )
    if fault.code in NOT_FOUND or fault.status == 404:  # noqa: PLR2004
        return _gone(fault.path)
    if fault.code in NO_ACCESS:
        return _no_access(in_sheet=in_sheet)
    return explain_row(fault.code, fault.message, {})


def _gone(path: str) -> ConnectorError:
    if path.startswith("/sheets/"):
        return Gone(
            "The sheet is deleted or no longer shared with our user. Restore or share it, or start the plan anew.",
            code="SS-GONE-01",
        )
    if path.startswith("/webhooks/"):
        return Gone(
            "The webhook is not there any more, or somebody else's. Run `closedwon webhooks install`.",
            code="SS-GONE-03",
        )
    if path.startswith("/workspaces/"):
        return NotAuthorised(
            "The workspace is not there or not shared with our user. Check `workspace`, and share it as Admin.",
            code="SS-WORKSPACE-01",
        )
    return NotAuthorised(
        "Smartsheet's API is not at this address. Check the connection's `url`; it ends in /2.0.", code="SS-URL-01"
    )


def _no_access(*, in_sheet: bool) -> ConnectorError:
    """Explain a lack of rights: on one sheet it holds back that sheet's records, elsewhere it stops the connection."""
    if in_sheet:
        return NoAccess(
            "Our user may not edit this sheet. Share the sheet, or better its workspace, with it as Admin.",
            code="SS-ACCESS-01",
        )
    return NotAuthorised(
        "Our user may not do this in Smartsheet. Share the workspace with it as Admin and give it a creator's licence.",
        code="SS-ACCESS-02",
    )
