"""Turns the conditions and paths of a query into functions over rows, checked against the schema once.

Called by `plans`. A function takes a row's values as queries see them; it never changes anything.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from simulator.salesforce.ids import canonical
from simulator.salesforce.problems import Problem
from simulator.salesforce.schema import NUMBERS, TEXTS, Field, ObjectType
from simulator.salesforce.soql import at, unescape
from simulator.salesforce.spans import span
from simulator.salesforce.store import Store
from simulator.salesforce.tree import Among, Both, Compare, Condition, Either, Literal, Negated, Path, Query
from simulator.salesforce.values import Values, seconds_of, stamp

Test: TypeAlias = Callable[[Values], bool]
Getter: TypeAlias = Callable[[Values], Any]

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_HINT = (
    "If you are attempting to use a custom {what}, be sure to append the '{tail}' after the custom {what} name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


class Scope:
    """One query's text and object: resolves names, compiles conditions. `semi_join` runs an inner query."""

    def __init__(self, text: str, store: Store, kind: ObjectType, semi_join: Callable[[Query], frozenset[Any]]) -> None:
        self.text = text
        self.store = store
        self.kind = kind
        self.semi_join = semi_join
        self.today: date = store.clock.now().astimezone(UTC).date()

    def resolve(self, path: Path) -> tuple[list[Field], Field]:
        """Return the references walked and the field reached; raises Problem INVALID_FIELD."""
        schema, kind, walked = self.store.schema, self.kind, []
        for part in path.parts[:-1]:
            reference = kind.by_relationship(part)
            if reference is None or schema.visible(kind, reference.name) is None:
                hint = _HINT.format(what="relationship", tail="__r")
                raise at(
                    self.text,
                    path.at,
                    f"Didn't understand relationship '{part}' in field path. {hint}",
                    "INVALID_FIELD",
                )
            walked.append(reference)
            kind = schema.typed(reference.refers_to)
        field = schema.visible(kind, path.parts[-1])
        if field is None:
            hint = _HINT.format(what="field", tail="__c")
            message = f"No such column '{path.parts[-1]}' on entity '{kind.name}'. {hint}"
            raise at(self.text, path.at, message, "INVALID_FIELD")
        return walked, field

    def getter(self, path: Path) -> Getter:
        """Return a function from a row's values to the value at a path."""
        walked, field = self.resolve(path)
        get: Getter = operator.itemgetter(field.name)
        for reference in reversed(walked):
            get = _through(self.store.table(reference.refers_to).rows, reference.name, get)
        return get

    def test(self, condition: Condition) -> Test:
        """Return a function that tells whether a row meets a condition; raises Problem."""
        match condition:
            case Both(parts):
                return _all([self.test(part) for part in parts])
            case Either(parts):
                tests = [self.test(part) for part in parts]
                return lambda values: any(test(values) for test in tests)
            case Negated(part):
                inner = self.test(part)
                return lambda values: not inner(values)
            case Compare():
                return self._compare(condition)
            case Among():
                return self._among(condition)

    def field(self, path: Path) -> Field:
        """Return the field that a condition names; raises Problem when it cannot be filtered."""
        _, field = self.resolve(path)
        if not field.filterable:
            message = f"field '{path.parts[-1]}' can not be filtered in a query call"
            raise at(self.text, path.at, message, "INVALID_FIELD")
        return field

    def value(self, field: Field, literal: Literal) -> Any:
        """Return a literal as rows keep such values, folded where the field does not heed case; raises Problem."""
        if literal.kind == "null":
            return None
        fits, wanted = _fit(field)
        if literal.kind not in fits:
            quoted = "should be enclosed in quotes" if "string" in fits else "should not be enclosed in quotes"
            message = f"value of filter criterion for field '{field.name}' must be of type {wanted} and {quoted}"
            raise at(self.text, literal.at, message, "INVALID_FIELD")
        if field.type in {"id", "reference"}:
            full = canonical(unescape(literal.raw))
            if full is None:
                message = f"invalid ID field: {unescape(literal.raw)}"
                raise at(self.text, literal.at, message, "INVALID_QUERY_FILTER_OPERATOR")
            return full
        return self._plain(field, literal)

    def _plain(self, field: Field, literal: Literal) -> Any:
        if literal.kind == "string":
            text = unescape(literal.raw)
            return text if field.exact else text.lower()
        if literal.kind == "number":
            return float(literal.raw)
        if literal.kind == "boolean":
            return literal.raw == "true"
        try:
            if literal.kind == "datetime":
                return stamp(seconds_of(literal.raw))
            return date.fromisoformat(literal.raw).isoformat()
        except (ValueError, OverflowError) as error:
            raise at(self.text, literal.at, f"Invalid {literal.kind}: {literal.raw}") from error

    def _compare(self, node: Compare) -> Test:
        field, get = self.field(node.path), self.getter(node.path)
        if node.op == "LIKE":
            return self._like(node, field, get)
        if node.value.kind == "span":
            return self._in_span(node, field, get)
        wanted = self.value(field, node.value)
        get = _folding(field, get)
        if node.op == "=":
            return lambda values: bool(get(values) == wanted)
        if node.op == "!=":
            return lambda values: bool(get(values) != wanted)
        if field.type == "boolean" or wanted is None:
            message = f"invalid operator on {field.type} field" if wanted is not None else "invalid use of null"
            raise at(self.text, node.path.at, message, "INVALID_QUERY_FILTER_OPERATOR")
        holds = _ORDERED[node.op]
        return lambda values: (found := get(values)) is not None and holds(found, wanted)

    def _like(self, node: Compare, field: Field, get: Getter) -> Test:
        if field.type not in TEXTS or node.value.kind != "string":
            raise at(
                self.text, node.path.at, f"invalid operator on {field.type} field", "INVALID_QUERY_FILTER_OPERATOR"
            )
        pattern = _like_pattern(node.value.raw)
        return lambda values: (found := get(values)) is not None and pattern.fullmatch(found) is not None

    def _in_span(self, node: Compare, field: Field, get: Getter) -> Test:
        if field.type not in {"date", "datetime"}:
            message = f"value of filter criterion for field '{field.name}' must be of type {_fit(field)[1]}"
            raise at(self.text, node.value.at, message, "INVALID_FIELD")
        first_day, end_day = span(node.value.raw, node.value.count, self.today)
        first, end = (one.isoformat() if field.type == "date" else _midnight(one) for one in (first_day, end_day))
        tests: dict[str, Callable[[str], bool]] = {
            "=": lambda found: first <= found < end,
            "!=": lambda found: not first <= found < end,
            "<": lambda found: found < first,
            "<=": lambda found: found < end,
            ">": lambda found: found >= end,
            ">=": lambda found: found >= first,
        }
        holds, without = tests[node.op], node.op == "!="
        return lambda values: without if (found := get(values)) is None else holds(found)

    def _among(self, node: Among) -> Test:
        field, get = self.field(node.path), self.getter(node.path)
        if node.op in {"INCLUDES", "EXCLUDES"}:
            return self._includes(node, field, get)
        if isinstance(node.values, Query):
            if field.type not in {"id", "reference"}:
                message = "The left operand field in a semi join must be an ID or reference field"
                raise at(self.text, node.path.at, message)
            wanted = self.semi_join(node.values)
        else:
            wanted = frozenset(self.value(field, literal) for literal in node.values)
        get = _folding(field, get)
        if node.op == "IN":
            return lambda values: get(values) in wanted
        return lambda values: get(values) not in wanted

    def _includes(self, node: Among, field: Field, get: Getter) -> Test:
        if field.type != "multipicklist" or isinstance(node.values, Query):
            message = f"includes/excludes operator only valid on multipicklist fields: {field.name}"
            raise at(self.text, node.path.at, message, "INVALID_QUERY_FILTER_OPERATOR")
        groups = [set(str(self.value(field, literal)).split(";")) for literal in node.values]
        without = node.op == "EXCLUDES"

        def test(values: Values) -> bool:
            chosen = set(str(get(values) or "").lower().split(";"))
            return any(group <= chosen for group in groups) != without

        return test


def _through(rows: dict[str, Any], name: str, get: Getter) -> Getter:
    """Return a getter that first follows the reference `name`."""

    def walk(values: Values) -> Any:
        row = rows.get(values[name])
        return None if row is None or row.seen is None else get(row.seen)

    return walk


def _all(tests: list[Test]) -> Test:
    return lambda values: all(test(values) for test in tests)


def _folding(field: Field, get: Getter) -> Getter:
    """Compare texts without regard to case where the org does so."""
    if field.exact or field.type not in TEXTS:
        return get
    return lambda values: found.lower() if isinstance(found := get(values), str) else found


def _fit(field: Field) -> tuple[frozenset[str], str]:
    """Return the kinds of literal that a field compares with, and the word for them in the refusal."""
    if field.type in NUMBERS:
        return frozenset({"number"}), "double" if field.type != "int" else "int"
    if field.type in {"boolean", "date"}:
        return frozenset({field.type}), field.type
    if field.type == "datetime":
        return frozenset({"datetime"}), "dateTime"
    return frozenset({"string"}), "string"


def _midnight(day: date) -> str:
    return stamp(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))


def _like_pattern(raw: str) -> re.Pattern[str]:
    """Translate a LIKE literal: `%` any text, `_` any one character, both plain behind a backslash."""
    parts = []
    for piece in re.findall(r"\\.|.", raw[1:-1], re.DOTALL):
        if piece == "%":
            parts.append(".*")
        elif piece == "_":
            parts.append(".")
        else:
            parts.append(re.escape(unescape(f"'{piece}'")))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def not_queryable(message: str) -> Problem:
    """Build the refusal of a query that is well formed and yet not allowed."""
    return Problem("MALFORMED_QUERY", message)
