"""Prints the worked example of docs/hours.md: ten weeks of one onboarding on the simulator, the same every time.

Run it as `python bench/hours_example.py` from the repository's folder; `tests/hours` holds the page to what it prints.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from mappings.load import DEFAULT_MAPPINGS
from sync.cli.common import out
from sync.cli.hours import show_one
from sync.core.statement import statement
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers

DAY = 86_400.0
TEMPLATE = """
name: retainer
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 60
contracted:
  hours: 10.0
  per: month
  starts: kickoff
  months: 12
  rollover: {hours: 5}
  rates:
    engineer: {price: 150}
    architect: {weight: 1.5, price: 220}
roles: {engineer: ada@example.com, architect: ben@example.com}
phases: [Work]
groups:
  - phase: Work
    tasks:
      - {key: design, name: Design, role: architect, days: 10, hours: 8}
      - {key: build, name: Build, role: engineer, start: after design, days: 30, hours: 24}
      - {key: travel, name: Travel, role: engineer, days: 60, billable: false}
"""
HOURS = "hours: {zone: America/New_York}"
WORK = (
    # week, task, person, hours
    (0, "design", "ben@example.com", 1.5),
    (1, "travel", "ada@example.com", 5.0),
    (3, "build", "ada@example.com", 0.75),
    (5, "build", "ada@example.com", 3.5),
    (6, "build", "ada@example.com", 2.0),
    (7, "build", "ada@example.com", 30.0),
    (8, "build", "ada@example.com", 3.25),
)


def show() -> None:
    """Play the example and print its statement with every entry."""
    with tempfile.TemporaryDirectory() as folder:
        template, mapping = Path(folder, "retainer.yaml"), Path(folder, "mapping.yaml")
        template.write_text(TEMPLATE, encoding="utf-8")
        text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
        mapping.write_text(text.replace("\naudiences:", f"\n{HOURS}\naudiences:", 1), encoding="utf-8")
        with Stage(mapping=str(mapping), templates=[str(template)]) as stage:
            _play(stage)


def _play(stage: Stage) -> None:
    stage.sweep()
    key = stage.win(name="Managed rollout", account="Acme")
    stage.sweep()
    issues = {b.item: b.ref.id for b in stage.plant.store.load([key])[key].bindings if b.connection == "tracker"}
    week = 0
    for at, item, who, hours in WORK:
        stage.sleep((at - week) * 7 * DAY)
        week = at
        args = {"issue": issues[item], "seconds": round(hours * 3600), "who": who, "started": _stamp(stage.clock.now())}
        with stage.simulator.world.lock:
            stage.simulator.jira.act("log_time", args)
    stage.sleep(3 * DAY)
    stage.sweep()
    context = stage.plant.engine.context()
    out.print(f"On {context.today}, after {len(WORK)} entries:")
    (dossier,) = dossiers(stage.plant.store, [key])
    show_one(statement(dossier, context.mappings.hours, context.today), entries=True)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


if __name__ == "__main__":
    show()
