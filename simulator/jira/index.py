"""The search index: what JQL sees, which is not what is. It lags, and what it shows may vanish again for a moment.

Fed by `site` on every change, asked by `api_search` and `api_jql`. Documents hold just what queries need; rows are
rendered from the issues themselves by the caller. Lookups by label, parent and `updated` keep a query from reading
every document.
"""

from __future__ import annotations

import heapq
import itertools
import random
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from simulator.jira.issues import Issue

FLICKER_SECONDS = 600
"""How long after it was indexed a change may still vanish for a moment."""


@dataclass(frozen=True, slots=True)
class Document:
    """One issue as it was when indexed."""

    id: int
    key: str
    project: str
    type: str
    status: str
    category: str
    parent: int | None
    labels: tuple[str, ...]
    created: int
    updated: int
    resolution: str | None
    estimates: tuple[int | None, int | None, int | None]
    values: dict[str, Any]
    indexed: int

    @classmethod
    def of(cls, issue: Issue, indexed: int) -> Document:
        """Take an issue's present state."""
        estimates = (issue.original_estimate, issue.remaining_estimate, issue.spent)
        return cls(
            issue.id, issue.key, issue.project.id, issue.type.id, issue.status.id, issue.status.category.key,
            issue.parent, issue.values.get("labels", ()), issue.created, issue.updated, issue.resolution, estimates,
            dict(issue.values), indexed,
        )  # fmt: skip


class Index:
    """All documents, and the changes that have not reached them yet."""

    def __init__(self, seed: int) -> None:
        self.documents: dict[int, Document] = {}
        self._labels: defaultdict[str, set[int]] = defaultdict(set)
        self._parents: defaultdict[int, set[int]] = defaultdict(set)
        self._updated: list[tuple[int, int]] = []
        self._pending: list[tuple[int, int, int, Document | None]] = []
        self._order = itertools.count()
        self._dice = random.Random(seed)

    def note(self, issue: Issue, now: int, lag_ms: int, *, deleted: bool = False) -> None:
        """Take note of a change that becomes visible after the lag."""
        due = now + lag_ms
        document = None if deleted else Document.of(issue, due)
        if lag_ms <= 0 and not self._pending:
            self._show(issue.id, document)
        else:
            heapq.heappush(self._pending, (due, next(self._order), issue.id, document))

    def catch_up(self, now: int) -> None:
        """Show what is due."""
        while self._pending and self._pending[0][0] <= now:
            _, _, issue_id, document = heapq.heappop(self._pending)
            self._show(issue_id, document)

    def flickers(self, document: Document, now: int, probability: float) -> bool:
        """Tell whether this recently changed document is missing from the answer being made."""
        if probability <= 0 or now - document.indexed > FLICKER_SECONDS * 1000:
            return False
        return self._dice.random() < probability

    def labelled(self, label: str) -> Collection[int]:
        """Ids of documents with that label."""
        return self._labels.get(label, set())

    def under(self, parent: int) -> Collection[int]:
        """Ids of documents with that parent."""
        return self._parents.get(parent, set())

    def updated_since(self, millis: int, most: int | None) -> Collection[int] | None:
        """Ids of documents updated at or after a moment, or None where they may be more than `most`."""
        start = bisect_left(self._updated, (millis, 0))
        if most is not None and len(self._updated) - start > most:
            return None
        return [issue_id for updated, issue_id in self._updated[start:] if self._is_current(updated, issue_id)]

    def _is_current(self, updated: int, issue_id: int) -> bool:
        document = self.documents.get(issue_id)
        return document is not None and document.updated == updated

    def _show(self, issue_id: int, document: Document | None) -> None:
        old = self.documents.pop(issue_id, None)
        if old is not None:
            for label in old.labels:
                self._labels[label].discard(issue_id)
            if old.parent is not None:
                self._parents[old.parent].discard(issue_id)
        if document is None:
            return
        self.documents[issue_id] = document
        for label in document.labels:
            self._labels[label].add(issue_id)
        if document.parent is not None:
            self._parents[document.parent].add(issue_id)
        if old is None or old.updated != document.updated:
            self._remember_updated(document)

    def _remember_updated(self, document: Document) -> None:
        entry = (document.updated, document.id)
        if not self._updated or entry > self._updated[-1]:
            self._updated.append(entry)
        else:
            insort(self._updated, entry)
        if len(self._updated) > 1000 + 2 * len(self.documents):
            self._updated = sorted((found.updated, found.id) for found in self.documents.values())
