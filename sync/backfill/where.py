"""The condition of `--where`: CEL over the deal and its lines, with the names that the templates' conditions have.

Used by `selection` for each deal and by the command, which compiles it before anything is opened at a vendor. A mistake
is shown under the text, at its place, with what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.base import Record
from mappings.conditions import BadExpression, Condition, NotEvaluated
from mappings.expressions import Vocabulary, check_expression
from mappings.model import HeldBack, MappingSet
from mappings.reading import Source
from mappings.translate import scope_of_record

OPTION = "--where"
_AT = re.compile(r" \(line (\d+), column (\d+)\)")
_NAMED = re.compile(r"'(\w+)'")


class BadCondition(ValueError):
    """The text is no condition over a deal; the message shows each mistake under its place and what to write."""


class Unanswered(Exception):
    """This deal lacks what the condition needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition that was checked against the fields that deals and lines have."""

    condition: Condition
    mappings: MappingSet

    @classmethod
    def compile(cls, text: str, mappings: MappingSet) -> Where:
        """Compile and check; raises BadCondition with every mistake."""
        try:
            condition = Condition.compile(text)
        except BadExpression as error:
            raise BadCondition(_syntax(text, str(error))) from None
        source = Source(OPTION)
        check_expression(source, (), condition, Vocabulary.of(mappings))
        if source.mistakes:
            raise BadCondition(
                "\n".join(_shown(text, *_place(text, m.what), m.what, m.repair) for m in source.mistakes)
            )
        return cls(condition, mappings)

    def meets(self, record: Record) -> bool:
        """Tell whether a deal meets the condition; raises Unanswered where it lacks what that needs."""
        try:
            return self.condition.test(scope_of_record(record, self.mappings))
        except NotEvaluated as error:
            raise Unanswered(str(error)) from None
        except HeldBack as error:
            raise Unanswered(error.message) from None


def _syntax(text: str, message: str) -> str:
    found = _AT.search(message)
    line, column = (int(found[1]), int(found[2])) if found else (1, 1)
    what, _, repair = _AT.sub("", message).rpartition("; ")
    return _shown(text, line, column, what, repair)


def _place(text: str, what: str) -> tuple[int, int]:
    """Find the name that a mistake quotes; the beginning where it quotes none."""
    named = _NAMED.search(what)
    found = re.search(rf"\b{re.escape(named[1])}\b", text) if named else None
    before = text[: found.start()] if found else ""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _shown(text: str, line: int, column: int, what: str, repair: str) -> str:
    lines = text.splitlines() or [""]
    line = min(line, len(lines))
    return f"{OPTION}:{line}:{column}: {what}. {repair}\n    {lines[line - 1]}\n    {' ' * (column - 1)}^"
