"""Checks expressions and texts against the fields that exist, before any deal meets them.

Used by `mappings.load` and `mappings.weaving`. Reports; never raises.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mappings.conditions import KNOWN_FUNCTIONS, Condition, NotEvaluated, Scope, WrongTypes
from mappings.model import MappingSet, ObjectMapping
from mappings.reading import Place, Source, suggest
from mappings.texts import Text

OWN_DEAL = ("key", "name", "account", "owner", "close_date", "amount")
OWN_LINE = ("product", "code", "family", "quantity", "price", "label", "number")
"""What every Deal and Line has, whatever the mapping file says."""

OWN_WORDS_OF_DEALS = frozenset({"key", "lines"})
OWN_WORDS_OF_LINES = frozenset({"label", "number"})
"""What we work out ourselves, so that no field of the mapping may be called that."""

OWN_WORDS_OF_PLANS = frozenset({"title", "account", "kickoff", "target_launch"})
OWN_WORDS_OF_TASKS = frozenset({"key", "name", "phase"})
"""What every plan and task that we would make has, for `match`."""

_SAMPLES: dict[str, Any] = {"number": 1.0, "boolean": True, "date": "2026-01-31", "list": ["a"]}


@dataclass(frozen=True)
class Vocabulary:
    """The names that expressions may use. None: the mapping is not known, so field names go unchecked."""

    deal: frozenset[str] | None = None
    line: frozenset[str] | None = None
    sample_deal: Any = None
    sample_line: Any = None

    @classmethod
    def of(
        cls, mappings: MappingSet, deal_too: frozenset[str] = frozenset(), line_too: frozenset[str] = frozenset()
    ) -> Vocabulary:
        """Take the names from a mapping set, and more names that are known to be meant."""
        deal, line = _sample(mappings.deal, OWN_DEAL), _sample(mappings.lines, OWN_LINE)
        return cls(frozenset(deal) | deal_too, frozenset(line) | line_too, deal, line)

    def suggest_deal(self, name: str) -> str:
        """Return what to do about an unknown deal field."""
        return suggest(name, self.deal or ())


def check_expression(
    source: Source, place: Place, expression: Condition, vocabulary: Vocabulary, extra: Collection[str] = ()
) -> None:
    """Report unknown variables, functions and fields, and types that cannot meet. `extra`: more variables allowed."""
    roots = {"deal", "lines", *extra}
    unknown = sorted(expression.names() - roots)
    for name in unknown:
        source.report(place, f"unknown variable {name!r} in `{expression.text}`", suggest(name, roots))
    functions = sorted(expression.functions() - KNOWN_FUNCTIONS)
    for name in functions:
        source.report(place, f"unknown function {name!r} in `{expression.text}`", suggest(name, KNOWN_FUNCTIONS))
    fields = _check_members(source, place, expression, vocabulary)
    if not unknown and not functions and not fields and vocabulary.sample_deal is not None:
        _try_out(source, place, expression, vocabulary)


def check_text(source: Source, place: Place, text: Text, vocabulary: Vocabulary, extra: Collection[str] = ()) -> None:
    """Report unknown variables and fields of a text."""
    roots = {"deal", "lines", "kickoff", "launch", *extra}
    for name in sorted(text.names() - roots):
        source.report(place, f"unknown variable {name!r} in the text", suggest(name, roots))
    _check_members(source, place, text, vocabulary)


def _check_members(source: Source, place: Place, what: Condition | Text, vocabulary: Vocabulary) -> bool:
    found = False
    for roots, known in ((("deal",), vocabulary.deal), (("line", "lines"), vocabulary.line)):
        for name in sorted(what.members(*roots) - known) if known is not None else ():
            found = True
            source.report(place, f"a {roots[0]} has no field {name!r}", suggest(name, known or ()))
    return found


def _try_out(source: Source, place: Place, expression: Condition, vocabulary: Vocabulary) -> None:
    """Types show only when an expression runs: run it on a made-up deal that has everything."""
    sample = {"deal": vocabulary.sample_deal, "lines": [vocabulary.sample_line], "line": vocabulary.sample_line}
    try:
        expression.value(Scope.of(sample))
    except WrongTypes as error:
        what, _, repair = str(error).partition("; ")
        source.report(place, what, f"Mind that {repair}")
    except NotEvaluated:
        return  # depends on values (an index, a division): that is for the real deal to show


def _sample(mapping: ObjectMapping, own: tuple[str, ...]) -> dict[str, Any]:
    sample: dict[str, Any] = dict.fromkeys(own, "text")
    sample |= (
        {"quantity": 1.0, "price": 1.0, "number": 1.0}
        if "quantity" in own
        else {"amount": 1.0, "close_date": "2026-01-31"}
    )
    return sample | {rule.name: _SAMPLES.get(rule.type, "text") for rule in mapping.rules}
