"""The page of codes and the code agree."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_code_that_is_raised_is_explained_and_no_other() -> None:
    raised = set()
    for path in (ROOT / "connectors" / "smartsheet").glob("*.py"):
        raised |= set(re.findall(r'"(SS-[A-Z]+-\d\d)"', path.read_text(encoding="utf-8")))
    page = (ROOT / "docs" / "errors" / "smartsheet.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| (SS-[A-Z]+-\d\d) \|", page, re.MULTILINE)
    assert sorted(raised) == sorted(explained)
