"""Which channels are left alone for a while, since they took nothing lately: longer each time, an hour at most.

Used by a round of notices; `status`, `doctor` and `notices` show what is kept. What a process learned is kept in the
store's documents, so that the next one knows it. A channel that fails some times in a row is not tried again in the
same round: each try may take seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.core.model import Document, StoreApi

KIND = "notice channel"
_IN_A_ROW = 3
_FIRST = timedelta(minutes=5)
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel that took nothing since a moment, in so many rounds."""

    channel: str
    since: datetime
    rounds: int

    @property
    def words(self) -> str:
        """Say it to the operator."""
        times = "in 1 round" if self.rounds == 1 else f"in {self.rounds} rounds"
        return f"notice channel {self.channel} took nothing since {self.since:%Y-%m-%d %H:%M}Z, {times}"

    @property
    def repair(self) -> str:
        """Say what to do about it."""
        return (
            f"See that its address under notices.channels.{self.channel} is right, that it can be reached and takes "
            "what it is sent; `closedwon notices` tries it at once. It is tried again by itself, and holds up no other"
        )

    def as_json(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {"channel": self.channel, "since": self.since.isoformat(), "rounds": self.rounds, "repair": self.repair}


def failing(store: StoreApi, channels: Collection[str]) -> tuple[Failing, ...]:
    """Tell which of these channels take nothing at present, by name."""
    return tuple(
        Failing(kept.name, datetime.fromisoformat(kept.value.get("since") or kept.at.isoformat()), _failures(kept))
        for kept in store.kept(KIND, "")
        if kept.name in channels
    )


def _failures(kept: Document) -> int:
    return int(kept.value["failures"])


@dataclass
class Pauses:
    """The pauses as of a moment; not `patient`: those of earlier rounds do not count."""

    store: StoreApi
    now: datetime
    patient: bool = True
    _before: dict[str, Document] = field(init=False)
    _until: dict[str, datetime] = field(init=False)
    _row: Counter[str] = field(init=False, default_factory=Counter)
    _took: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        kept = self.store.kept(KIND, "")
        self._before = {each.name: each for each in kept}
        self._until = {each.name: datetime.fromisoformat(each.value["until"]) for each in kept} if self.patient else {}

    def paused(self, channel: str) -> bool:
        """Tell whether a channel is to be left alone now."""
        until = self._until.get(channel)
        return self._row[channel] >= _IN_A_ROW or (until is not None and self.now < until)

    def note(self, channel: str, *, took: bool) -> None:
        """Remember what a channel did with a notice."""
        self._row[channel] = 0 if took else self._row[channel] + 1
        if took:
            self._took.add(channel)

    def keep(self) -> None:
        """Keep for how long a channel that took nothing is left alone; one that took something is as good as new."""
        for channel in self._took & self._before.keys():
            self.store.forget(KIND, "", channel)
        for channel in sorted(self._row.keys() - self._took):
            before = self._before.get(channel)
            failures = 1 + (_failures(before) if before else 0)
            until = self.now + min(_FIRST * 2 ** min(failures - 1, 10), _LONGEST)
            since = before.value.get("since") or before.at.isoformat() if before else self.now.isoformat()
            self.store.keep(KIND, "", channel, {"failures": failures, "until": until.isoformat(), "since": since})
