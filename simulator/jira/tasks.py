"""Jira's background work: bulk operations that are queued, run later and are asked about by their task id.

Called by `api_bulk`. Work runs by the world's clock after `bulk_task_seconds`; until then it is enqueued, then
running. It knows nothing of what a task does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from simulator.jira.calls import BulkProblem
from simulator.jira.issues import Issue

if TYPE_CHECKING:
    from simulator.jira.site import Site

CONCURRENT = 5
KEPT_MS = 14 * 86_400_000


@dataclass(slots=True)
class Task:
    """One piece of background work and how far it is."""

    id: str
    who: str
    description: str
    total: int
    submitted: int
    due: int
    invisible: int = 0
    finished: int | None = None
    processed: list[int] = field(default_factory=list)
    failed: dict[int, list[str]] = field(default_factory=dict)

    def status(self, now: int) -> str:
        """Return Jira's word for its state; the first half of the waiting time it is merely enqueued."""
        if self.finished is not None:
            return "COMPLETE"
        return "ENQUEUED" if now < (self.submitted + self.due) // 2 else "RUNNING"


class Tasks:
    """All background work of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.by_id: dict[str, Task] = {}

    def submit(
        self, issues: Sequence[Issue | None], work: Callable[[Issue], str | None], *, who: str, description: str
    ) -> Task:
        """Queue `work` for each issue (None = not visible); it returns None or why it failed.

        At most five run at once for the whole site; one more is refused.
        """
        if sum(task.finished is None for task in self.by_id.values()) >= CONCURRENT:
            raise BulkProblem(429, "The limit of concurrent bulk operations is reached. Try again later.")
        now = self._site.now()
        seconds = float(self._site.knobs["bulk_task_seconds"])
        visible = [issue.id for issue in issues if issue is not None]
        task = Task(str(next(self._site.ids)), who, description, len(issues), now, now + int(seconds * 1000))
        task.invisible = len(issues) - len(visible)
        self.by_id[task.id] = task
        due = self._site.world.clock.now() + timedelta(seconds=seconds)
        self._site.world.clock.call_at(due, lambda: self._run(task, visible, work))
        return task

    def running(self, description: str) -> bool:
        """Tell whether work of that kind is not finished."""
        return any(task.finished is None and task.description == description for task in self.by_id.values())

    def find(self, task_id: str) -> Task | None:
        """Return a task of the last fourteen days."""
        found = self.by_id.get(task_id)
        return found if found is not None and self._site.now() - found.submitted <= KEPT_MS else None

    def _run(self, task: Task, issue_ids: list[int], work: Callable[[Issue], str | None]) -> None:
        for issue_id in issue_ids:
            issue = self._site.issues.by_id.get(issue_id)
            reason = "The issue no longer exists." if issue is None else work(issue)
            if reason is None:
                task.processed.append(issue_id)
            else:
                task.failed[issue_id] = [reason]
        task.finished = self._site.now()
