"""Processes that are killed, and processes that compete: real ones, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from sync.core.model import PLAN_ITEM
from sync.store import Store

_HERE = Path(__file__).parent


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, _HERE / script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _together(*processes: subprocess.Popen[str]) -> list[list[str]]:
    """Let processes begin at the same moment; return the lines that each of them wrote."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in answers if errors] == []
    return [output.splitlines() for output, _ in answers]


def test_a_process_killed_at_any_statement_loses_nothing_acknowledged_and_leaves_nothing_by_half(
    url: str, open_store: Callable[[], Store]
) -> None:
    [lines] = _together(_start("killed_worker.py", url))
    acknowledged: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        key, step = line.split()
        acknowledged[key].add(step)
    keys = list(acknowledged)
    assert "finished" in acknowledged.pop(keys[-1])
    assert len(acknowledged) > 20, "it was killed at every statement"
    assert all("finished" not in steps for steps in acknowledged.values())
    store = open_store()
    left = [_steps_left_by(store, key) for key in acknowledged]
    for (key, steps), found in zip(acknowledged.items(), left, strict=True):
        assert steps - {"started"} <= found, f"{key} lost what was acknowledged"
    assert {"request", "intents", "bind", "time", "commit"} <= set().union(*left)


def _steps_left_by(store: Store, key: str) -> set[str]:
    """Say which steps the store holds; each of them must be there in full or not at all."""
    loaded = store.load([key])[key]
    rows = {item.key: item for item in store.work_items(only_open=False)}
    steps = set()
    if key in rows:
        steps.add("request")
    if key in rows and (rows[key].attempts or rows[key].done):
        steps.add("claim")
    if loaded.bindings:
        assert {binding.item for binding in loaded.bindings} == {PLAN_ITEM, "t1", "t2"}
        assert loaded.intents == (), "bound, so nothing is unknown any more"
        steps |= {"intents", "bind"}
    elif loaded.intents:
        assert len(loaded.intents) == 3
        steps.add("intents")
    if "bind" in steps and loaded.tracked:
        assert loaded.tracked == {"t1": 60, "t2": 30}
        steps.add("time")
    committed = {bool(loaded.template), bool(loaded.base), bool(loaded.held), bool(store.history(key))}
    assert len(committed) == 1, "a commit is there in full or not at all"
    if committed == {True}:
        assert (rows[key].done, rows[key].lease_until) == (1, None)
        steps.add("commit")
    return steps


def test_of_two_processes_that_claim_at_once_none_gets_a_key_of_the_other(
    url: str, open_store: Callable[[], Store]
) -> None:
    keys = [f"deal-{number:03}" for number in range(600)]
    open_store().request(keys, 0)
    first, second = _together(*(_start("claiming_worker.py", url, owner) for owner in ("first", "second")))
    assert first
    assert second
    assert sorted(first + second) == keys
