"""What an administrator set the project up to be: issue types, create screens, fields, statuses.

Used by `connector.describe` and `check`. Reads only, and reads anew each time: these are asked for seldom, and right
then because somebody may have changed them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import FieldSchema, Kind, Schema
from connectors.jira.client import JiraClient
from connectors.jira.fields import CATEGORY, STATUS, IssueFields, length_of, type_name
from connectors.jira.settings import JiraSettings

_PAGE = 200
_OURS = frozenset({"project", "issuetype"})
"""Fields of every create screen that we always fill."""

ESTIMATE = "timeoriginalestimate"
TRACKING = "timetracking"
"""An estimate is read under the first name and set through the second, which is what a screen holds."""


@dataclass(frozen=True, slots=True)
class IssueType:
    """An issue type of the project; `level` is 1 for epics, 0 for work, -1 for sub-tasks."""

    id: str
    name: str
    level: int


class Project:
    """Reads one project's configuration."""

    def __init__(self, settings: JiraSettings, *, client: JiraClient, fields: IssueFields) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields

    def type_names(self) -> dict[Kind, str]:
        """Return the issue type of each kind that we make."""
        return {Kind.PLAN: self._settings.plan_type, Kind.TASK: self._settings.task_type}

    def types(self) -> dict[str, IssueType]:
        """Return the issue types which our account may create here, by name."""
        path = f"issue/createmeta/{self._settings.project}/issuetypes"
        found = (
            IssueType(str(raw["id"]), str(raw["name"]), int(raw.get("hierarchyLevel", 0)))
            for raw in self._pages(path, "issueTypes")
        )
        return {known.name: known for known in found}

    def screen(self, of: IssueType) -> dict[str, Mapping[str, Any]]:
        """Return the fields on the create screen of an issue type, by id, as Jira describes them."""
        path = f"issue/createmeta/{self._settings.project}/issuetypes/{of.id}"
        return {str(raw["fieldId"]): raw for raw in self._pages(path, "fields")}

    def listed(self) -> dict[str, str]:
        """Return the name of every field that our account may see, by id."""
        return {str(raw["id"]): str(raw["name"]) for raw in self._client.get("field").items()}

    def statuses(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the statuses of each issue type's workflow."""
        raw = self._client.get(f"project/{self._settings.project}/statuses").items()
        return {str(kind["name"]): tuple(str(status["name"]) for status in kind["statuses"]) for kind in raw}

    def schema(self) -> Schema:
        """Describe plans and tasks; a mapped field that is visible but on no create screen is not writable."""
        types, statuses, listed = self.types(), self.statuses(), self.listed()
        objects = {}
        for kind, name in self.type_names().items():
            if name in types:
                screen = tuple(_field(raw) for raw in self.screen(types[name]).values())
                there = {known.name for known in screen} | {STATUS, CATEGORY}
                others = (
                    FieldSchema(field, listed[field], "", writable=False)
                    for field in self._fields.names(kind)
                    if field in listed and field not in there
                )
                objects[kind] = (*screen, *_status(statuses.get(name, ())), *others)
        return Schema(objects)

    def _pages(self, path: str, name: str) -> Iterator[Mapping[str, Any]]:
        start = 0
        while True:
            answer = self._client.get(path, {"startAt": start, "maxResults": _PAGE})
            page = answer.need(name)
            yield from page
            start += len(page)
            if not page or start >= int(answer.payload.get("total", 0)):
                return


def is_required(raw: Mapping[str, Any]) -> bool:
    """Tell whether a create must give this field of a screen a value that we do not always give."""
    return bool(raw.get("required")) and not raw.get("hasDefaultValue") and raw["fieldId"] not in _OURS


def _field(raw: Mapping[str, Any]) -> FieldSchema:
    name = str(raw["fieldId"])
    kind = type_name(raw.get("schema") or {})
    if name == TRACKING:
        return FieldSchema(ESTIMATE, "Original estimate", "seconds", writable=True, required=is_required(raw))
    options = (value.get("value") or value.get("name") for value in raw.get("allowedValues") or ())
    return FieldSchema(
        name=name,
        label=str(raw.get("name", name)),
        type=kind,
        writable="set" in raw.get("operations", ()),
        required=is_required(raw),
        max_length=length_of(name, kind),
        options=tuple(str(option) for option in options if option),
    )


def _status(names: tuple[str, ...]) -> tuple[FieldSchema, FieldSchema]:
    return (
        FieldSchema(STATUS, "Status", "status", writable=True, options=names),
        FieldSchema(CATEGORY, "Status Category", "string", writable=False, options=("new", "indeterminate", "done")),
    )
