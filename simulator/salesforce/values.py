"""What a field takes and how it keeps it: types, lengths, ranges, picklists, and the errors for everything else.

Called by `org` for each value that is written. Kept values are JSON's own types: dates and moments are texts in the
one fixed form that the API also shows, so that they compare as texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeAlias

from simulator.salesforce.problems import Problem
from simulator.salesforce.schema import Field

Value: TypeAlias = str | int | float | bool | None
Values: TypeAlias = dict[str, Any]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@lru_cache(maxsize=4096)
def stamp(second: int) -> str:
    """Write a moment as the API does, `2026-11-20T10:00:00.000+0000`; milliseconds are never kept."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def seconds_of(text: str) -> int:
    """Read a moment as epoch seconds, dropping its fraction; raises ValueError without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return int(moment.timestamp())


def keep(field: Field, raw: Any) -> Value:
    """Return the value as the org keeps it; raises Problem as the API would."""
    if raw is None or raw == "":
        return None if field.type != "boolean" else _boolean(field, raw)
    return _KEEPERS[field.type](field, raw)


def _cannot_read(field: Field, raw: Any, wanted: str = "") -> Problem:
    token = {str: "VALUE_STRING", bool: "VALUE_TRUE" if raw else "VALUE_FALSE", int: "VALUE_NUMBER_INT"}
    kind = token.get(type(raw), "VALUE_NUMBER_FLOAT" if isinstance(raw, float) else "START_OBJECT")
    shown = str(raw).lower() if isinstance(raw, bool) else raw
    return Problem(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {wanted or field.type} from {kind} value {shown} or request may be missing "
        "a required field at [line:1, column:1]",
    )


def _text(field: Field, raw: Any) -> Value:
    if not isinstance(raw, str):
        raise _cannot_read(field, raw, "string")
    # Texts are kept without the blanks around them, and an empty text is no value.
    text = raw.strip() if field.type != "textarea" else raw.rstrip()
    if field.length and len(text) > field.length:
        shown = text if len(text) <= 60 else text[:60] + "..."
        raise Problem(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {shown} (max length={field.length})",
            fields=[field.name],
        )
    if field.type == "email" and text and not _EMAIL.fullmatch(text):
        raise Problem("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", fields=[field.name])
    return text or None


def _picklist(field: Field, raw: Any) -> Value:
    text = _text(field, raw)
    if field.restricted and text is not None:
        for part in str(text).split(";") if field.type == "multipicklist" else [str(text)]:
            match = next((one for one in field.options if one.active and one.value.lower() == part.lower()), None)
            if match is None:
                raise Problem(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    f"{field.label}: bad value for restricted picklist field: {part}",
                    fields=[field.name],
                )
            if field.type == "picklist":
                return match.value
    return text


def _number(field: Field, raw: Any) -> Value:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise _cannot_read(field, raw, "double")
    try:
        number = Decimal(str(raw))
    except InvalidOperation as error:
        raise _cannot_read(field, raw, "double") from error
    if not number.is_finite() or abs(number) >= Decimal(10) ** max(field.precision - field.scale, 1):
        raise Problem(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {raw}",
            fields=[field.name],
        )
    rounded = number.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP)
    return int(rounded) if field.type == "int" else float(rounded)


def _whole(field: Field, raw: Any) -> Value:
    if isinstance(raw, float) and not raw.is_integer():
        raise _cannot_read(field, raw, "int")
    return _number(field, raw)


def _boolean(field: Field, raw: Any) -> Value:
    if isinstance(raw, str) and raw.lower() in {"true", "false"}:
        return raw.lower() == "true"
    if not isinstance(raw, bool):
        raise _cannot_read(field, raw, "boolean")
    return raw


def _day(field: Field, raw: Any) -> Value:
    if not isinstance(raw, str):
        raise _cannot_read(field, raw, "date")
    try:
        # A moment is cut to its day, as the API does.
        text = raw if _DATE.fullmatch(raw) else stamp(seconds_of(raw))[:10]
        return date.fromisoformat(text).isoformat()
    except (ValueError, OverflowError) as error:
        raise _cannot_read(field, raw, "date") from error


def _moment(field: Field, raw: Any) -> Value:
    if not isinstance(raw, str):
        raise _cannot_read(field, raw, "datetime")
    try:
        return stamp(seconds_of(raw + "T00:00:00Z" if _DATE.fullmatch(raw) else raw))
    except (ValueError, OverflowError) as error:
        raise _cannot_read(field, raw, "datetime") from error


_KEEPERS: Mapping[str, Callable[[Field, Any], Value]] = {
    **dict.fromkeys(("string", "textarea", "url", "phone", "email", "combobox", "id", "reference"), _text),
    **dict.fromkeys(("picklist", "multipicklist"), _picklist),
    **dict.fromkeys(("double", "currency", "percent"), _number),
    "int": _whole,
    "boolean": _boolean,
    "date": _day,
    "datetime": _moment,
}
