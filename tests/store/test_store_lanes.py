"""Lanes: one at a time, by name, across processes; each store here stands for a process."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import TryLater
from sync.store import Store, lanes

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from datetime import UTC, datetime
from sync.store import Store
with Store.open(sys.argv[1], clock=lambda: datetime.now(UTC)) as store, store.memory("sheets").alone("sheet/1"):
    print("holding", flush=True)
    time.sleep(60)
"""


def opened(database: str) -> Store:
    return Store.open(database, clock=lambda: datetime.now(UTC))


def test_the_second_one_waits_and_then_sees_what_the_first_one_put(database: str) -> None:
    seen: list[str | None] = []
    with opened(database) as here, opened(database) as there:
        one, two = here.memory("sheets"), there.memory("sheets")
        one.put("shelf", "1")
        assert two.get("shelf") == "1"

        def second() -> None:
            with two.alone("shelf"):
                seen.append(two.get("shelf"))

        thread = threading.Thread(target=second)
        with one.alone("shelf"):
            thread.start()
            thread.join(0.3)
            assert seen == []
            one.put("shelf", "2")
        thread.join(30)
    assert seen == ["2"]


def test_who_waits_too_long_is_told_to_come_again_and_the_next_gets_in(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 0.2)
    with opened(database) as here, opened(database) as there:
        with here.memory("sheets").alone("sheet/1"):
            with (
                pytest.raises(TryLater) as refused,
                there.memory("sheets").alone("sheet/1"),
            ):
                pytest.fail("two at once")
            assert refused.value.code == "LANE-01"
        with there.memory("sheets").alone("sheet/1"):
            pass


def test_a_lane_is_free_again_when_its_holder_failed(database: str) -> None:
    with opened(database) as here, opened(database) as there:
        with pytest.raises(ZeroDivisionError), here.memory("sheets").alone("sheet/1"):
            raise ZeroDivisionError
        with there.memory("sheets").alone("sheet/1"):
            pass


def test_a_killed_process_frees_its_lane_at_once(database: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, database], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"holding\n"
        process.kill()
    with opened(database) as store, store.memory("sheets").alone("sheet/1"):
        pass
