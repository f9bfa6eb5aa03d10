"""What people see of a backfill: the bar while it runs, and the outlook of a dry run in sentences.

Used by `sync.cli.backfill` only. The bar goes to stderr.
"""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sync.backfill.running import State
from sync.backfill.shadow import Shadow
from sync.cli.common import err, out

_TITLE = "Onboardings"
_TITLES = {State.PAUSED: "Paused; `closedwon backfill resume` lets it go on"}


class _Speed(ProgressColumn):
    """Deals a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed is not None else "")


class Bar:
    """A progress bar with rate and time left. Use it as a context manager around all output on stderr."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            _Speed(),
            TimeRemainingColumn(),
            console=err,
        )
        self._task = self._progress.add_task(_TITLE, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def move(self, seen: int, total: int | None) -> None:
        """Show how far it is."""
        self._progress.update(self._task, completed=seen, total=total)

    def say(self, state: State) -> None:
        """Show that it is paused, or goes on."""
        self._progress.update(self._task, description=_TITLES.get(state, _TITLE))


def show_outlook(told: dict[str, Any]) -> None:
    """Print what a dry run found."""
    out.print(
        f"{told['deals']} deals: {told['plans']} would get a plan, with {told['tasks']} tasks; {told['finished']} have "
        "theirs. Nothing was written.",
        markup=False,
    )
    for name, part in told["connections"].items():
        counts = f"{part['creates']} creates, {part['updates']} updates, {part['rollups']} roll-ups"
        left = f", of {part['quota_left']} left today" if part["quota_left"] is not None else ""
        price = f"{part['calls']} calls to write, {part['at_most']} at most in all{left}"
        out.print(f"  {name}: {counts}; {price}; {_span(part['seconds'])}", markup=False)
    for name, counts in told["matches"].items():
        found = ", ".join(f"{counts.get(how, 0)} {how}" for how in ("sure", "ambiguous", "none"))
        out.print(f"Plans that are there already at {name}: {found}.", markup=False)
    for each in told["matched"]:
        what = each["why"] or f"{each['at']} with {each['tasks']} of its tasks"
        out.print(f"  {each['match']} at {each['connection']}: {each['title']} ({each['deal']}): {what}", markup=False)
    for code, count in told["held"].items():
        out.print(f"Held back: {count} with {code}; `closedwon plan --deal ID` shows why.", markup=False)
    out.print(f"Estimated time: {_span(told['seconds'])}. This assumes:", markup=False)
    for assumption in told["assumptions"]:
        out.print(f"  - {assumption}", markup=False)


def show_shadow(found: Shadow) -> None:
    """Print where what is there differs."""
    out.print(f"Compared {found.deals} deals with what is there. Nothing was written.", markup=False)
    for name, counts in found.matches.items():
        told = ", ".join(f"{counts.get(how, 0)} {how}" for how in ("sure", "ambiguous", "none"))
        out.print(f"Plans at {name}: {told}.", markup=False)
    for (kind, name), count in sorted(found.lacking.items()):
        out.print(f"Lacking: {count} of kind {kind} at {name}, which Closedwon would have made.", markup=False)
    for name, count in sorted(found.others.items()):
        out.print(f"More: {count} tasks at {name} that the template does not know.", markup=False)
    for (kind, name, what), each in sorted(found.fields.items()):
        if each.differing:
            out.print(f"{kind} {what} at {name}: {each.differing} of {each.compared} differ", markup=False)
            for example in each.examples:
                shown = f"  {example['at']}: {example['theirs']!r}, where we would write {example['ours']!r}"
                out.print(shown, markup=False, style="dim")
    for code, count in found.held.items():
        out.print(f"Not compared: {count} with {code}.", markup=False)


def _span(seconds: float) -> str:
    return f"about {timedelta(seconds=max(1, round(seconds)))}"
