"""Reads SOQL text into a tree: SELECT with relationships, child queries and COUNT(), WHERE, ORDER BY, LIMIT, OFFSET.

Called by `plans`. What Salesforce's grammar refuses is refused with its words and the place in the text. Aggregates,
GROUP BY, TYPEOF, FIELDS() and aliases are not modelled and are refused as unexpected tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.salesforce.problems import Problem
from simulator.salesforce.tree import (
    Among,
    Both,
    Compare,
    Condition,
    Either,
    Literal,
    Negated,
    Order,
    Path,
    Query,
)

LONGEST = 100_000
"""Characters of one statement (application limits)."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<op><=|>=|!=|<>|[=<>(),:])""",
    re.VERBOSE,
)
_SPANS = frozenset(
    ["TODAY", "YESTERDAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"]
    + [f"{which}_{unit}" for which in ("LAST", "THIS", "NEXT") for unit in ("WEEK", "MONTH", "QUARTER", "YEAR")]
)
_COUNTED = frozenset(
    [f"{which}_N_{unit}" for which in ("LAST", "NEXT") for unit in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS")]
    + [f"N_{unit}_AGO" for unit in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS")]
)
_COMPARISONS = frozenset(["=", "!=", "<>", "<", "<=", ">", ">="])
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text; `upper` is what keywords are compared by."""

    kind: str
    text: str
    at: int

    @property
    def upper(self) -> str:
        """The text in capitals."""
        return self.text.upper()


def parse(text: str) -> Query:
    """Read one statement; raises Problem MALFORMED_QUERY."""
    if len(text) > LONGEST:
        raise Problem("MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST} characters.")
    parser = _Parser(text)
    query = parser.query()
    parser.end()
    return query


def unescape(raw: str) -> str:
    """Return a string literal's text without its quotes and backslashes."""
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match.group(1), match.group(0)), raw[1:-1])


def at(text: str, place: int, message: str, code: str = "MALFORMED_QUERY") -> Problem:
    """Build a refusal that shows the place: an excerpt, a caret under it, row and column, then the message."""
    before = text[:place]
    row, column = before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1
    start = max(0, place - 30)
    excerpt = text[start : place + 20].replace("\n", " ")
    caret = " " * (place - start) + "^"
    return Problem(code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")


class _Parser:
    """Recursive descent over the tokens; one method per part of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.next = 0

    def query(self, *, child: bool = False) -> Query:
        self._need("SELECT")
        count, columns = self._columns(child=child)
        self._need("FROM")
        source = self._take("name")
        where = self._conditions() if self._skip("WHERE") else None
        order = self._orders() if self._skip("ORDER") else ()
        limit = self._whole() if self._skip("LIMIT") else None
        offset = self._whole() if self._skip("OFFSET") else 0
        return Query(columns, count, source.text, source.at, where, order, limit, offset)

    def end(self) -> None:
        if self._peek().kind != "end":
            raise self._unexpected()

    def _split(self) -> list[Token]:
        tokens, place = [], 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            if match is None:
                raise at(self.text, place, f"unexpected token: '{self.text[place]}'")
            kind = str(match.lastgroup)
            if kind == "string":
                self._check_escapes(match.group(), place)
            if kind != "space":
                tokens.append(Token(kind, match.group(), place))
            place = match.end()
        return [*tokens, Token("end", "<EOF>", len(self.text))]

    def _check_escapes(self, raw: str, place: int) -> None:
        for match in _ESCAPE.finditer(raw[1:-1]):
            if match.group(1) not in _ESCAPES:
                message = f"Invalid string literal '{raw[1:-1]}'. Illegal character sequence '{match.group()}'"
                raise at(self.text, place, message)

    def _columns(self, *, child: bool) -> tuple[bool, tuple[Path | Query, ...]]:
        if self._peek().upper == "COUNT" and self._peek(1).text == "(" and self._peek(2).text == ")":
            self.next += 3
            return True, ()
        columns: list[Path | Query] = []
        while True:
            if not child and self._skip("("):
                columns.append(self.query(child=True))
                self._need(")")
            else:
                columns.append(self._path())
            if not self._skip(","):
                return False, tuple(columns)

    def _conditions(self) -> Condition:
        """Read conditions joined by AND or by OR; both at one level need parentheses."""
        parts = [self._condition()]
        joint = self._peek().upper
        while self._peek().upper in {"AND", "OR"}:
            if self._peek().upper != joint:
                raise self._unexpected()
            self.next += 1
            parts.append(self._condition())
        if len(parts) == 1:
            return parts[0]
        return Both(tuple(parts)) if joint == "AND" else Either(tuple(parts))

    def _condition(self) -> Condition:
        if self._skip("NOT"):
            return Negated(self._condition())
        if self._skip("("):
            inner = self._conditions()
            self._need(")")
            return inner
        path = self._path()
        token = self._peek()
        if token.text in _COMPARISONS or token.upper == "LIKE":
            self.next += 1
            return Compare(path, "!=" if token.text == "<>" else token.upper, self._literal())
        if token.upper == "NOT" and self._peek(1).upper == "IN":
            self.next += 2
            return Among(path, "NOT IN", self._list(queries=True))
        if token.upper in {"IN", "INCLUDES", "EXCLUDES"}:
            self.next += 1
            return Among(path, token.upper, self._list(queries=token.upper == "IN"))
        raise self._unexpected()

    def _list(self, *, queries: bool) -> tuple[Literal, ...] | Query:
        self._need("(")
        if queries and self._peek().upper == "SELECT":
            query = self.query(child=True)
            self._need(")")
            return query
        values = [self._literal()]
        while self._skip(","):
            values.append(self._literal())
        self._need(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._peek()
        self.next += 1
        if token.kind in {"string", "number", "date", "datetime"}:
            return Literal(token.kind, token.text, token.at)
        word = token.upper
        if word in {"TRUE", "FALSE"}:
            return Literal("boolean", word.lower(), token.at)
        if word == "NULL":
            return Literal("null", "", token.at)
        if word in _SPANS:
            return Literal("span", word, token.at)
        if word in _COUNTED:
            self._need(":")
            return Literal("span", word, token.at, self._whole())
        self.next -= 1
        raise self._unexpected()

    def _orders(self) -> tuple[Order, ...]:
        self._need("BY")
        orders = []
        while True:
            path = self._path()
            descending = self._skip("DESC")
            if not descending:
                self._skip("ASC")
            nulls_last = False
            if self._skip("NULLS"):
                nulls_last = self._skip("LAST")
                if not nulls_last:
                    self._need("FIRST")
            orders.append(Order(path, descending, nulls_last))
            if not self._skip(","):
                return tuple(orders)

    def _path(self) -> Path:
        token = self._take("name")
        if token.upper in {"FROM", "WHERE", "AND", "OR", "SELECT"}:
            self.next -= 1
            raise self._unexpected()
        return Path(tuple(token.text.split(".")), token.at)

    def _peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.next + ahead, len(self.tokens) - 1)]

    def _skip(self, word: str) -> bool:
        token = self._peek()
        found = token.kind in {"name", "op"} and token.upper == word
        self.next += found
        return found

    def _need(self, word: str) -> None:
        if not self._skip(word):
            raise self._unexpected()

    def _take(self, kind: str) -> Token:
        token = self._peek()
        if token.kind != kind:
            raise self._unexpected()
        self.next += 1
        return token

    def _whole(self) -> int:
        token = self._peek()
        if not token.text.isdigit():
            raise self._unexpected()
        self.next += 1
        return int(token.text)

    def _unexpected(self) -> Problem:
        token = self._peek()
        shown = token.text if len(token.text) <= 60 else token.text[:60] + "..."
        return at(self.text, token.at, f"unexpected token: '{shown}'")
