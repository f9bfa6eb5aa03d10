from __future__ import annotations

from collections.abc import Callable

from sync.store import Store


def test_a_cursor_is_kept_per_connection_and_feed(store: Store, open_store: Callable[[], Store]) -> None:
    assert store.cursor("tracker", "time") == ""
    store.advance("tracker", "time", "1")
    store.advance("tracker", "time", "2")
    store.advance("tracker", "changes", "x")
    store.advance("crm", "time", "y")
    assert open_store().cursor("tracker", "time") == "2"


def test_a_note_outlives_the_process_and_belongs_to_its_connection(
    store: Store, open_store: Callable[[], Store]
) -> None:
    memory = store.memory("sheets")
    memory.put("column", "1")
    memory.put("column", "2")
    assert (memory.get("column"), memory.get("other")) == ("2", None)
    assert store.memory("tracker").get("column") is None
    assert open_store().memory("sheets").get("column") == "2"


def test_a_note_that_another_process_made_is_found(store: Store, open_store: Callable[[], Store]) -> None:
    assert store.memory("sheets").get("column") is None
    open_store().memory("sheets").put("column", "1")
    assert store.memory("sheets").get("column") == "1"


def test_counting_an_empty_store_gives_zeros(store: Store) -> None:
    assert store.counts() == dict.fromkeys(
        ["onboardings", "bindings", "open_intents", "held", "waiting", "dirty", "missing", "time_entries"], 0
    )
