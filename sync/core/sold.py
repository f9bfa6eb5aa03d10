"""What is remembered of the deal that a plan was made from, and that deal again: fields, lines, and by which rules.

Called by `sync.core.draft` and `sync.core.amendment`, and by whoever needs an onboarding's sold lines. Pure. It never
takes a deal that is shown with less than before for a deal that was changed: what is empty now was not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import orjson

from connectors.base import Fields, Value
from mappings.model import Deal, Given, Line
from sync.core import places

LINES = "lines"
"""The remembered lines: one JSON text each. Deals made before lines were remembered have none."""

RULES = "_rules"
"""Names the rules of the mapping by which the remembered values were read. No mapped field begins like this."""

SOLD_HOURS = "_sold_hours"
"""What the deal itself says; `contracted_hours` beside it is what the template made of it."""

LEFT = "_left"
"""Parts of the present diff that a person decided to leave as they are."""

PATCH = "_patch"
"""What was applied of a diff of which other parts still wait."""

NOW = "_now"
"""The print of the deal as it is by now, while it is remembered as it was: what a copy of it would look like."""

_EMPTY: tuple[Value, ...] = (None, "", ())
_OWN = ("product", "code", "family", "quantity", "price")


def remembered(deal: Deal, *, contracted: Value, rules: str) -> dict[str, Value]:
    """Return what is remembered of a deal; `contracted` are the hours that its plan grants."""
    return {
        **deal.fields,
        "contracted_hours": contracted,
        SOLD_HOURS: deal.fields.get("contracted_hours"),
        LINES: tuple(_line_text(line) for line in deal.lines),
        RULES: rules,
        **places.written(deal.lines, deal.given),
    }


def recalled(key: str, fields: Fields) -> Deal | None:
    """Return the deal that is remembered; None for one whose lines were not remembered yet."""
    lines = fields.get(LINES)
    if not isinstance(lines, tuple | list):
        return None
    values = {name: value for name, value in fields.items() if name != LINES and not name.startswith("_")}
    values["contracted_hours"] = fields.get(SOLD_HOURS)
    closed = values.get("close_date")
    if not isinstance(closed, date):
        return None
    placed, given, _ = places.recalled([_line(str(text)) for text in lines], fields)
    return _deal(key, closed, values, placed, given)


def seen_since(fields: Fields, old: Deal) -> tuple[Given, ...]:
    """Return the places given to lines that came after the remembered deal and are not decided about yet."""
    return places.recalled(old.lines, fields)[2]


def seen(fields: Fields, old: Deal, new: Deal) -> dict[str, Value]:
    """Return remembered fields that know the places of the present lines, while the deal is remembered as it was."""
    kept = {name: value for name, value in fields.items() if name != places.TAKEN}
    return {**kept, **places.written(old.lines, new.given, len(old.given))}


def as_read(
    new: Deal, old: Deal, changed: frozenset[str] | None = frozenset(), since: Sequence[Given] = ()
) -> tuple[Deal, Deal]:
    """Return both deals so that they differ only where the deal was edited.

    What the present deal shows empty counts as before: nobody agrees on something by emptying a field, and a value
    that could not be read looks the same. Fields that the mapping reads otherwise than then (`changed`, as
    `deal.<field>` and `lines.<field>`; None: nobody knows which) say the same on both sides, what they say now. Lines
    have the places of then, those given `since` as well: a vendor's order says nothing.
    """
    anew = set(new.fields) if changed is None else {n.removeprefix("deal.") for n in changed if n.startswith("deal.")}
    before = {**new.fields, **{n: v for n, v in old.fields.items() if n in new.fields and n not in anew}}
    now = {n: before[n] if v in _EMPTY else v for n, v in new.fields.items()}
    reread = {n.removeprefix("lines.") for n in changed or () if n.startswith("lines.")}
    lines, given = old.lines, (*old.given, *since)
    if not any(line.product == line.code == "" for line in new.lines):
        like = _called_anew(old.lines, new.lines, reread & {"product", "code"})
        lines, given = places.matched(like, new.lines, given, len(old.given), _line_text)
    old_lines, old_given = old.lines, old.given
    if changed is None:
        old_lines, old_given = lines, given
    elif reread:
        old_lines = tuple(_reread(line, lines, reread) for line in old.lines)
        old_given = places.named(old.given, old_lines)
    closed, closed_then = now["close_date"], before["close_date"]
    assert isinstance(closed, date)
    assert isinstance(closed_then, date)
    return _deal(new.key, closed, now, lines, given), _deal(new.key, closed_then, before, old_lines, old_given)


def same(one: Deal, other: Deal) -> bool:
    """Tell whether two deals say the same, in whatever order their lines come."""
    return one.fields == other.fields and sorted(map(_line_text, one.lines)) == sorted(map(_line_text, other.lines))


def encoded(values: Fields) -> dict[str, Any]:
    """Return values as JSON can hold them."""
    return {name: _plain(value) for name, value in values.items()}


def decoded(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values that `encoded` wrote."""
    return {name: _revived(value) for name, value in values.items()}


def _deal(key: str, closed: date, values: Fields, lines: tuple[Line, ...], given: tuple[Given, ...]) -> Deal:
    amount = values.get("amount")
    return Deal(
        key=key,
        name=str(values.get("name") or key),
        account=str(values.get("account") or ""),
        owner=str(values.get("owner") or ""),
        close_date=closed,
        amount=float(amount) if isinstance(amount, int | float) else None,
        fields=values,
        lines=lines,
        given=given,
    )


def _called_anew(old: Sequence[Line], new: Sequence[Line], names: set[str]) -> tuple[Line, ...]:
    """Call lines of then, which have no id to be known by, what the mapping calls those in their order now."""
    counterparts = dict(enumerate(new))
    return tuple(
        replace(line, **{name: getattr(counterparts.get(number, line), name) for name in names})
        for number, line in enumerate(old)
    )


def _reread(line: Line, lines: Sequence[Line], names: set[str]) -> Line:
    """Let a line of then say in these fields what it says now."""
    other = next((one for one in lines if one.place == line.place), line)
    own = {name: getattr(other, name) for name in names if name in _OWN}
    fields = {**line.fields, **{name: other.fields[name] for name in names if name in other.fields}}
    return replace(line, **own, fields=fields)


def _line_text(line: Line) -> str:
    own = (line.product, line.code, line.family, _plain(line.quantity), _plain(line.price))
    said = [dict(zip(_OWN, own, strict=True)), encoded(line.fields)]
    try:  # at every look at every deal, so that speed matters
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        return json.dumps(said, sort_keys=True)  # half a surrogate pair, as vendors cut texts: escaped it survives


def _line(text: str) -> Line:
    own, fields = (decoded(part) for part in json.loads(text))
    quantity, price = own["quantity"], own["price"]
    assert isinstance(quantity, int | float)
    assert isinstance(price, int | float)
    product, code, family = (str(own[name]) for name in _OWN[:3])
    return Line(product, code, family, float(quantity), float(price), fields)


def _plain(value: Value) -> Any:
    """Make a value JSON; a whole number is written as one, however the vendor wrote it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 9)
    return value


def _revived(value: Any) -> Value:
    if isinstance(value, dict):
        [(kind, text)] = value.items()
        return date.fromisoformat(text) if kind == "d" else datetime.fromisoformat(text)
    if isinstance(value, list):
        return tuple(str(each) for each in value)
    found: Value = value
    return found
