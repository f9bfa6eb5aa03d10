"""An office that backfills: a folder with config.yaml, three simulated vendors, deals, and the command in two ways."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from ruamel.yaml import YAML

from simulator.app import Simulator
from sync.cli.app import main
from sync.config import load_config
from sync.demo.stage import configuration
from sync.store import Store
from sync.wiring import real_now

SCRIPT = Path(sys.executable).parent / "closedwon"
TODAY = datetime.now(UTC).date().isoformat()
SINCE = ("--won-since", "2020-01-01")
READS = ("/token", "/bulkfetch", "/worklog/list", "/search/jql", "/issue/properties")
"""Ends of addresses which are asked by POST and change nothing."""

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
        assert self.out.count("\n") == 1, (self.out, self.err)
        data = orjson.loads(self.out)
        assert isinstance(data, dict)
        return data

    def refused(self, code: int, *parts: str) -> None:
        assert self.code == code, (self.code, self.out, self.err)
        for part in parts:
            assert part in self.err, self.err
        assert "Traceback" not in self.err
        assert "DEFECT" not in self.err


@dataclass
class Office:
    """One folder and its vendors."""

    folder: Path
    simulator: Simulator
    capsys: pytest.CaptureFixture[str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def configure(self, **changes: Any) -> None:
        """Write config.yaml; `changes` go into the sections of that name."""
        changes.setdefault("templates", ["small.yaml"])
        for name in ("crm", "tracker", "sheets"):
            changes[name] = {"attempts": 1, "patience": 0, **changes.get(name, {})}
        changes["engine"] = {"settle_seconds": 0.5, "patience_seconds": 10, **changes.get("engine", {})}
        with (self.folder / "config.yaml").open("w", encoding="utf-8") as file:
            YAML().dump(configuration(self.simulator.urls, "sqlite:///closedwon.db", **changes), file)

    def run(self, *words: str) -> Ran:
        """Run a command in this process."""
        self.capsys.readouterr()
        code = main(words)
        return Ran(code, *self.capsys.readouterr())

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        process = subprocess.Popen(
            [SCRIPT, *words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def win(self, name: str, **deal: Any) -> str:
        """Win a deal; returns its Id."""
        given = {"name": name, "account": name, "close_date": TODAY, "owner": "cleo@example.com", "hours": 40, **deal}
        return str(self.act("salesforce", "win_deal", **given)["id"])

    def act(self, vendor: str, action: str, **args: Any) -> dict[str, Any]:
        """Have a person do something at a vendor."""
        with self.simulator.world.lock:
            return dict(self.simulator.vendors[vendor].act(action, args))

    def store(self) -> Store:
        """Open the store as another process would; close it after use."""
        return Store.open(load_config(self.folder / "config.yaml").store.get_secret_value(), clock=real_now)

    def content(self) -> list[str]:
        """Everything that is in the store, as SQL."""
        with sqlite3.connect(self.folder / "closedwon.db") as database:
            return [*database.iterdump()]

    def records(self) -> tuple[int, int, int]:
        """How many issues, sheets and onboarding records there are."""
        issues = len(self.simulator.jira.site.issues.by_id)
        sheets = len(self.simulator.smartsheet.state.sheets)
        onboardings = sum(1 for _ in self.simulator.salesforce.org.rows("Onboarding__c"))
        return issues, sheets, onboardings

    def write_calls(self) -> int:
        """Count the calls so far that could have changed something."""
        calls = self.simulator.world.calls
        return sum(n for (_, e), n in calls.items() if not e.startswith("GET") and not e.endswith(READS))

    def creates(self) -> dict[str, int]:
        """Count the calls that make records, by address."""
        calls = self.simulator.world.calls
        return {e: n for (_, e), n in calls.items() if e.startswith("POST") and not e.endswith(READS)}


def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for what is sure to happen."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.02)
