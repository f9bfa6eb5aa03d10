"""The examples in docs/reports are what `closedwon report examples` writes, to the byte."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from sync.demo.examples import write_examples

ROOT = Path(__file__).parents[2]


def contents(path: Path) -> dict[str, bytes]:
    """A file's bytes; of a workbook those of its members, since machines differ in how they deflate."""
    if path.suffix != ".xlsx":
        return {"": path.read_bytes()}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
def test_the_examples_are_written_anew_to_the_byte(tmp_path: Path) -> None:
    kept = {path.name: path for path in (ROOT / "docs" / "reports").iterdir()}
    made = {path.name: path for path in write_examples(tmp_path)}
    assert sorted(made) == sorted(kept)
    differing = [name for name in sorted(made) if contents(made[name]) != contents(kept[name])]
    assert differing == [], "run `closedwon report examples --out docs/reports` and look at them"
