"""A sold deal with its plan, on a simulator and each database, for tests that change the deal afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from amend_life import Sold

from sync.demo.stage import Stage

TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
kickoff_after_close: 2
launch_after_kickoff: 20
roles: {lead: deal.owner, engineer: ben@example.com}
phases: [Begin, Build, Live]
groups:
  - phase: Begin
    tasks:
      - {key: call, name: "Call {{ deal.account }}", role: lead, start: kickoff, hours: 1}
  - phase: Build
    for_each: lines
    each: line.family == "Integration"
    tasks:
      - {key: build, name: "Build {{ line.label }}", role: engineer, start: after call, days: 3, hours: 4.0 * line.quantity}
  - phase: Live
    tasks:
      - {key: launch, name: Live, milestone: true, role: lead, depends_on: [build], start: launch}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture(params=["sheet_per_onboarding", "portfolio"])
def sold(database: str, template: Path, request: pytest.FixtureRequest) -> Iterator[Sold]:
    """One deal with one integration, planned, at rest."""
    with Stage(store=database, templates=[str(template)], sheets={"layout": request.param}) as stage:
        yield Sold(stage)


@pytest.fixture
def quick(template: Path) -> Iterator[Sold]:
    """The same on SQLite alone, where the database cannot matter."""
    with Stage(templates=[str(template)]) as stage:
        yield Sold(stage)
