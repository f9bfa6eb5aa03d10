"""Which deals a backfill is about: streamed from the CRM, filtered as they come, never all held at once.

Used by `run`, `outlook` and `shadow`, so that what is foretold and what is done are about the same deals.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from connectors.base import Connector, DealQuery, Record
from sync.backfill.where import Unanswered, Where


class Selection:
    """A stream of deals with counts of what went by. The first page is read at once; iterate it once."""

    def __init__(
        self, crm: Connector, query: DealQuery, *, where: Where | None = None, limit: int | None = None
    ) -> None:
        deals = crm.deals(query)
        self.query = query
        self.matching = deals.total
        """How many deals the query alone matches, None while unknown."""
        self._deals = iter(deals)
        self._where = where
        self._limit = limit
        self.total = deals.total if where or limit is None or deals.total is None else min(limit, deals.total)
        """How many deals will go by, None while unknown. With a condition, those that it turns away count too."""
        self.read = 0
        """Deals that went by."""
        self.chosen = 0
        """Deals that were let through."""
        self.unanswered = 0
        """Deals about which the condition has no answer; they were left out."""
        self.why = ""
        """What the first of those lacks."""

    def batches(self, size: int) -> Iterator[list[Record]]:
        """Cut the stream into batches of so many deals."""
        stream = self._chosen()
        while batch := list(islice(stream, size)):
            yield batch

    def _chosen(self) -> Iterator[Record]:
        while self._limit is None or self.chosen < self._limit:
            record = next(self._deals, None)
            if record is None:
                return
            self.read += 1
            if self._meets(record):
                self.chosen += 1
                yield record

    def _meets(self, record: Record) -> bool:
        if self._where is None:
            return True
        try:
            return self._where.meets(record)
        except Unanswered as error:
            self.unanswered += 1
            self.why = self.why or f"{record.ref.id}: {error}"
            return False
