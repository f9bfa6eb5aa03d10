"""A desk for a user of the commands: a folder with a config.yaml, three simulated vendors, and deals to win."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from ruamel.yaml import YAML

from simulator.app import Simulator
from sync.cli.app import main
from sync.demo.stage import configuration

SCRIPT = Path(sys.executable).parent / "closedwon"
TODAY = datetime.now(UTC).date().isoformat()
QUICK = {"attempts": 1, "patience": 0}
TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 60
roles: {engineer: ada@example.com}
phases: [Work]
groups:
  - phase: Work
    tasks:
      - {key: prepare, name: "Prepare {{ deal.account }}", audience: both, role: engineer, start: kickoff, days: 2, hours: 2}
      - {key: finish, name: "Finish {{ deal.account }}", audience: both, role: engineer, start: kickoff, days: 5, hours: 3}
"""


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails when there is anything else."""
        assert self.out.count("\n") == 1, self.out
        data = orjson.loads(self.out)
        assert isinstance(data, dict)
        return data

    def refused(self, code: int, *parts: str) -> None:
        """Assert that it ended with this code and one message that holds these parts, without a traceback."""
        assert self.code == code, (self.code, self.out, self.err)
        for part in parts:
            assert part in self.err, self.err
        assert "Traceback" not in self.err
        assert "DEFECT" not in self.err


@dataclass
class Desk:
    """One user's folder and vendors."""

    folder: Path
    simulator: Simulator
    capsys: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)

    def configure(self, store: str = "sqlite:///closedwon.db", **changes: Any) -> None:
        """Write config.yaml; `changes` go into the sections of that name."""
        changes.setdefault("templates", ["small.yaml"])
        for name in ("crm", "tracker", "sheets"):
            changes[name] = {**QUICK, **changes.get(name, {})}
        changes["engine"] = {"settle_seconds": 0.5, "patience_seconds": 3, **changes.get("engine", {})}
        with (self.folder / "config.yaml").open("w", encoding="utf-8") as file:
            YAML().dump(configuration(self.simulator.urls, store, **changes), file)

    def run(self, *words: str) -> Ran:
        """Run a command in this process."""
        self.capsys.readouterr()
        code = main(words)
        return Ran(code, *self.capsys.readouterr())

    def script(
        self, *words: str, env: Mapping[str, str] | None = None, before: Callable[[], None] | None = None
    ) -> Ran:
        """Run the installed console script, as a user does; `before` is done in its process first."""
        environment = {**os.environ, **self.environment, **(env or {})}
        done = subprocess.run(
            [SCRIPT, *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            preexec_fn=before,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def win(self, name: str, **deal: Any) -> str:
        """Win a deal; returns its Id."""
        given = {"name": name, "account": name, "close_date": TODAY, "owner": "cleo@example.com", "hours": 40, **deal}
        return str(self.act("salesforce", "win_deal", **given)["id"])

    def act(self, vendor: str, action: str, **args: Any) -> dict[str, Any]:
        """Have a person do something at a vendor."""
        with self.simulator.world.lock:
            return dict(self.simulator.vendors[vendor].act(action, args))

    def calls(self) -> int:
        """All calls that the vendors were asked so far."""
        return sum(self.simulator.world.count(name) for name in self.simulator.vendors)

    def records(self) -> tuple[int, int, int]:
        """How many issues, sheets and onboarding records there are."""
        issues = len(self.simulator.jira.site.issues.by_id)
        sheets = len(self.simulator.smartsheet.state.sheets)
        onboardings = sum(1 for _ in self.simulator.salesforce.org.rows("Onboarding__c"))
        return issues, sheets, onboardings
