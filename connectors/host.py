"""What a connector is given to work with: a memory that lasts, and a meter that is told of every call.

Part of `connectors.base`, from which everybody takes these names. The store and `sync.governor` fulfil them; the two
classes below serve tests, previews and the conformance suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol


class Memory(Protocol):
    """A connector's own durable notes (column ids, a high-water mark), kept by the store; written through at once."""

    def get(self, key: str) -> str | None:
        """Return the note or None."""
        ...

    def put(self, key: str, value: str) -> None:
        """Keep the note durably before returning."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Hold a name against all other processes, one at a time in a thread; raises TryLater when it stays taken.

        Inside, `get` shows what others put before.
        """
        ...


class Meter(Protocol):
    """Told of every vendor call; paces and counts. One per connection, shared by its threads."""

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait for a place under the quota; raises TryLater when that would take too long."""
        ...

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Take note of an answer; status 0 when there was none."""
        ...


@dataclass
class DictMemory:
    """A Memory that lasts as long as the process, for tests, previews and the conformance suite."""

    notes: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str | None:
        """Return the note or None."""
        return self.notes.get(key)

    def put(self, key: str, value: str) -> None:
        """Keep the note."""
        self.notes[key] = value

    def alone(self, _name: str) -> AbstractContextManager[None]:
        """Hold nothing: there is no other process."""
        return nullcontext()


class FreeMeter:
    """A Meter that counts and never waits."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Let the call pass."""
        del cost
        self.calls[endpoint] = self.calls.get(endpoint, 0) + 1

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Forget the answer."""
