"""Which channels are left alone for a while, since they took nothing lately: longer each time, an hour at most.

Used by a round of notices. What a process learned is kept in the store's documents, so that the next one knows it. A
channel that fails some times in a row is not tried again in the same round: each try may take seconds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.core.model import StoreApi

KIND = "notice channel"
_IN_A_ROW = 3
_FIRST = timedelta(minutes=5)
_LONGEST = timedelta(hours=1)


@dataclass
class Pauses:
    """The pauses as of a moment; not `patient`: those of earlier rounds do not count."""

    store: StoreApi
    now: datetime
    patient: bool = True
    _before: dict[str, int] = field(init=False)
    _until: dict[str, datetime] = field(init=False)
    _row: Counter[str] = field(init=False, default_factory=Counter)
    _took: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        kept = self.store.kept(KIND, "")
        self._before = {each.name: int(each.value["failures"]) for each in kept}
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
            failures = self._before.get(channel, 0) + 1
            until = self.now + min(_FIRST * 2 ** min(failures - 1, 10), _LONGEST)
            self.store.keep(KIND, "", channel, {"failures": failures, "until": until.isoformat()})
