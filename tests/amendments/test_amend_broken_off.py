"""Law 7 for amendments: whichever call is cut off after its commit, nothing is doubled and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from amend_life import Sold

from mappings.load import DEFAULT_MAPPINGS
from sync.demo.stage import Stage

AT_ONCE = "\namendments: {tasks_added: apply, tasks_dropped: apply, dates: apply}\n"


@pytest.mark.slow
def test_an_amendment_cut_off_at_any_call_is_brought_about_once(template: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(DEFAULT_MAPPINGS.read_text(encoding="utf-8") + AT_ONCE, encoding="utf-8")
    engine = {"settle_seconds": 5, "patience_seconds": 60}
    with Stage(templates=[str(template)], mapping=str(mapping), engine=engine) as stage:
        sold = Sold(stage)
        struck = 0
        while struck < 40:
            sold.add_line(f"Number {struck} link")
            stage.settle()
            fault = stage.simulator.world.faults.add("drop_after", skip=struck)
            stage.sweep()
            stage.simulator.world.faults.clear()
            for _ in range(3):
                stage.settle()
                stage.sweep()
            assert sold.task(f"build.number_{struck}_link")["status"] == "not_started"
            if not fault.hits:
                break
            struck += 1
        assert struck >= 8
        sold.check()
        issues = [issue.summary for issue in stage.simulator.jira.site.issues.by_id.values()]
        assert len(issues) == len(set(issues)) == 4 + struck + 1
