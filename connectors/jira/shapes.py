"""How each type of Jira field looks on the wire, and what Jira makes of a value: read, write, tidy.

Used by `connectors.jira.fields`, which knows which field has which shape. Pure functions over plain data; a value that
the shape cannot carry is Refused before it costs a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connectors.base import Value
from connectors.jira import adf

LINE_MAX = 255
"""Longest summary and single-line text (the vendor answers 400 beyond it)."""

TEXT_MAX = 32_767
"""Longest rich text."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile(r"[\r\n\u2028\u2029]+")
_MINUTE = 60


class Unfit(ValueError):
    """A value of the wrong kind for its field; its argument says what was expected."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One type of field. `tidy` gives what Jira will store; `write` takes tidy values only.

    What people entered in other ways is made tidy when it is read, so that no value differs from its own tidy form.
    """

    read: Callable[[Any], Value]
    write: Callable[[Value], Any]
    tidy: Callable[[Value], Value]
    writable: bool = True
    many: bool = False
    """Holds several values, which lowers bulkfetch's limit from 1,000 issues to 100."""


def _line(value: Value) -> Value:
    text = _text(value)
    if not (text.isascii() and text.isprintable()):
        text = _BREAK.sub(" ", _CONTROL.sub("", text))
    return _cut(text.strip(), LINE_MAX).rstrip() or None


def _lines(value: Value) -> Value:
    text = _CONTROL.sub("", _text(value).replace("\r\n", "\n").replace("\r", "\n"))
    tidy = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    return _cut(tidy, TEXT_MAX).rstrip() or None


def _cut(text: str, units: int) -> str:
    """Cut to a length in UTF-16 units, as Java counts: an emoji takes two."""
    return text if 2 * len(text) <= units else text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def _word(value: Value) -> Value:
    return _text(value).strip() or None


def _words(value: Value) -> Value:
    if value is None:
        return ()
    if not isinstance(value, tuple):
        raise Unfit("a list of texts")
    return tuple(sorted({word.strip() for word in value if word.strip()}))


def _labels(value: Value) -> Value:
    words = _words(value)
    # A label holds no space; Jira's own pages turn one into two labels, we keep it one.
    return tuple(sorted({_cut("_".join(word.split()), LINE_MAX) for word in words})) if isinstance(words, tuple) else ()


def _day(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    raise Unfit("a date")


def _moment(value: Value) -> Value:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Unfit("a moment with its offset")
    return value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)


def _number(value: Value) -> Value:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("a number")
    return int(value) if float(value).is_integer() else value


def _minutes(value: Value) -> Value:
    """Jira keeps estimates in whole minutes."""
    number = _number(value)
    if number is None:
        return None
    if not isinstance(number, int | float) or number < 0:
        raise Unfit("seconds of 0 or more")
    return round(number / _MINUTE) * _MINUTE


def _text(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unfit("text")
    return value


def _write_minutes(value: Value) -> dict[str, str]:
    # Always minutes: hours and days depend on the site's working week. An empty text clears the estimate.
    return {"originalEstimate": "" if value is None else f"{int(_text_number(value)) // _MINUTE}m"}


def _text_number(value: Value) -> float:
    assert isinstance(value, int | float)
    return value


def _write_moment(value: Value) -> str | None:
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000" if isinstance(value, datetime) else None


def _write_parent(value: Value) -> dict[str, str] | None:
    return None if value is None else {"id" if str(value).isdigit() else "key": str(value)}


def _write_text(value: Value) -> dict[str, Any] | None:
    return None if value is None else adf.document(str(value))


def _under(name: str) -> Callable[[Value], dict[str, Value] | None]:
    return lambda value: None if value is None else {name: value}


def _all_under(name: str) -> Callable[[Value], list[dict[str, str]]]:
    return lambda value: [{name: word} for word in value] if isinstance(value, tuple) else []


def _read(name: str) -> Callable[[Any], Value]:
    return lambda raw: (str(raw[name]) if raw.get(name) is not None else None) if isinstance(raw, Mapping) else None


def _read_all(name: str) -> Callable[[Any], Value]:
    def read(raw: Any) -> Value:
        items = raw if isinstance(raw, list) else []
        return tuple(sorted(str(item[name]) for item in items if isinstance(item, Mapping) and name in item))

    return read


def _read_day(raw: Any) -> Value:
    return date.fromisoformat(raw) if isinstance(raw, str) and raw else None


def read_moment(raw: Any) -> datetime | None:
    """Read Jira's `2026-01-02T03:04:05.000+0000`."""
    return datetime.fromisoformat(raw) if isinstance(raw, str) and raw else None


def _read_text(raw: Any) -> Value:
    return adf.plain(raw) or None


def _read_number(raw: Any) -> Value:
    return _number(raw) if isinstance(raw, int | float) else None


def _read_words(raw: Any) -> Value:
    return tuple(sorted(str(word) for word in raw)) if isinstance(raw, list) else ()


def _read_plain(raw: Any) -> Value:
    return (raw or None) if isinstance(raw, str) else None


def _same(value: Value) -> Any:
    return value


def _list(value: Value) -> list[str]:
    return list(value) if isinstance(value, tuple) else []


def _iso(value: Value) -> str | None:
    return value.isoformat() if isinstance(value, date) else None


def _read_any(raw: Any) -> Value:
    """Make the best of a type that we do not know, for reading only."""
    if isinstance(raw, Mapping):
        return next((str(raw[name]) for name in ("value", "name", "displayName", "key") if raw.get(name)), None)
    return raw if isinstance(raw, bool | int | float | str) else None


LINE = Shape(_read_plain, _same, _line)
TEXT = Shape(_read_text, _write_text, _lines)
DAY = Shape(_read_day, _iso, _day)
MOMENT = Shape(read_moment, _write_moment, _moment)
NUMBER = Shape(_read_number, _same, _number)
ESTIMATE = Shape(_read_number, _write_minutes, _minutes)
SECONDS = Shape(_read_number, _same, _number, writable=False)
PERSON = Shape(_read("accountId"), _under("accountId"), _word)
PEOPLE = Shape(_read_all("accountId"), _all_under("accountId"), _words, many=True)
CHOICE = Shape(_read("value"), _under("value"), _word)
CHOICES = Shape(_read_all("value"), _all_under("value"), _words, many=True)
NAMED = Shape(_read("name"), _under("name"), _word)
NAMES = Shape(_read_all("name"), _all_under("name"), _words, many=True)
PARENT = Shape(_read("id"), _write_parent, _word)
LABELS = Shape(_read_words, _list, _labels, many=True)
OTHER = Shape(_read_any, _same, _same, writable=False)
