"""Conditions and amounts in CEL, the Common Expression Language: compiled once, checked when loaded, run per deal.

Used by `mappings.load` (won_when, checks), `mappings.templates` (when, hours) and `mappings.transforms` (read-only
computed fields). CEL has no loops without end, no I/O and no access to Python. See docs/decisions/0002.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.base import Value
from mappings import cel_engine

cel: Any = cel_engine.load()

FUNCTIONS = {
    "sum": lambda numbers: float(sum(numbers)),
    "ceil": lambda number: float(math.ceil(number)),
}
"""What we add to CEL's own functions; both give a double."""

KNOWN_FUNCTIONS = frozenset(FUNCTIONS) | {
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "double",
    "string",
    "type",
    "dyn",
    "timestamp",
    "duration",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
}
"""What an expression may call; the library would find out about any other only when it gets there."""

_TYPES_REPAIR = "our numbers are doubles (write 2.0, not 2), dates are text (write '2026-01-31')"
_EXAMPLES = "correct the expression, docs/mappings.md has examples"
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_LOOPS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


class BadExpression(ValueError):
    """The text is no CEL, or names something that does not exist; says what, where and what to write instead."""


class NotEvaluated(Exception):
    """The expression is sound but this deal lacks what it needs; says which and what to do."""


class WrongTypes(NotEvaluated):
    """The expression mixes types, as in `2 * line.quantity`."""


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> Any:
    """Compile a text, once in a process; raises ValueError."""
    return cel.compile(text)


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression. Equal when the text is equal."""

    text: str
    _program: Any = field(compare=False, repr=False)

    @classmethod
    def compile(cls, text: str) -> Condition:
        """Compile; raises BadExpression with the place inside the text."""
        try:
            return cls(text, _compiled(text))
        except ValueError as error:
            raise BadExpression(_syntax_message(text, str(error))) from None

    def names(self) -> set[str]:
        """Return the free variables: all that a scope must provide, loop variables left out."""
        return set(self._program.variables()) - set(_LOOPS.findall(_STRINGS.sub("''", self.text)))

    def members(self, *roots: str) -> set[str]:
        """Return the names read off these variables (`deal.amount` gives `amount`) or off a loop over them."""
        bare = _STRINGS.sub("''", self.text)
        loops = _LOOPS.findall(bare) if "lines" in roots else []
        owners = "|".join(re.escape(name) for name in {*roots, *loops})
        return set(re.findall(rf"(?<![\w.])(?:{owners})\.([A-Za-z_]\w*)(?!\w*\()", bare))

    def functions(self) -> set[str]:
        """Return the functions that are called, CEL's operators left out."""
        return {name for name in self._program.functions() if name.isidentifier()}

    def test(self, scope: Scope) -> bool:
        """Tell whether the condition holds; raises NotEvaluated when it has no yes-or-no answer here."""
        answer = self.value(scope)
        if not isinstance(answer, bool):
            raise NotEvaluated(f"`{self.text}` gives {answer!r}, not true or false: compare it with something")
        return answer

    def number(self, scope: Scope) -> float:
        """Return the amount; raises NotEvaluated when the answer is no finite number."""
        answer = self.value(scope)
        if isinstance(answer, bool) or not isinstance(answer, int | float) or not math.isfinite(answer):
            raise NotEvaluated(f"`{self.text}` gives {answer!r}, not a number: correct the expression or the deal")
        return float(answer)

    def value(self, scope: Scope) -> Any:
        """Evaluate; raises NotEvaluated when the scope lacks a value that the expression uses."""
        try:
            return self._program.execute(scope.context)
        except KeyError as error:
            name = str(error.args[0])
            raise NotEvaluated(
                f"`{self.text}` needs `{name}`, which is empty here: fill it in, or guard it with has(….{name})"
            ) from None
        except TypeError as error:
            raise WrongTypes(f"`{self.text}` mixes types: {_first_sentence(str(error))}; {_TYPES_REPAIR}") from None
        except (RuntimeError, ValueError, ArithmeticError, LookupError) as error:
            raise NotEvaluated(f"`{self.text}` cannot be worked out here: {_first_sentence(str(error))}") from None


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees. Building one converts every value, so one is made per deal and shared."""

    context: Any

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> Scope:
        """Build a scope from plain dicts and lists; pass records through `visible` first."""
        return cls(cel.Context(variables=dict(variables), functions=dict(FUNCTIONS)))


def visible(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Return a record as expressions see it: numbers as doubles, dates as ISO text, lists as lists.

    None is absent, so that `has(deal.amount)` can ask.
    """
    return {name: _shown(value) for name, value in fields.items() if value is not None}


def _shown(value: Value) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _syntax_message(text: str, error: str) -> str:
    found = _PLACE.search(error)
    if not found:
        return f"`{text}` is no valid CEL expression: {_first_sentence(error)}; {_EXAMPLES}"
    line, column, what = found.groups()
    what = what.split(" expecting ")[0].removeprefix("Syntax error: ")
    return f"`{text}` is no valid CEL expression: {what} (line {line}, column {column}); {_EXAMPLES}"


def _first_sentence(text: str) -> str:
    return text.split("\n", 1)[0].split(". ", 1)[0].rstrip(".")
