from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"JIRA-[A-Z]+-\d\d")


def test_every_code_is_explained_and_none_is_explained_that_does_not_exist():
    raised = {code for file in (ROOT / "connectors" / "jira").glob("*.py") for code in CODE.findall(file.read_text())}
    explained = set(
        re.findall(r"^\| (JIRA-[A-Z]+-\d\d) \|", (ROOT / "docs" / "errors" / "jira.md").read_text(), re.MULTILINE)
    )
    assert raised == explained
