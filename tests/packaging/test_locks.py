"""The locks: exact versions with hashes, alike in all of them, and no address of any index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_each_package_by_hash_and_names_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?! )", text) if "==" in entry]
    assert len(entries) == len(pins(lock)) > 0
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert not [line for line in text.splitlines() if line.startswith("-") or "@" in line]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_two_locks_differ_in_a_version(lock: Path) -> None:
    app = pins(ROOT / "requirements" / "app.txt")
    mine = pins(lock)
    assert {name: mine[name] for name in mine.keys() & app.keys()} == {
        name: app[name] for name in mine.keys() & app.keys()
    }


def test_the_lock_for_many_hosts_holds_the_application_and_its_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    names = {re.split(r"[<>=\[]", each)[0] for each in extras}
    scale = pins(ROOT / "requirements" / "scale.txt")
    assert names <= scale.keys()
    assert pins(ROOT / "requirements" / "app.txt").items() <= scale.items()
