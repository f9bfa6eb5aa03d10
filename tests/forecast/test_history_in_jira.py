"""A firm's record of work becomes issues and worklogs of the simulated Jira, and comes back to the second."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from forecast_desk import lines

from simulator.app import Simulator
from simulator.effort import load_history
from simulator.exports import Unloadable

ROOT = Path(__file__).parents[2]
TITLES = "task,summary,project,hours_estimated,hours_actual_task,developer,hours_actual_developer,estimated_on,started_on,completed_on"


def test_projects_are_epics_tasks_issues_and_rows_worklogs_within_their_dates(tmp_path: Path) -> None:
    path = tmp_path / "work.csv"
    rows = [
        "1,Convert \x92,P1,8,3.5,Ann,1.25,03-Aug-05,04-Aug-05,09-Aug-05",
        "1,Convert \x92,P1,8,3.5,Bob,2.25,03-Aug-05,04-Aug-05,09-Aug-05",
        "2,Look,P1,1,0.1,Ann,0.1,03-Aug-05,04-Aug-05,",
        "1,Other,P2,1,0,Bob,0,,,",
        "3,Third,P2,1,0.00001,Bob,0.0333,,,05-Aug-05",
    ]
    path.write_bytes("\n".join([TITLES, *rows]).encode("latin-1"))
    jira = Simulator().jira
    worked = load_history(jira, path)
    assert worked.counts == Counter(rows=5, people=2, epics=2, issues=4, worklogs=4, without_hours=1, rounded=1)
    assert worked.seconds == 4500 + 8100 + 360 + 120
    issues = jira.site.issues.by_id
    first = issues[int(worked.issues["P1", "1"])]
    assert first.status.name == "Done"
    assert first.original_estimate == 8 * 3600
    assert issues[int(worked.issues["P1", "2"])].status.name == "To Do"
    assert sorted(log.seconds for log in first.worklogs.values()) == [4500, 8100]
    names = {account: user.name for account, user in jira.site.schema.users.items()}
    assert sorted(names[log.author] for log in first.worklogs.values()) == ["Ann", "Bob"]
    for log in first.worklogs.values():
        assert date(2005, 8, 4) <= date.fromisoformat(log.started[:10]) <= date(2005, 8, 9)


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(Unloadable, match="no column for task, person, hours"):
        load_history(Simulator().jira, path)
    with pytest.raises(Unloadable, match="Check the path"):
        load_history(Simulator().jira, tmp_path / "nowhere.csv")


def test_read_back_by_the_real_connector_every_second_is_in_one_bucket(tmp_path: Path) -> None:
    path = tmp_path / "work.csv"
    path.write_text("\n".join(lines(150)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "effort_ledger.py", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["tasks"], found["worklogs"], found["ledger_seconds_off"]) == (150, 150, 0)
    assert found["off_by"] == {"all": 0, "project": 0, "task": 0, "person": 0}
    assert sum(found["buckets"].values()) == found["file_seconds"] > 0
    assert found["buckets"]["counted"] > 0
    assert found["buckets"]["unattributed"] > 0
