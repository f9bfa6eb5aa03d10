"""A stage whose connections all hear, and a receiver on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hooks_rig import HEARING, TEMPLATE, serving

from sync.demo.stage import Stage
from sync.receiver import Receiver


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return str(path)


@pytest.fixture
def stage(template: str) -> Iterator[Stage]:
    with Stage(templates=[template], **HEARING) as stage:
        stage.sweep()
        yield stage


@pytest.fixture
def receiver(stage: Stage) -> Iterator[Receiver]:
    with serving(stage) as receiver:
        yield receiver
