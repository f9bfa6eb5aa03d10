from __future__ import annotations

from pathlib import Path

import pytest

from mappings.reading import Problems
from sync.config import load_config

ROOT = Path(__file__).parent.parent.parent


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text((ROOT / "config.yaml").read_text(encoding="utf-8") + text, encoding="utf-8")
    return file


def test_without_a_word_the_daemon_sweeps_each_minute_and_listens_on_this_machine_only(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, ""))
    assert (config.schedules.sweep, config.schedules.zone) == ("* * * * *", "UTC")
    assert config.health.host == "127.0.0.1"


def test_schedules_are_taken_as_written(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, '\nschedules: {sweep: "*/5 8-18 * * 1-5", verify: "", zone: Europe/Amsterdam}\n')
    )
    assert (config.schedules.sweep, config.schedules.verify) == ("*/5 8-18 * * 1-5", "")


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ('{sweep: "every minute"}', "as in 30 2"),
        ('{sweep: "61 * * * *"}', "as in 30 2"),
        ('{sweep: "* * * * * *"}', "as in 30 2"),
        ("{zone: Europe/Amsterdm}", "no such time zone"),
        ("{zone: ../../etc/passwd}", "no such time zone"),
    ],
)
def test_a_wrong_schedule_is_refused_at_its_place(tmp_path: Path, section: str, reason: str) -> None:
    file = written(tmp_path, f"\nschedules: {section}\n")
    with pytest.raises(Problems, match=reason) as refused:
        load_config(file)
    assert f"{file}:{len(file.read_text(encoding='utf-8').splitlines())}:" in str(refused.value)
