"""Texts with holes: Jinja in its sandbox, where a missing value is an error and never a silent gap.

Built by `mappings.load` from what a template file says, filled in by `mappings.templates`. Cannot import, call or reach
anything but the values it is given.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import SandboxedEnvironment

_ENVIRONMENT = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=False)


class BadText(ValueError):
    """The text is no valid Jinja; says what and where."""


class NotFilled(Exception):
    """The text is sound but this deal lacks what it shows; says what and what to do."""


@dataclass(frozen=True, slots=True)
class Text:
    """A compiled text. Equal when the source is equal."""

    source: str
    _template: jinja2.Template | None = field(compare=False, repr=False, default=None)

    @classmethod
    def compile(cls, source: str) -> Text:
        """Compile; raises BadText. A text without holes is kept as it is."""
        if "{" not in source:
            return cls(source)
        try:
            return cls(source, _compiled(source))
        except jinja2.TemplateSyntaxError as error:
            raise BadText(
                f"the text is no valid Jinja: {error.message} (its line {error.lineno}); "
                "correct the text, docs/mappings.md has examples"
            ) from None

    def names(self) -> set[str]:
        """Return the variables that the text uses."""
        return set(meta.find_undeclared_variables(_tree(self.source)))

    def members(self, *roots: str) -> set[str]:
        """Return the names read off these variables, or off a loop over them: `deal.account` gives `account`."""
        tree = _tree(self.source)
        owners = set(roots)
        for loop in tree.find_all(nodes.For):
            if isinstance(loop.iter, nodes.Name) and loop.iter.name in owners and isinstance(loop.target, nodes.Name):
                owners.add(loop.target.name)
        reads = (node for node in tree.find_all(nodes.Getattr) if isinstance(node.node, nodes.Name))
        return {node.attr for node in reads if isinstance(node.node, nodes.Name) and node.node.name in owners}

    def render(self, names: Mapping[str, Any]) -> str:
        """Fill in; raises NotFilled when a value is missing or cannot be used so."""
        if self._template is None:
            return self.source
        try:
            return self._template.render(names)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            start = " ".join(self.source.split())[:60]
            raise NotFilled(
                f"the text `{start}` cannot be filled in ({error}): complete the deal, or guard it with {{% if … %}}"
            ) from None


# The same texts come again: in each version of a template that plans were made from, and in each plant of a process.
@functools.lru_cache(maxsize=4096)
def _compiled(source: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(source)


@functools.lru_cache(maxsize=4096)
def _tree(source: str) -> nodes.Template:
    """Return the parsed text, which is only looked at."""
    return _ENVIRONMENT.parse(source)
