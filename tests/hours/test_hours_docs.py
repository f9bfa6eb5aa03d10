"""The worked example on the page is what the command prints."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_worked_example_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    monkeypatch.delitem(sys.modules, "hours_example", raising=False)
    from hours_example import show  # noqa: PLC0415 - a script of bench/, which is no package

    show()
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines())
    page = (ROOT / "docs" / "hours.md").read_text(encoding="utf-8")
    assert textwrap.indent(printed, "    ", lambda _line: True) in page
