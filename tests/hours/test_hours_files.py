"""Texts of vendors and customers never become formulas in a file."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hours_world import TODAY

from sync.cli.hours_files import Sheet, harmless, write_xlsx


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_begins_like_a_formula_is_marked_as_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_numbers_and_harmless_texts_stay_as_they_are() -> None:
    assert [harmless(cell) for cell in (-5, -0.5, TODAY, None, "a=b", "")] == [-5, -0.5, TODAY, None, "a=b", ""]


def test_an_office_file_holds_texts_as_texts_and_days_as_days(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(path, [Sheet("One", ("A", "B", "C"), [("=1+1", TODAY, -5), ("http://x", None, 0.5)])], TODAY)
    page = openpyxl.load_workbook(path)["One"]
    assert (page["A2"].value, page["A2"].data_type) == ("=1+1", "s")
    assert page["B2"].value.date() == TODAY
    assert (page["C2"].value, page["B3"].value, page["A3"].hyperlink) == (-5, None, None)
