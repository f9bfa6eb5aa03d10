"""The process that `test_killed` kills: one `reconcile --changed`, at a moment that stands still."""

from __future__ import annotations

from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from sync.config import load_config
from sync.engine import Report
from sync.wiring import assemble


def work(config: str, now: datetime, go: Connection) -> None:
    """Wait for the word, then look at what changed and bring it about."""
    go.recv()
    plant = assemble(load_config(Path(config)), now=lambda: now, sleep=lambda _: None, owner="victim")
    plant.engine.sweep(Report())
    plant.engine.drain()
