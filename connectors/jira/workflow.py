"""What we know of a project's workflows, and the way from one status to another. Pure data and search; no calls.

Used by `connectors.jira.walking`, which learns it from issues as it meets them. Ids of transitions differ per workflow,
and which of them an issue offers depends on its status, so knowledge is kept per issue type and status.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from connectors.base import Memory
from connectors.jira.fields import category

DONE = "done"


@dataclass(frozen=True, slots=True)
class Status:
    """A status by name, and the key of its category (new, indeterminate, done)."""

    name: str
    category: str

    @property
    def id(self) -> str:
        """The name without regard to case, as Jira compares it."""
        return self.name.casefold()


@dataclass(frozen=True, slots=True)
class Step:
    """One transition that an issue offers. `needs` are fields that its screen demands."""

    id: str
    name: str
    to: Status
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an issue is now."""

    id: str
    type: str
    status: Status


def status_of(raw: Mapping[str, Any]) -> Status:
    """Read a raw status."""
    return Status(str(raw.get("name", "")), category(raw) or "")


def standing_of(raw: Mapping[str, Any]) -> Standing:
    """Read where a raw issue stands; it came with its status and type."""
    fields = raw["fields"]
    return Standing(str(raw["id"]), str(fields["issuetype"]["name"]), status_of(fields["status"]))


def steps_of(raw: Mapping[str, Any]) -> tuple[Step, ...]:
    """Read an issue's `transitions`, expanded with their fields."""
    return tuple(
        Step(
            id=str(transition["id"]),
            name=str(transition.get("name", "")),
            to=status_of(transition["to"]),
            needs=tuple(sorted(_needs(transition.get("fields") or {}))),
        )
        for transition in raw.get("transitions") or ()
    )


def _needs(fields: Mapping[str, Any]) -> set[str]:
    return {name for name, meta in fields.items() if meta.get("required") and not meta.get("hasDefaultValue")}


class Workflows:
    """Known steps by issue type and status; kept in the connector's memory, since learning them costs calls.

    `filled` are the screen fields that we have a value for; a step that needs another is never taken.
    """

    def __init__(self, memory: Memory, *, filled: frozenset[str]) -> None:
        self._memory = memory
        self._filled = filled
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, tuple[Step, ...]]] = {}

    def learn(self, standing: Standing, steps: tuple[Step, ...]) -> None:
        """Remember what an issue of this type offers in this status."""
        with self._lock:
            known = self._of(standing.type)
            if known.get(standing.status.id) != steps:
                known[standing.status.id] = steps
                self._keep(standing.type)

    def forget(self, standing: Standing) -> None:
        """Drop what turned out to be wrong."""
        with self._lock:
            if self._of(standing.type).pop(standing.status.id, None) is not None:
                self._keep(standing.type)

    def forget_all(self, kind: str) -> None:
        """Drop all that is remembered of an issue type's workflow."""
        with self._lock:
            self._known[kind] = {}
            self._keep(kind)

    def knows(self, standing: Standing) -> bool:
        """Tell whether the steps from here are known."""
        with self._lock:
            return standing.status.id in self._of(standing.type)

    def open(self, step: Step) -> bool:
        """Tell whether we can fill what the step's screen demands."""
        return self._filled.issuperset(step.needs)

    def way(self, standing: Standing, target: str, *, over_screens: bool = False) -> tuple[Step, ...]:
        """Return the shortest known way to the target's name; empty when there is none."""
        wanted = target.casefold()
        for path in self._paths(standing, over_screens=over_screens):
            if path[-1].to.id == wanted:
                return path
        return ()

    def reachable(self, standing: Standing) -> frozenset[str]:
        """Return the ids of all statuses to which a known and open way leads."""
        return frozenset(path[-1].to.id for path in self._paths(standing))

    def frontier(self, standing: Standing) -> list[tuple[Step, ...]]:
        """Return the ways to statuses whose own steps are unknown: done ones last, else nearest first."""
        with self._lock:
            known = frozenset(self._of(standing.type))
        paths = [path for path in self._paths(standing) if path[-1].to.id not in known]
        return sorted(paths, key=lambda path: (path[-1].to.category == DONE, len(path)))

    def _paths(self, standing: Standing, *, over_screens: bool = False) -> list[tuple[Step, ...]]:
        """Return one shortest way to each status that can be reached, nearest first."""
        with self._lock:
            known = dict(self._of(standing.type))
        found: dict[str, tuple[Step, ...]] = {standing.status.id: ()}
        queue = deque([standing.status.id])
        while queue:
            here = queue.popleft()
            for step in known.get(here, ()):
                if step.to.id not in found and (over_screens or self.open(step)):
                    found[step.to.id] = (*found[here], step)
                    queue.append(step.to.id)
        return [path for path in found.values() if path]

    def _of(self, kind: str) -> dict[str, tuple[Step, ...]]:
        if kind not in self._known:
            note = self._memory.get(f"workflow:{kind}")
            raw = orjson.loads(note) if note else {}
            self._known[kind] = {status: tuple(_step(step) for step in steps) for status, steps in raw.items()}
        return self._known[kind]

    def _keep(self, kind: str) -> None:
        raw = {status: [asdict(step) for step in steps] for status, steps in self._known[kind].items()}
        self._memory.put(f"workflow:{kind}", orjson.dumps(raw, option=orjson.OPT_SORT_KEYS).decode())


def _step(raw: Mapping[str, Any]) -> Step:
    return Step(raw["id"], raw["name"], Status(**raw["to"]), tuple(raw["needs"]))
