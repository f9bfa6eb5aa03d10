"""What `doctor` says of a Jira connection: each thing that we need, how it stands, and the exact repair.

Called by `connector.check`. It changes nothing, and a failure of Jira's becomes a finding. Codes are explained in
docs/errors/jira.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.base import Finding, Kind, Level
from connectors.errors import ConnectorError
from connectors.jira.client import JiraClient
from connectors.jira.fields import CATEGORY, STATUS, IssueFields
from connectors.jira.project import ESTIMATE, TRACKING, IssueType, Project, is_required
from connectors.jira.settings import JiraSettings
from connectors.jira.walking import Walker
from connectors.jira.workflow import Standing, Status, Workflows

_NEEDED = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "TRANSITION_ISSUES": "Transition Issues",
}
_BY_FIELD = {"assignee": ("ASSIGN_ISSUES", "Assign Issues"), "duedate": ("SCHEDULE_ISSUES", "Schedule Issues")}
"""Permissions that only some fields need."""

_READ_ONLY = frozenset({STATUS, CATEGORY, "created", "updated", "resolutiondate", "resolution", "timespent"})
_GIVEN = frozenset({"parent", "labels", "summary"})
"""Fields that every create of ours fills beside the mapping's."""


class Doctor:
    """Checks one connection."""

    def __init__(
        self,
        settings: JiraSettings,
        *,
        client: JiraClient,
        fields: IssueFields,
        project: Project,
        walker: Walker,
        workflows: Workflows,
    ) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._project = project
        self._walker = walker
        self._workflows = workflows

    def check(self) -> Iterator[Finding]:
        """Yield findings in the order in which they are best repaired; without a sign-in there is but one."""
        signed_in = list(self._guarded(self._sign_in))
        yield from signed_in
        if any(finding.level is Level.ERROR for finding in signed_in):
            return
        for part in (self._permissions, self._types, self._workflow):
            yield from self._guarded(part)

    def _guarded(self, part: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        try:
            yield from part()
        except ConnectorError as error:
            yield Finding(Level.ERROR, error.code, error.message, "Put this right, then run `closedwon doctor` again.")

    def _sign_in(self) -> Iterator[Finding]:
        me = self._client.get("myself").payload
        yield _ok("JIRA-DOCTOR-01", f"Signed in to {self._settings.url} as {me.get('displayName', me['accountId'])}.")
        zone = me.get("timeZone", "an unknown zone")
        yield _ok("JIRA-DOCTOR-07", f"The account's time zone is {zone}; no question of ours depends on it.")

    def _permissions(self) -> Iterator[Finding]:
        mapped = {name for kind in Kind for name in self._fields.names(kind)}
        needed = _NEEDED | dict(permission for name, permission in _BY_FIELD.items() if name in mapped)
        params = {"projectKey": self._settings.project, "permissions": ",".join(needed)}
        held = self._client.get("mypermissions", params).need("permissions")
        missing = [key for key in needed if not held.get(key, {}).get("havePermission")]
        for key in missing:
            yield Finding(
                Level.ERROR,
                "JIRA-DOCTOR-02",
                f"The account may not {needed[key]} in project {self._settings.project}.",
                f"In Jira: Project settings > Permissions, grant {needed[key]} ({key}) to {self._settings.email}.",
            )
        if not missing:
            yield _ok("JIRA-DOCTOR-02", f"All permissions in project {self._settings.project} are there.")

    def _types(self) -> Iterator[Finding]:
        types, listed = self._project.types(), self._project.listed()
        ours = {kind: types.get(name) for kind, name in self._project.type_names().items()}
        for kind, known in ours.items():
            name = self._project.type_names()[kind]
            if known is None:
                yield Finding(
                    Level.ERROR,
                    "JIRA-DOCTOR-03",
                    f"Project {self._settings.project} has no issue type {name} that the account may create.",
                    f"Add it to the project's issue type scheme, or set `{kind}_type` to one of: {', '.join(types)}.",
                )
            else:
                yield _ok("JIRA-DOCTOR-03", f"Issue type {name} is there.")
                yield from self._screen(kind, known, listed)
        plan, task = ours[Kind.PLAN], ours[Kind.TASK]
        if plan and task and plan.level != task.level + 1:
            yield Finding(
                Level.ERROR,
                "JIRA-DOCTOR-03",
                f"{task.name} cannot be a child of {plan.name}: it is not one level below.",
                "Set `plan_type` to an epic-like type and `task_type` to a standard one.",
            )

    def _screen(self, kind: Kind, known: IssueType, listed: Mapping[str, str]) -> Iterator[Finding]:
        screen = self._project.screen(known)
        mapped = self._fields.names(kind)
        wanted = [*(name for name in mapped if name not in _READ_ONLY), "labels"]
        lacking = [name for name in wanted if (TRACKING if name == ESTIMATE else name) not in screen]
        for name in lacking:
            yield _lacking(name, known, listed)
        if ESTIMATE in mapped and ESTIMATE not in lacking:
            yield _ok("JIRA-DOCTOR-06", f"Time tracking is on for {known.name}.")
        unfilled = [raw for name, raw in screen.items() if is_required(raw) and name not in {*mapped, *_GIVEN}]
        for raw in unfilled:
            yield Finding(
                Level.ERROR,
                "JIRA-DOCTOR-08",
                f"Jira demands {raw.get('name')} ({raw['fieldId']}) for each new {known.name}, and no rule gives it.",
                "Map the field, give it a default, or make it optional in the project's field configuration.",
            )
        if not lacking and not unfilled:
            yield _ok("JIRA-DOCTOR-04", f"Every mapped field and the labels are on the create screen of {known.name}.")

    def _workflow(self) -> Iterator[Finding]:
        for name in dict.fromkeys(self._project.type_names().values()):
            statuses = self._walker.statuses(name)
            if statuses:
                self._walker.survey(name, statuses.values())
                yield from self._ways(name, statuses)

    def _ways(self, kind: str, statuses: Mapping[str, Status]) -> Iterator[Finding]:
        places = {status.id: Standing("", kind, status) for status in statuses.values()}
        unknown = [place.status.name for place in places.values() if not self._workflows.knows(place)]
        if unknown:
            yield _ok(
                "JIRA-DOCTOR-05",
                f"The workflow of {kind} is learned from its issues; none was yet met in {', '.join(unknown)}.",
            )
            return
        closed = False
        for place in places.values():
            near = {*self._workflows.reachable(place), place.status.id}
            away = [status.name for status in statuses.values() if status.id not in near]
            if away:
                closed = True
                yield Finding(
                    Level.WARNING,
                    "JIRA-DOCTOR-05",
                    f"A {kind} in {place.status.name} cannot be brought to {', '.join(away)}.",
                    "Add transitions without required screen fields, or do not map a status to these.",
                )
        if not closed:
            yield _ok("JIRA-DOCTOR-05", f"Every status of {kind} can be reached from every other.")


def _ok(code: str, message: str) -> Finding:
    return Finding(Level.OK, code, message)


def _lacking(name: str, known: IssueType, listed: Mapping[str, Any]) -> Finding:
    if name == ESTIMATE:
        return Finding(
            Level.ERROR,
            "JIRA-DOCTOR-06",
            f"Estimates cannot be set on a new {known.name}: time tracking is off, or not on its create screen.",
            "Turn time tracking on (Jira settings > Issues > Time tracking) and put it on the create screen.",
        )
    if name not in listed:
        return Finding(
            Level.ERROR,
            "JIRA-FIELD-02",
            f"Jira has no field {name}, or hides it from the account.",
            "Correct the field's id in the mapping, or let the account see the field.",
        )
    return Finding(
        Level.ERROR,
        "JIRA-DOCTOR-04",
        f"{listed[name]} ({name}) is not on the create screen of {known.name}.",
        f"In Jira: Project settings > Screens, put {listed[name]} on the create and edit screens of {known.name}.",
    )
