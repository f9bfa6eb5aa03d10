"""A refusal as Salesforce words it: a status, a stable code, a sentence, and the fields at fault.

Raised everywhere in this simulator, turned into an answer by `rest` (top level) or `collections` (one record of many).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Problem(Exception):
    """One refusal. The key of its code is `errorCode` at the top level and `statusCode` inside record results."""

    def __init__(self, code: str, message: str, *, status: int = 400, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = tuple(fields)

    def payload(self) -> list[dict[str, Any]]:
        """Return the body of a top-level error: an array, with `fields` only where there are some."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            entry["fields"] = list(self.fields)
        return [entry]

    def row_error(self) -> dict[str, Any]:
        """Return the entry for `errors` in the result of one record among many."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


def not_found(message: str = "The requested resource does not exist") -> Problem:
    """Build the refusal for a thing that is not there."""
    return Problem("NOT_FOUND", message, status=404)
