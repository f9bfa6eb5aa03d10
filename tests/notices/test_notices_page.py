"""What docs/notices.md shows is so: its addresses, and its section of config.yaml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from sync.config import load_config
from sync.core.notices import NoticeRules
from sync.notices.post import Channel, Post
from sync.notices_config import NoticesDoc, RoutesDoc


def test_the_addresses_that_the_page_shows_are_such_as_apprise_knows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notices.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\|.*\| `(\w+://[^`]+)` \|$", page, flags=re.MULTILINE)
    assert len(shown) == 5
    Post([Channel(f"n{number}", SecretStr(address)) for number, address in enumerate(shown)], {})


def test_the_section_that_the_page_shows_loads_and_says_what_holds_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TEAM", "CHAT"):
        monkeypatch.setenv(f"CLOSEDWON_NOTICES_{name}", "json://127.0.0.1/")
    root = Path(__file__).parents[2]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "notices-mail").write_text("json://127.0.0.1/{to}", encoding="utf-8")
    section = re.findall(r"```yaml\n(notices:.*?)```", (root / "docs" / "notices.md").read_text("utf-8"), re.DOTALL)[0]
    file = tmp_path / "config.yaml"
    file.write_text((root / "config.yaml").read_text(encoding="utf-8") + "\n" + section, encoding="utf-8")
    shown = load_config(file).notices
    assert shown is not None
    default = NoticesDoc(channels={}, routes=RoutesDoc())
    given = {"channels", "routes", "handles", "people", "zone", "zones"}
    assert shown.model_dump(exclude=given) == default.model_dump(exclude=given)
    assert default.rules(frozenset()) == NoticeRules()
