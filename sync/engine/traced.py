"""The engine with each of its steps in a span: where a batch's time goes, told to whoever collects traces.

Made by `sync.wiring` in place of `Engine` where traces are wanted, so that the engine itself knows nothing of them.
What a span may hold is said here: numbers, names of connections and stable codes, never a value, an id or an error's
text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sync.core.model import Claim
from sync.engine.reconcile import Engine
from sync.engine.report import Report

STEPS = {
    "_recover": "recover",
    "_observe": "observe",
    "_plan": "plan",
    "_guard": "guard",
    "_apply": "apply",
    "_roll_up": "roll up",
    "_finish": "commit",
}
"""The engine's steps, in their order, and what their spans are called."""


class Span(Protocol):
    """One step that is under way."""

    def note(self, **facts: float | str) -> None:
        """Add numbers, codes or names of connections."""
        ...


class Tracer(Protocol):
    """Takes spans; one begun inside another one, in the same context, is its child."""

    def span(self, name: str) -> AbstractContextManager[Span]:
        """Begin a span that ends with the block; an exception marks it as failed, by its code alone."""
        ...


class TracedEngine(Engine):
    """An engine that does nothing else than `Engine`, and says when."""

    def __init__(self, *, tracer: Tracer, **parts: Any) -> None:
        super().__init__(**parts)
        self._tracer = tracer
        for step, name in STEPS.items():
            setattr(self, step, self._spanned(name, getattr(self, step)))

    def _spanned(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*args: Any, **named: Any) -> Any:
            with self._tracer.span(name):
                return step(*args, **named)

        return traced

    def sweep(self, report: Report, only: Collection[str] | None = None) -> frozenset[str]:
        """Sweep in a span."""
        with self._tracer.span("sweep") as span:
            span.note(connections=",".join(sorted(self.connections if only is None else only)))
            dirty = super().sweep(report, only)
            span.note(dirty=len(dirty))
            return dirty

    def reconcile(self, claims: Sequence[Claim], **named: Any) -> Report:
        """Reconcile a batch in a span."""
        with self._tracer.span("batch") as span:
            span.note(onboardings=len(claims))
            report = super().reconcile(claims, **named)
            span.note(planned=report.planned, held=report.held, rollups=report.rollups)
            span.note(created=report.created.total(), updated=report.updated.total())
            return report
