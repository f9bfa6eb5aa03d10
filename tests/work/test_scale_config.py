"""`engine:` says which runner starts work, in a word or in a section."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mappings.reading import Problems
from sync.config import Config, load_config

ROOT = Path(__file__).parent.parent.parent
POSTGRES = "postgresql://closedwon@localhost/closedwon"


def written(tmp_path: Path, engine: str, store: str = POSTGRES) -> Path:
    """Write the shipped configuration with another store and another engine section."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^engine:.*?(?=^\S|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^store:.*$", "", text, flags=re.MULTILINE)
    file = tmp_path / "config.yaml"
    file.write_text(f"{text}\nstore: {store}\n{engine}\n", encoding="utf-8")
    return file


def loaded(tmp_path: Path, engine: str) -> Config:
    return load_config(written(tmp_path, engine))


def test_without_a_word_work_is_embedded(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").engine.runner == "embedded"


@pytest.mark.parametrize("engine", ["engine: procrastinate", "engine: {runner: procrastinate}"])
def test_a_word_is_as_good_as_a_section(tmp_path: Path, engine: str) -> None:
    config = loaded(tmp_path, engine)
    assert (config.engine.runner, config.engine.batch) == ("procrastinate", 1000)


def test_a_section_may_say_more(tmp_path: Path) -> None:
    config = loaded(tmp_path, "engine: {runner: procrastinate, lease_seconds: 60}")
    assert (config.engine.runner, config.engine.lease_seconds) == ("procrastinate", 60)


@pytest.mark.parametrize("engine", ["engine: celery", "engine: {runner: celery}"])
def test_a_runner_that_does_not_exist_is_refused_at_its_place(tmp_path: Path, engine: str) -> None:
    file = written(tmp_path, engine)
    with pytest.raises(Problems, match="procrastinate") as refused:
        load_config(file)
    [mistake] = refused.value.mistakes
    assert mistake.line == len(file.read_text(encoding="utf-8").splitlines())


def test_work_at_scale_is_refused_on_sqlite_with_the_way_out(tmp_path: Path) -> None:
    file = written(tmp_path, "engine: procrastinate", "sqlite:///closedwon.db")
    with pytest.raises(Problems, match="Let `store` name a PostgreSQL, or write engine: embedded") as refused:
        load_config(file)
    [mistake] = refused.value.mistakes
    assert mistake.line == len(file.read_text(encoding="utf-8").splitlines())


def test_work_at_scale_without_its_extra_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = written(tmp_path, "engine: procrastinate")
    # An import that is barred is what Python makes of a package that is not there.
    script = "import sys; sys.modules['procrastinate'] = None; from sync.config import load_config; from pathlib import Path; load_config(Path(sys.argv[1]))"
    ended = subprocess.run(
        [sys.executable, "-c", script, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "pip install 'closedwon[scale]'" in ended.stderr


def test_embedded_work_needs_no_procrastinate(tmp_path: Path) -> None:
    script = "import sys; sys.modules['procrastinate'] = None; import sync.cli; print('well')"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "well\n"
