"""Which deals mean the same plan of others', beyond one batch: none of them may take it over before a person decides.

Filled by `sync.backfill.meant` before a backfill takes plans over, asked by `sync.engine.existing` for each plan found.
What is counted lies in a temporary file, so that memory does not grow with the deals; of deals that are held back for
it, the store remembers what they mean, for later runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping

from sync.core.model import StoreApi

KIND = "match"
"""Documents by onboarding and connection: the text of a plan of others' which a deal that is held back means."""
_TEXT = "text"
_MOST = 20
"""How many deals of one plan are looked up; more change nothing."""
_TABLE = "CREATE TABLE claims (connection, text, deal, PRIMARY KEY (connection, text, deal)) WITHOUT ROWID"


class Claims:
    """Deals by the connection and the text of the plan that they mean. Close it when done."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a file without a name, which is gone when it is closed
        self._database.execute(_TABLE)

    def add(self, connection: str, text: str, deal: str) -> None:
        """Note that a deal means a plan of this text; once is as good as often."""
        self._database.execute("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", (connection, text, deal))

    def of(self, connection: str, text: str) -> frozenset[str]:
        """Return the deals that mean a plan of this text, the first few of them."""
        query = "SELECT deal FROM claims WHERE connection = ? AND text = ? ORDER BY deal LIMIT ?"
        return frozenset(deal for (deal,) in self._database.execute(query, (connection, text, _MOST)))

    def close(self) -> None:
        """Forget all."""
        self._database.close()


def remember(store: StoreApi, key: str, texts: Mapping[str, str], connections: Collection[str]) -> None:
    """Keep what a deal that is held back means, by connection, and forget what it meant before elsewhere."""
    for name in connections:
        if name in texts:
            store.keep(KIND, key, name, {_TEXT: texts[name]})
        else:
            store.forget(KIND, key, name)


def remembered(store: StoreApi) -> Iterator[tuple[str, str, str]]:
    """Yield connection, text and deal of all that are held back and have no plan yet."""
    for document in store.kept(KIND):
        if not store.load([document.key])[document.key].base:
            yield document.name, str(document.value[_TEXT]), document.key
