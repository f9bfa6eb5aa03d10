"""Answers /query and /queryAll: pages, locators, and rows that change between two pages.

Called by `rest` and `bulk`. A cursor remembers which rows matched when the query ran; a page shows them as they are
when it is fetched, so a row edited meanwhile comes with its new values and a deleted one no longer comes at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.salesforce.ids import mint
from simulator.salesforce.plans import Json, Plan
from simulator.salesforce.problems import Problem
from simulator.salesforce.soql import parse
from simulator.salesforce.store import Store

PAGE = 2000
LIFE = 2 * 24 * 3600
"""Seconds that a locator lives."""


@dataclass(slots=True)
class Cursor:
    """A query whose rows are not all fetched."""

    plan: Plan
    ids: list[str]
    size: int
    verb: str
    expires: float


class Queries:
    """Runs statements over a store; `knobs` may shorten pages."""

    def __init__(self, store: Store, knobs: Mapping[str, Any]) -> None:
        self.store = store
        self.knobs = knobs
        self.cursors: dict[str, Cursor] = {}
        self.opened = 0

    def plan(self, text: str, base: str, *, deleted: bool) -> Plan:
        """Check a statement; raises Problem."""
        self.store.settle()
        verb = "queryAll" if deleted else "query"
        return Plan(
            text,
            parse(text),
            self.store,
            base,
            deleted=deleted,
            nest=lambda child, ids: self._page(child, ids, self._size(PAGE), verb) if ids else None,
        )

    def run(self, text: str, base: str, *, deleted: bool, batch: int | None = None) -> Json:
        """Answer a statement with its first page; raises Problem."""
        plan = self.plan(text, base, deleted=deleted)
        ids = plan.ids()
        if plan.query.count:
            return {"totalSize": len(ids), "done": True, "records": []}
        return self._page(plan, ids, self._size(batch or PAGE), "queryAll" if deleted else "query")

    def more(self, locator: str) -> Json:
        """Answer a locator with the page that starts where it says; raises Problem INVALID_QUERY_LOCATOR."""
        name, _, start = locator.rpartition("-")
        cursor = self.cursors.get(name)
        if cursor is None or not start.isdigit() or int(start) > len(cursor.ids):
            raise Problem("INVALID_QUERY_LOCATOR", "invalid query locator")
        if cursor.expires < self.store.clock.now().timestamp():
            del self.cursors[name]
            raise Problem("INVALID_QUERY_LOCATOR", "invalid query locator")
        self.store.settle()
        return self._slice(name, cursor, int(start))

    def _size(self, batch: int) -> int:
        short = int(self.knobs.get("short_pages") or 0)
        size = max(200, min(batch, PAGE))
        return min(size, short) if short else size

    def _page(self, plan: Plan, ids: list[str], size: int, verb: str) -> Json:
        expires = self.store.clock.now().timestamp() + LIFE
        cursor = Cursor(plan, ids, size, verb, expires)
        name = ""
        if len(ids) > size:
            self.opened += 1
            name = mint("0r8", self.opened)
            self.cursors[name] = cursor
        return self._slice(name, cursor, 0)

    def _slice(self, name: str, cursor: Cursor, start: int) -> Json:
        end = start + cursor.size
        records = [record for row_id in cursor.ids[start:end] if (record := cursor.plan.shown(row_id)) is not None]
        page: Json = {"totalSize": len(cursor.ids), "done": end >= len(cursor.ids)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"{cursor.plan.base}/{cursor.verb}/{name}-{end}"
        return page | {"records": records}
