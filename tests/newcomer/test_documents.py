"""The README and the pages that it leads to are true: their commands run, their examples load, their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main
from documents import PAGES, README, ROOT, Block, blocks, commands, links, section
from ruamel.yaml import YAML

from simulator.exports import read_columns
from sync.cli.app import app
from sync.config import load_config

if TYPE_CHECKING:
    from conftest import Checkout

SECRETS = ("CRM_SECRET", "JIRA_TOKEN", "SMARTSHEET_TOKEN", "STORE", "CRM_HOOK_SECRET", "JIRA_HOOK_SECRET")
ENVIRONMENT = {f"CLOSEDWON_{name}": "planted" for name in SECRETS}
ENVIRONMENT |= {f"CLOSEDWON_{name}_HOOK_PATH": "planted" * 4 for name in ("CRM", "JIRA", "SMARTSHEET")}
START = Block("sh", "cp -r docs/examples/deals exports\nclosedwon simulator --load exports\n")


@pytest.mark.slow
def test_the_readme_leads_from_an_export_to_a_plan_of_ones_own_configuration(checkout: Checkout) -> None:
    _, served, first, _, planned, proof, _ = checkout.run(blocks(section(README, "Your own deals"), "sh"))
    assert "Loaded 4 products, 5 opportunities." in served
    assert "Harbour Freight Lines: Platform with single sign-on (0065e00000B1aaaAAB, saas_onboarding)" in first
    assert "Meridian Clinics: Two clinics on the network (carrier order) (0065e00000B1aacAAB, carrier_order)" in first
    assert not re.search(r"^ *(look|mend) ", first, re.MULTILINE)
    assert "welcome_pack" not in first
    assert planned.count("create task welcome_pack at tracker: not there yet") == 2
    assert "Kept in plan.json" in planned
    assert "3 got a new plan" in proof
    assert "0 unequal, 0 duplicates, 0 lacking" in proof
    assert not (checkout.folder / "closedwon.db").exists()


@pytest.mark.slow
def test_the_readme_leads_from_a_small_beginning_to_all_deals_and_operations_go_on_from_there(
    checkout: Checkout,
) -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    small = blocks(section(README, "With your real vendors"), "sh")
    _, ran, daily, braked = checkout.run([START, *small, *blocks(operations, "sh")])
    assert "Looked at 0 onboardings" in ran
    assert "1 got a new plan" in ran
    assert "2 got a new plan" in ran
    assert "of 3 onboardings: 0 unequal, 0 duplicates, 0 lacking" in ran
    assert "Looked at 3 onboardings; 0 got a new plan" in daily
    assert "Nothing to write: all sides agree." in braked
    assert "No brake was engaged." in braked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    known = typer.main.get_command(app).commands
    for name, options in commands(page.read_text(encoding="utf-8")):
        assert name in known, f"closedwon {name}"
        parts = (known[name], *getattr(known[name], "commands", {}).values())
        there = {option for part in parts for parameter in part.params for option in parameter.opts} | {"--help"}
        assert set(options) <= there, f"closedwon {name} {options}"


def test_every_command_stands_in_the_readmes_table() -> None:
    told = {name for name, _ in commands(section(README, "Commands"))}
    assert told == set(typer.main.get_command(app).commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [str(path) for path in links(page) if not path.exists()] == []


def test_make_knows_the_targets_that_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^    make (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert targets == {"demo", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_every_columns_file_in_the_guide_loads(tmp_path: Path) -> None:
    found = blocks((ROOT / "docs" / "your-own-deals.md").read_text(encoding="utf-8"), "yaml")
    assert len(found) == 2
    for block in found:
        path = tmp_path / "columns.yaml"
        path.write_text(block.text, encoding="utf-8")
        read_columns(path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_configuration_that_a_page_shows_loads(page: Path, tmp_path: Path) -> None:
    whole = YAML(typ="safe", pure=True).load(blocks(section(README, "With your real vendors"), "yaml")[0].text)
    for block in blocks(page.read_text(encoding="utf-8"), "yaml"):
        shown = YAML(typ="safe", pure=True).load(block.text)
        if not {"connections", "engine", "store"} & set(shown):
            continue
        merged = {**whole, **shown, "connections": {**whole["connections"], **shown.get("connections", {})}}
        path = tmp_path / "config.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(merged, file)
        load_config(path, ENVIRONMENT)


def test_the_ready_configuration_loads_and_speaks_to_this_machine_only() -> None:
    config = load_config(ROOT / "config.yaml", {})
    assert {name: str(one.settings.url).split("/")[2] for name, one in config.connections.items()} == {
        "crm": "127.0.0.1:8701",
        "tracker": "127.0.0.1:8702",
        "sheets": "127.0.0.1:8703",
    }


def test_the_demos_picture_shows_its_last_scene() -> None:
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert "0 unequal, 0 duplicates, 0 lacking" in picture


def test_every_module_that_the_vendor_facts_name_exists() -> None:
    page = (ROOT / "docs" / "vendor-facts.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    there = {
        path.relative_to(ROOT).as_posix()
        for package in ("connectors", "simulator", "sync")
        for path in (ROOT / package).rglob("*.py")
    }
    assert named
    assert {name for name in named if not any(path.endswith(name) for path in there)} == set()
