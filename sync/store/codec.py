"""Canonical values as JSON text and back, without losing a type; used for all of the store's value columns.

Text, booleans, ordinary numbers and None are plain JSON, a tuple is a JSON list, and what JSON cannot say is an object
with one letter as its key: `{"d": "2026-11-21"}` a date, `{"t": …}` a moment, `{"n": …}` a number that JSON parsers
bend. Values never hold objects themselves, so the two cannot be mistaken for each other. It judges no value and knows
no field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson

from connectors.base import Fields, Value

_SAFE_INTEGER = 2**53 - 1
"""Beyond this, JSON parsers may answer with a rounded float."""


def encode_fields(fields: Fields) -> str:
    """Return the fields as JSON text; raises TypeError for what is not a Value."""
    return _dump({name: _plain(value) for name, value in fields.items()})


def decode_fields(text: str | None) -> dict[str, Value]:
    """Return the fields that `encode_fields` wrote; None and "" are no fields."""
    return _revived(_parse(text)) if text else {}


def encode_items(items: Mapping[str, Fields]) -> str:
    """Return the fields of many items as one JSON text."""
    return _dump({item: {name: _plain(value) for name, value in fields.items()} for item, fields in items.items()})


def decode_items(text: str | None) -> dict[str, Fields]:
    """Return the items that `encode_items` wrote; None and "" are no items."""
    return {item: _revived(fields) for item, fields in _parse(text).items()} if text else {}


def _plain(value: Value) -> Any:
    match value:
        case None | str() | bool():
            return value
        case int():
            return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else {"n": str(value)}
        case float():
            return value if math.isfinite(value) else {"n": repr(value)}
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case tuple():
            return list(value)
    raise TypeError(f"{type(value).__name__} is not a value that crosses between systems")


def _revived(fields: dict[str, Any]) -> dict[str, Value]:
    # In place: nearly all values are native, and this runs once for every field of every record that is loaded.
    for name, value in fields.items():
        kind = type(value)
        if kind is list:
            fields[name] = tuple(value)
        elif kind is dict:
            fields[name] = _tagged(value)
    return fields


def _tagged(value: dict[str, str]) -> Value:
    [(tag, text)] = value.items()
    match tag:
        case "d":
            return date.fromisoformat(text)
        case "t":
            return datetime.fromisoformat(text)
        case "n":
            return float(text) if text in {"nan", "inf", "-inf"} else int(text)
    raise ValueError(f"The store holds a value of the unknown type {tag!r}: it was written by a newer Closedwon")


def _dump(plain: dict[str, Any]) -> str:
    try:
        return orjson.dumps(plain).decode()
    except orjson.JSONEncodeError:
        return json.dumps(plain)  # half a surrogate pair, as vendors cut texts: escaped it survives


def _parse(text: str) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = json.loads(text)
    return parsed
