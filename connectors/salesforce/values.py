"""Values between Salesforce's JSON and plain Python, in both directions, and what Salesforce does to them on saving.

Used by `reading`, `writing`, `bulk` and `connector`. It knows shapes, never what a field means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from connectors.base import Fields, Value
from connectors.errors import Refused

Wire: TypeAlias = bool | int | float | str | None
"""A value as it stands in a JSON body."""

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$")


def plain(value: Any, name: str) -> Value:
    """Return a vendor's value as plain Python, told by its shape; raises Refused for a compound one (an address).

    By shape and not by the described type, so that a sweep needs no call but its query. A text that is nothing but a
    date comes as that `date`, whose text is the same.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise Refused(
        f"The field {name} holds several values in one. Map one of its parts, such as BillingCity for BillingAddress.",
        code="SF-COMPOUND-01",
        field=name,
    )


def pick(record: Mapping[str, Any], path: str) -> Value:
    """Return the value at a relationship path (`Account.Owner.Email`); None where a step of it is empty."""
    found: Any = record
    for part in path.split("."):
        if found is None:
            return None
        found = member(found, part)
    return plain(found, path)


def wire(value: Value) -> Wire:
    """Return a plain value as it stands in a JSON body."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ";".join(value)
    return value


def stored(fields: Fields, scales: Mapping[str, int]) -> dict[str, Value]:
    """Return the values as Salesforce keeps them: texts trimmed, nothing for "", whole seconds, numbers rounded.

    `scales` holds the digits after the point of the number fields that are known. Texts too long are refused by
    Salesforce and not cut, so they stay as they are.
    """
    return {name: _stored(value, scales.get(name)) for name, value in fields.items()}


def _text(value: str) -> Value:
    if _DATE.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    if _MOMENT.match(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


def member(value: Any, name: str) -> Any:
    """Return a record's member: names are case-insensitive in a query, and the answer spells them as the org does."""
    if not isinstance(value, Mapping):
        return None
    if name in value:
        return value[name]
    return next((held for key, held in value.items() if key.lower() == name.lower()), None)


def _stored(value: Value, scale: int | None) -> Value:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0)
    if isinstance(value, tuple):
        return ";".join(value) or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _rounded(value, scale)
    return value


def _rounded(value: float, scale: int | None) -> int | float:
    number = Decimal(str(value))
    if scale is not None:
        number = number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
    return int(number) if number == number.to_integral_value() else float(number)
