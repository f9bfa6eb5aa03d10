"""The office that sends notices: gathers how everything stands, has a round decide, and tells how it went.

Made by `sync.cli.notices` from the configuration; run by the daemon on its schedule and by `closedwon notices`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sync.core.notices import Quality
from sync.core.records import RecordsStore
from sync.notices.quality import Gates, quality
from sync.notices.rounds import Quiet, Round, Sent
from sync.notices.standings import Seen, Standings


class Office:
    """Everything that notices need. Use one for as long as the process lives."""

    def __init__(
        self,
        *,
        store: RecordsStore,
        connections: Sequence[str],
        rounds: Round,
        standings: Standings,
        quiet: Quiet,
        gates: Gates,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._connections = tuple(connections)
        self._round = rounds
        self._standings = standings
        self._quiet = quiet
        self._gates = gates
        self._now = now

    def run(self, *, dry: bool = False, patient: bool = True) -> Sent:
        """Send what is due; see `Round.run`."""
        told, seen = self._round.told(), Seen()
        standings = self._standings.of(self._quiet.day("", self._now()), told.marks, seen)
        return self._round.run(standings, partial(self._quality, seen), told=told, dry=dry, patient=patient)

    def job(self) -> str:
        """Run one round for the daemon; return NOTICE-01 where a channel did not take something."""
        return "NOTICE-01" if any(self.run().refused.values()) else ""

    def _quality(self, seen: Seen) -> Quality:
        return quality(self._store, self._connections, gates=self._gates, now=self._now(), unbalanced=seen.unbalanced)
