"""The errors of all connectors, named by what the caller does next.

Raised by connectors only; caught in `sync.engine`, where the next step is decided. They carry a stable code, a sentence
for the operator that ends with what to do next, and never a secret, a token or a whole vendor body.
"""

from __future__ import annotations

import re

_CREDENTIAL = re.compile(
    r"""\b(?P<name>(?:bearer|basic|oauth)\s+|(?:\w*token|api_?key|\w*secret|password|assertion|sid)["']?\s*[:=]\s*["']?)
    (?=[^\s"'<>&,;]*\d)[^\s"'<>&,;]{8,}""",
    re.IGNORECASE | re.VERBOSE,
)
"""What looks like a credential in a text: a telling name, and something long with a digit in it."""


class ConnectorError(Exception):
    """Base of all; `code` is stable (`SF-PICKLIST-01`) and documented in docs/errors/."""

    def __init__(self, message: str, *, code: str) -> None:
        # Vendors' reasons are quoted, and gateways are known to echo the headers of the request that they refuse.
        super().__init__(_CREDENTIAL.sub(r"\g<name>…", message))
        self.code = code

    @property
    def message(self) -> str:
        """The operator's sentence."""
        return str(self.args[0])


class TryLater(ConnectorError):
    """Nothing was changed; the same call may succeed after `delay` seconds. `scope` says what must wait.

    `scope` is `connection` (everything at this vendor), `endpoint:NAME` or `record:ID`.
    """

    def __init__(self, message: str, *, code: str, delay: float, scope: str = "connection") -> None:
        super().__init__(message, code=code)
        self.delay = delay
        self.scope = scope


class Paused(TryLater):
    """No call was made, and none will be for `delay` seconds, by our own decision: it is never repeated in place."""


class Stale(ConnectorError):
    """Nothing was changed: the record moved on since we read it. Read again and plan again."""


class Refused(ConnectorError):
    """Nothing was changed, and the same call will be refused again: hold this record back and show why.

    `field` is the vendor's field that is at fault, or "".
    """

    def __init__(self, message: str, *, code: str, field: str = "") -> None:
        super().__init__(message, code=code)
        self.field = field


class NotAuthorised(ConnectorError):
    """The credentials or permissions do not suffice: stop using this connection and tell the operator."""


class Unknown(ConnectorError):
    """The write may or may not have landed (or may land yet): look its write key up before trying again."""
