"""Gives JQL its meaning: which documents of the index a parsed query matches, and in which order.

Called by `api_search` and `api_jql`. A query that names what nobody knows (field, value, function, bad date) matches
nothing and says so through `Unknown`; an operator that a field does not take is an error. Dates are read in the
caller's time zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulator.jira import adf, jql
from simulator.jira.index import Document, Index
from simulator.jira.issues import Issues
from simulator.jira.schema import Field, Schema, User

Predicate = Callable[[Document], bool]
_RELATIVE = re.compile(r"([+-]?)(\d+)([mhdwM]?)")
_MOMENT = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")
_SECONDS = {"": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000}
_BY_EQUALITY = frozenset({"=", "!=", "in", "not in", "is", "is not"})
_BY_ORDER = frozenset({"<", "<=", ">", ">="})
_BY_TEXT = frozenset({"~", "!~", "is", "is not"})
_WORD = re.compile(r"\w+")


class Unknown(LookupError):
    """The query names something that does not exist; the argument is what `jql/parse?validation=strict` says."""


@dataclass(frozen=True, slots=True)
class Asker:
    """What a query's meaning depends on besides its text."""

    schema: Schema
    issues: Issues
    now: int
    caller: User | None


def compile_query(asker: Asker, query: jql.Query) -> Predicate:
    """Return the query's predicate; raises Unknown, or JqlError for an operator that a field does not take."""
    _order_fields(asker, query)
    return _compile(asker, query.where) if query.where is not None else lambda _: True


def candidates(asker: Asker, index: Index, node: jql.Node | None, most: int | None = None) -> Collection[int] | None:
    """Return ids that may match, or None when every document has to be looked at (or more than `most`)."""
    if isinstance(node, jql.And):
        return _fewest(asker, index, node)
    if isinstance(node, jql.Or):
        parts = [candidates(asker, index, part) for part in node.parts]
        return None if None in parts else {issue_id for ids in parts if ids for issue_id in ids}
    if not isinstance(node, jql.Clause) or node.operator not in {"=", "in", ">=", ">"}:
        return None
    known = asker.schema.field_named(node.field)
    if known is None:
        return None
    if node.operator in _BY_ORDER:
        bound = _moment(asker, node.values[0]) if known.id == "updated" else None
        return None if bound is None else index.updated_since(bound, most)
    if known.kind == "labels" and known.id == "labels":
        return {issue_id for value in node.values for issue_id in index.labelled(value.text)}
    if known.kind == "parent":
        return {issue_id for value in node.values for issue_id in index.under(_issue_id(asker, value))}
    if known.kind == "key":
        return {_issue_id(asker, value) for value in node.values}
    return None


def _fewest(asker: Asker, index: Index, node: jql.And) -> Collection[int] | None:
    """Return the candidates of the narrowest part; spans of time come last, as they cost most to list."""
    best: Collection[int] | None = None
    for part in sorted(node.parts, key=lambda part: isinstance(part, jql.Clause) and part.operator in _BY_ORDER):
        found = candidates(asker, index, part, None if best is None else len(best))
        if found is not None and (best is None or len(found) < len(best)):
            best = found
    return best


def ordering(asker: Asker, query: jql.Query) -> list[tuple[Callable[[Document], Any], bool]]:
    """Return sort keys, least significant first, each with whether it descends; empty values ascend to the end."""
    keys = [(_sort_key(asker, known), descends) for known, descends in _order_fields(asker, query)]
    return [(lambda document: document.id, True), *reversed(keys)]


def _order_fields(asker: Asker, query: jql.Query) -> list[tuple[Field, bool]]:
    found = []
    for name, descends in query.order:
        known = asker.schema.field_named(name)
        if known is None:
            raise Unknown(f"Field '{name}' does not exist or you do not have permission to view it.")
        found.append((known, descends))
    return found


def _sort_key(asker: Asker, known: Field) -> Callable[[Document], Any]:
    read = _reader(asker, known)
    names = {option.id: place for place, option in enumerate((*asker.schema.priorities, *known.options))}

    def key(document: Document) -> tuple[bool, Any]:
        values = read(document)
        if not values:
            return True, 0
        first = values[0]
        if known.kind in {"priority", "option"}:
            return False, names.get(first, -1)
        return False, first.lower() if isinstance(first, str) else first

    return key


def _compile(asker: Asker, node: jql.Node) -> Predicate:
    if isinstance(node, jql.Not):
        inner = _compile(asker, node.part)
        return lambda document: not inner(document)
    if isinstance(node, jql.Clause):
        return _clause(asker, node)
    parts = [_compile(asker, part) for part in node.parts]
    if isinstance(node, jql.And):
        return lambda document: all(part(document) for part in parts)
    return lambda document: any(part(document) for part in parts)


def _clause(asker: Asker, clause: jql.Clause) -> Predicate:
    if clause.field.lower() == "text":
        return _text_clause(clause, lambda document: [_all_text(document)])
    known = asker.schema.field_named(clause.field)
    if known is None or not known.clause_names:
        raise Unknown(f"Field '{clause.field}' does not exist or you do not have permission to view it.")
    _check_operator(known, clause)
    read = _reader(asker, known)
    if clause.operator == "is":
        return lambda document: not read(document)
    if clause.operator == "is not":
        return lambda document: bool(read(document))
    if clause.operator in {"~", "!~"}:
        return _text_clause(clause, lambda document: [_plain(value) for value in read(document)])
    wanted = [part for value in clause.values for part in _wanted(asker, known, clause.field, value)]
    if clause.operator in _BY_ORDER:
        return _compare(read, clause.operator, wanted[0])
    chosen = frozenset(wanted)
    if clause.operator in {"=", "in"}:
        return lambda document: any(value in chosen for value in read(document))
    # Jira's negations do not match empty fields.
    return lambda document: bool(values := read(document)) and not any(value in chosen for value in values)


def _check_operator(known: Field, clause: jql.Clause) -> None:
    allowed = _BY_EQUALITY
    if known.kind in {"date", "moment", "number", "seconds", "key", "priority"}:
        allowed = _BY_EQUALITY | _BY_ORDER
    elif known.kind in {"summary", "text", "richtext", "comment"}:
        allowed = _BY_TEXT
    if clause.operator not in allowed:
        raise jql.JqlError(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")


def _compare(read: Callable[[Document], list[Any]], operator: str, bound: Any) -> Predicate:
    compare: Callable[[Any], bool] = {
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }[operator]
    return lambda document: any(compare(value) for value in read(document))


def _text_clause(clause: jql.Clause, read: Callable[[Document], list[str]]) -> Predicate:
    if clause.operator not in {"~", "!~"} or not clause.values:
        raise jql.JqlError(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")
    needle = clause.values[0].text.lower()
    phrase = needle.strip('"') if needle.startswith('"') else None
    words = _WORD.findall(needle)

    def matches(document: Document) -> bool:
        text = " ".join(read(document)).lower()
        if phrase is not None:
            return phrase in text
        found = _WORD.findall(text)
        return bool(words) and all(any(_is_word(word, needle, other) for other in found) for word in words)

    return matches if clause.operator == "~" else lambda document: not matches(document)


def _is_word(word: str, needle: str, other: str) -> bool:
    return other.startswith(word) if f"{word}*" in needle else other == word


def _all_text(document: Document) -> str:
    return " ".join(_plain(value) for name, value in document.values.items() if name not in {"reporter", "assignee"})


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return adf.to_text(value)
    return value if isinstance(value, str) else ""


def _reader(asker: Asker, known: Field) -> Callable[[Document], list[Any]]:
    """Return how a field's comparable values are read from a document; [] means empty."""
    del asker
    simple: dict[str, Callable[[Document], list[Any]]] = {
        "project": lambda document: [document.project],
        "issuetype": lambda document: [document.type],
        "status": lambda document: [document.status],
        "statuscategory": lambda document: [document.category],
        "parent": lambda document: [] if document.parent is None else [document.parent],
        "key": lambda document: [document.id],
        "labels": lambda document: list(document.values.get(known.id, ())),
        "resolution": lambda document: [] if document.resolution is None else [document.resolution],
    }
    if known.kind == "moment":
        return lambda document: [document.created if known.id == "created" else document.updated]
    if known.kind == "seconds":
        place = ("timeoriginalestimate", "timeestimate", "timespent").index(known.id)
        return lambda document: [] if (number := document.estimates[place]) is None else [number]
    return simple.get(known.kind) or (
        lambda document: [] if (value := document.values.get(known.id)) is None else [value]
    )


def _wanted(asker: Asker, known: Field, name: str, value: jql.Value) -> list[Any]:
    """Return what a literal stands for, in the form `_reader` gives; raises Unknown."""
    if value.call is not None and known.kind not in {"user", "date", "moment"}:
        raise Unknown(f"Unable to find JQL function '{value.text}({', '.join(value.call)})'.")
    if known.kind in {"date", "moment"}:
        moment = _moment(asker, value)
        if moment is None:
            raise Unknown(f"Date value '{value.text}' for field '{name}' is invalid.")
        return [_day(asker, moment)] if known.kind == "date" else [moment]
    found = _named(asker, known, value)
    if not found:
        raise Unknown(f"The value '{value.text}' does not exist for the field '{name}'.")
    return found


def _named(asker: Asker, known: Field, value: jql.Value) -> list[Any]:
    schema, text, lower = asker.schema, value.text, value.text.lower()
    if known.kind == "labels":
        return [text]
    if known.kind in {"parent", "key"}:
        issue_id = _issue_id(asker, value)
        return [issue_id] if issue_id else []
    if known.kind == "project":
        return [p.id for p in schema.projects.values() if lower in {p.id, p.key.lower(), p.name.lower()}]
    if known.kind == "issuetype":
        return [t.id for t in schema.types.values() if lower in {t.id, t.name.lower()}]
    if known.kind == "status":
        return [s.id for s in schema.statuses.values() if lower in {s.id, s.name.lower()}]
    if known.kind == "statuscategory":
        names = {s.category.key: s.category for s in schema.statuses.values()}
        return [key for key, c in names.items() if lower in {key, c.name.lower(), str(c.id)}]
    if known.kind == "user":
        return _people(asker, value)
    if known.kind in {"number", "seconds"}:
        return [float(text)] if re.fullmatch(r"-?\d+(\.\d+)?", text) else []
    options = {"priority": schema.priorities, "resolution": schema.resolutions}.get(known.kind, known.options)
    return [option.id for option in options if lower in {option.id, option.name.lower()}]


def _people(asker: Asker, value: jql.Value) -> list[str]:
    if value.call is not None:
        return [asker.caller.account_id] if value.text.lower() == "currentuser" and asker.caller else []
    wanted = value.text.lower()
    users = asker.schema.users.values()
    return [u.account_id for u in users if wanted in {u.account_id, u.email.lower(), u.name.lower()}]


def _issue_id(asker: Asker, value: jql.Value) -> int:
    found = asker.issues.get(value.text)
    return 0 if found is None else found.id


def _zone(asker: Asker) -> ZoneInfo:
    return ZoneInfo(asker.caller.timezone if asker.caller else "UTC")


def _day(asker: Asker, millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, _zone(asker)).date().isoformat()


def _moment(asker: Asker, value: jql.Value) -> int | None:
    """Return epoch milliseconds: a date in the caller's zone, unquoted milliseconds, or relative to now."""
    if value.call is not None:
        return _date_function(asker, value)
    text = value.text
    if not value.quoted and text.isdecimal():
        return int(text)
    relative = _RELATIVE.fullmatch(text)
    if relative:
        sign = -1 if relative[1] == "-" else 1
        return asker.now + sign * int(relative[2]) * _SECONDS[relative[3]] * 1000
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    try:
        parts = [int(part or 0) for part in match.groups()]
        return int(datetime(*parts[:5], tzinfo=_zone(asker)).timestamp() * 1000)  # type: ignore[misc, arg-type]
    except ValueError:
        return None


def _date_function(asker: Asker, value: jql.Value) -> int | None:
    name = value.text.lower()
    if name == "now":
        return asker.now
    today = datetime.fromtimestamp(asker.now / 1000, _zone(asker)).date()
    starts: dict[str, date] = {
        "startofday": today,
        "endofday": today + timedelta(days=1),
        "startofweek": today - timedelta(days=(today.weekday() + 1) % 7),
        "startofmonth": today.replace(day=1),
    }
    if name not in starts:
        return None
    start = datetime.combine(starts[name], datetime.min.time(), _zone(asker)).astimezone(UTC)
    return int(start.timestamp() * 1000)
