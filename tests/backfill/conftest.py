"""An office with three simulated vendors for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from office import TEMPLATE, Office

from simulator.app import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as serving:
        yield serving


@pytest.fixture
def office(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Office]:
    monkeypatch.chdir(tmp_path)
    for name in ("CLOSEDWON_CONFIG", "CLOSEDWON_LOG"):
        monkeypatch.delenv(name, raising=False)
    with simulator.world.lock:
        simulator.control.reset()
    (tmp_path / "small.yaml").write_text(TEMPLATE, encoding="utf-8")
    made = Office(tmp_path, simulator, capsys)
    made.configure()
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=300)
