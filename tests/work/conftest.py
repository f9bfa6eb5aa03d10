"""Workers on a store and on stages; real processes where a process must die or stand still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from sync.store import Store


@pytest.fixture
def open_store(database: str) -> Iterator[Callable[[], Store]]:
    """Open the same database once more, as another process would."""
    opened: list[Store] = []

    def opener() -> Store:
        opened.append(Store.open(database, clock=lambda: datetime.now(UTC)))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()
