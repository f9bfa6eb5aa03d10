"""Mappings that say by what existing plans are known, and people who plan by hand: for adoption and shadow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from office import Office
from ruamel.yaml import YAML

from mappings.load import DEFAULT_MAPPINGS

PLAN_MATCH = {
    "tracker": {"field": "summary", "equals": "plan.title"},
    "sheets": {"field": "name", "equals": "plan.title"},
}
TASK_MATCH = {
    "tracker": {"field": "summary", "equals": "task.name"},
    "sheets": {"field": "Task", "equals": "task.name"},
}


def mapping(folder: Path, plan: dict[str, Any], task: dict[str, Any]) -> str:
    yaml = YAML()
    data = yaml.load(DEFAULT_MAPPINGS.read_text(encoding="utf-8"))
    data["objects"]["plan"]["match"] = plan
    data["objects"]["task"]["match"] = task
    with (folder / "mapping.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(data, file)
    return "mapping.yaml"


def issue(office: Office, kind: str, summary: str, **fields: Any) -> str:
    """Have a person make an issue by hand; returns its id."""
    given = {"project": {"key": "ONB"}, "issuetype": {"name": kind}, "summary": summary, **fields}
    return str(office.act("jira", "create_issue", fields=given, who="ada@example.com")["id"])


def epic(office: Office, title: str, *tasks: str, **fields: Any) -> str:
    """Have a person plan by hand in Jira; returns the epic's id."""
    made = issue(office, "Epic", title)
    for task in tasks:
        issue(office, "Task", task, parent={"id": made}, **fields)
    return made
