"""The contract for streams: events that we fetch from a vendor ourselves, so that it needs no way in.

Fulfilled by `connectors.<vendor>` (and by third parties), run by `sync.receiver.listening`. A connector that can listen
has a method `streams`, see `Listening`; the others simply lack it. What comes on a stream are the same hints that
webhooks are (`connectors.events.Event`): ids and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connectors.events import Event


@dataclass(frozen=True, slots=True)
class Heard:
    """What came on a stream at once: events, and the place after them to go on from when they are on disk.

    `missed` is a cursor of `Connector.changes` where something may have been lost: everything since then, and all that
    is known, must be looked at before the place is kept. "" when nothing was lost.
    """

    place: str
    events: tuple[Event, ...] = ()
    missed: str = ""


class Stream(Protocol):
    """One stream of events that we fetch ourselves; used by one thread, and closed by another."""

    name: str
    """The vendor's name for it; the place is kept under it."""

    def hear(self, place: str) -> Iterator[Heard]:
        """Yield what comes after a place ("" is from now on), until the vendor ends the stream or `close` is called.

        The next one is asked for only when the last one is on disk. Raises ConnectorErrors; nothing is lost by asking
        again from the place that was kept.
        """
        ...

    def close(self) -> None:
        """End `hear`, for good."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A connector that can fetch events by itself, so that the vendor needs no way in."""

    def streams(self) -> Sequence[Stream]:
        """Return this connection's streams; none when it is not configured to listen."""
        ...
