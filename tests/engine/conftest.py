"""Stages for end-to-end tests: a simulator, an engine on its clock, and a template of just so many tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

TASK = """
      - key: task_{n}
        name: "Task {n} for {{{{ deal.account }}}}"
        audience: both
        role: engineer
        start: kickoff
        days: {days}
        hours: 2
"""


def template(tasks: int) -> str:
    body = "".join(TASK.format(n=n, days=n % 20 + 1) for n in range(tasks))
    return (
        'name: plain\nversion: "1"\ntitle: "{{ deal.account }}: {{ deal.name }}"\nlaunch_after_kickoff: 60\nroles:\n  engineer: ada@example.com\n'
        f"phases: [Work]\ngroups:\n  - phase: Work\n    tasks:{body}"
    )


@pytest.fixture
def plain_template(tmp_path: Path) -> str:
    path = tmp_path / "plain.yaml"
    path.write_text(template(25), encoding="utf-8")
    return str(path)


@pytest.fixture
def small_template(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(template(4), encoding="utf-8")
    return str(path)
