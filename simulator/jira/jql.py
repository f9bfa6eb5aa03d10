"""Reads JQL: text to tokens to a tree. Nothing here knows fields, issues or dates.

Called by `search` and `api_jql`. Only what is no JQL at all is an error (JqlError, a 400); names that nobody knows are
judged by `matching`, since Jira answers those with no issues and a 200.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_ORDER_FIELDS = 7

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<op><=|>=|!=|!~|=|<|>|~|&&|\|\||!)
    | (?P<punct>[(),])
    | (?P<word>(?:cf\[\d+\]|[^\s"'=!<>~(),&|\[\]])+)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_RESERVED = frozenset({"and", "or", "not", "in", "is", "order", "by", "was", "changed", "empty", "null"})
_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "~", "!~"})


class JqlError(ValueError):
    """Not JQL; the argument is Jira's message."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal; `quoted` matters for dates, `call` marks a function."""

    text: str
    quoted: bool = False
    call: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """`field operator values`; EMPTY stands as no values with the operators `is` and `is not`."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The others."""

    part: Node


Node: TypeAlias = Clause | And | Or | Not


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `where` is None when there is only an ORDER BY, or nothing."""

    where: Node | None
    order: tuple[tuple[str, bool], ...]
    """Field names, each with whether it descends."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


def parse(text: str) -> Query:
    """Parse a query; raises JqlError."""
    return _Parser(_tokens(text), len(text)).query()


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            character = text[at:].lstrip()[:1]
            raise JqlError(
                f"Error in the JQL Query: The character '{character}' is a reserved JQL character. "
                f"You must enclose it in a string or use the escape '\\u{ord(character):04x}' instead. "
                f"(line 1, character {at + 1})"
            )
        kind = match.lastgroup or ""
        tokens.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._end = _Token("end", "", length)

    def query(self) -> Query:
        where = None if self._peek.kind == "end" or self._peek.word == "order" else self._or()
        order = self._order() if self._peek.word == "order" else ()
        if self._peek.kind != "end":
            raise self._error("Expecting either 'OR' or 'AND'")
        return Query(where, order)

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._peek
        self._at += 1
        return token

    def _error(self, expectation: str) -> JqlError:
        token = self._peek
        if token.kind == "end":
            return JqlError(f"Error in the JQL Query: {expectation} before the end of the query.")
        return JqlError(
            f"Error in the JQL Query: {expectation} but got '{token.text}'. (line 1, character {token.at + 1})"
        )

    def _or(self) -> Node:
        parts = [self._and()]
        while self._peek.word == "or" or self._peek.text in {"||", "|"}:
            self._take()
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Node:
        parts = [self._not()]
        while self._peek.word == "and" or self._peek.text in {"&&", "&"}:
            self._take()
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self) -> Node:
        if self._peek.word == "not" or self._peek.text == "!":
            self._take()
            return Not(self._not())
        if self._peek.text == "(":
            self._take()
            inner = self._or()
            if self._take().text != ")":
                self._at -= 1
                raise self._error("Expecting ')'")
            return inner
        return self._clause()

    def _clause(self) -> Clause:
        token = self._peek
        if token.kind not in {"word", "string"} or token.word in _RESERVED:
            raise self._error("Expecting a field name")
        self._take()
        name = _unquote(token.text) if token.kind == "string" else token.text
        operator = self._operator(name)
        if operator in {"in", "not in"}:
            return Clause(name, operator, self._list())
        if self._peek.word in {"empty", "null"}:
            self._take()
            return Clause(name, {"=": "is", "!=": "is not"}.get(operator, operator), ())
        if operator in {"is", "is not"}:
            raise self._error("Expecting 'EMPTY' or 'NULL'")
        return Clause(name, operator, (self._value(),))

    def _operator(self, name: str) -> str:
        token = self._peek
        if token.kind == "op" and token.text in _OPERATORS:
            return self._take().text
        if token.word in {"in", "is"}:
            self._take()
            if token.word == "is" and self._peek.word == "not":
                self._take()
                return "is not"
            return token.word
        if token.word == "not":
            self._take()
            if self._take().word == "in":
                return "not in"
            self._at -= 1
        del name
        raise self._error("Expecting operator")

    def _list(self) -> tuple[Value, ...]:
        if self._peek.text != "(":
            if self._peek.kind == "word":
                return (self._value(),)
            raise self._error("Expecting '('")
        self._take()
        values = [self._value()]
        while self._peek.text == ",":
            self._take()
            values.append(self._value())
        if self._peek.text != ")":
            raise self._error("Expecting ')'")
        self._take()
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek
        if token.kind == "string":
            self._take()
            return Value(_unquote(token.text), quoted=True)
        if token.kind != "word" or token.word in _RESERVED - {"empty", "null"}:
            raise self._error("Expecting either a value, list or function")
        self._take()
        if self._peek.text != "(":
            return Value(token.text)
        self._take()
        arguments = []
        while self._peek.text != ")":
            arguments.append(self._value().text)
            if self._peek.text == ",":
                self._take()
            elif self._peek.text != ")":
                raise self._error("Expecting ')'")
        self._take()
        return Value(token.text, call=tuple(arguments))

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._take()
        if self._take().word != "by":
            self._at -= 1
            raise self._error("Expecting 'BY'")
        order: list[tuple[str, bool]] = []
        while True:
            token = self._peek
            if token.kind not in {"word", "string"}:
                raise self._error("Expecting a field name")
            self._take()
            descends = self._take().word == "desc" if self._peek.word in {"asc", "desc"} else False
            order.append((_unquote(token.text) if token.kind == "string" else token.text, descends))
            if self._peek.text != ",":
                break
            self._take()
        if len(order) > MAX_ORDER_FIELDS:
            raise JqlError(f"The maximum number of fields in the ORDER BY clause is {MAX_ORDER_FIELDS}.")
        return tuple(order)


def _unquote(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])
