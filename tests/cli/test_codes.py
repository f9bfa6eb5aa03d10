"""Every code that a user can meet is explained on the page of its family."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {"SF": "salesforce.md", "JIRA": "jira.md", "SS": "smartsheet.md"}
CODE = re.compile(r'"([A-Z]{2,}(?:-[A-Z]+)*-[0-9]{2})"')


def codes() -> list[str]:
    places = [ROOT / "mappings", ROOT / "sync", *(ROOT / "connectors").glob("*.py")]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))]
    return sorted({code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("code", codes())
def test_every_code_of_ours_is_explained(code: str) -> None:
    page = ROOT / "docs" / "errors" / PAGES.get(code.partition("-")[0], "README.md")
    assert code in page.read_text(encoding="utf-8")


def test_the_page_explains_no_code_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "errors" / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\b[A-Z]{2,}(?:-[A-Z]+)*-[0-9]{2}\b", page))
    assert told - set(codes()) == set()
