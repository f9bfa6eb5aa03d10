"""What a site is configured to be: its project, issue types, statuses, workflows, fields, people.

Built once per `Site` by `default_schema`, changed by `people` (an admin renames a status, removes a transition), read
by everything else. It holds no issues and knows no HTTP. Whoever changes it calls `touch`, so that rendered parts are
made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEW, INDETERMINATE, DONE = "new", "indeterminate", "done"


@dataclass(slots=True)
class Category:
    """A status category; the only thing about a status that no admin can rename."""

    id: int
    key: str
    name: str
    colour: str


CATEGORIES = {
    "undefined": Category(1, "undefined", "No Category", "medium-gray"),
    NEW: Category(2, NEW, "To Do", "blue-gray"),
    DONE: Category(3, DONE, "Done", "green"),
    INDETERMINATE: Category(4, INDETERMINATE, "In Progress", "yellow"),
}


@dataclass(slots=True)
class Status:
    """A status; `id` is stable, `name` is an admin's to change."""

    id: str
    name: str
    category: Category


@dataclass(slots=True)
class Transition:
    """One arrow of a workflow, from one status to another (ids)."""

    id: str
    name: str
    source: str
    target: str


@dataclass(slots=True)
class Workflow:
    """Which status an issue starts in and where it may go."""

    name: str
    initial: str
    transitions: list[Transition]


@dataclass(slots=True)
class IssueType:
    """An issue type; `level` is 1 for epics, 0 for work, -1 for sub-tasks."""

    id: str
    name: str
    level: int
    workflow: Workflow


@dataclass(slots=True)
class Option:
    """One value of a select list, a priority or a resolution."""

    id: str
    name: str


@dataclass(slots=True)
class Field:
    """A field; `kind` says how its value is read, stored, shown and searched (see `values` and `render`)."""

    id: str
    name: str
    kind: str
    settable: bool = True
    navigable: bool = True
    clauses: tuple[str, ...] = ()
    options: list[Option] = field(default_factory=list)

    @property
    def custom(self) -> bool:
        """Whether an admin made it."""
        return self.id.startswith("customfield_")

    @property
    def clause_names(self) -> list[str]:
        """The names by which JQL knows it."""
        if self.custom:
            return [f"cf[{self.id.removeprefix('customfield_')}]", self.name]
        return list(self.clauses)


@dataclass(slots=True)
class User:
    """A person or service account."""

    account_id: str
    email: str
    name: str
    timezone: str = "Europe/Amsterdam"
    active: bool = True


@dataclass(slots=True)
class Project:
    """A project; numbers of issues only ever go up."""

    id: str
    key: str
    name: str
    last_number: int = 0


@dataclass(slots=True)
class Schema:
    """All of it, with the lookups that requests need."""

    projects: dict[str, Project]
    types: dict[str, IssueType]
    statuses: dict[str, Status]
    fields: dict[str, Field]
    users: dict[str, User]
    priorities: list[Option]
    resolutions: list[Option]
    revision: int = 0

    def touch(self) -> None:
        """Note that something was changed."""
        self.revision += 1

    def project(self, ref: str) -> Project | None:
        """Find a project by id or key."""
        return next((p for p in self.projects.values() if ref in {p.id, p.key}), None)

    def type(self, ref: str) -> IssueType | None:
        """Find an issue type by id or, without regard to case, by name."""
        return self.types.get(ref) or next((t for t in self.types.values() if t.name.lower() == ref.lower()), None)

    def status_named(self, name: str) -> Status | None:
        """Find a status by its present name, without regard to case."""
        return next((s for s in self.statuses.values() if s.name.lower() == name.lower()), None)

    def field_named(self, name: str) -> Field | None:
        """Find a field by id, JQL clause or name, without regard to case."""
        wanted = name.lower()
        found = self.fields.get(name)
        if found is not None:
            return found
        for candidate in self.fields.values():
            if wanted in {candidate.id.lower(), candidate.name.lower()}:
                return candidate
            if any(wanted == clause.lower() for clause in candidate.clause_names):
                return candidate
        return None

    def user_by_email(self, email: str) -> User | None:
        """Find a person by address."""
        return next((u for u in self.users.values() if u.email.lower() == email.lower()), None)


def default_schema() -> Schema:
    """Build the site that examples, demo and tests share."""
    statuses = {
        status.id: status
        for status in (
            Status("10000", "To Do", CATEGORIES[NEW]),
            Status("10001", "In Progress", CATEGORIES[INDETERMINATE]),
            Status("10002", "Blocked", CATEGORIES[INDETERMINATE]),
            Status("10003", "In Review", CATEGORIES[INDETERMINATE]),
            Status("10004", "Done", CATEGORIES[DONE]),
            Status("10005", "Cancelled", CATEGORIES[DONE]),
        )
    }
    work, epic = _work_workflow(), _epic_workflow()
    types = {
        kind.id: kind
        for kind in (
            IssueType("10000", "Epic", 1, epic),
            IssueType("10001", "Task", 0, work),
            IssueType("10002", "Milestone", 0, work),
            IssueType("10003", "Sub-task", -1, work),
        )
    }
    return Schema(
        projects={"10000": Project("10000", "ONB", "Onboarding")},
        types=types,
        statuses=statuses,
        fields={f.id: f for f in _fields()},
        users={u.account_id: u for u in _people()},
        priorities=[Option(str(n), name) for n, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)],
        resolutions=[Option("10000", "Done"), Option("10001", "Won't Do"), Option("10002", "Duplicate")],
    )


_OPEN = ("10000", "10001", "10002", "10003", "10004")
"""Statuses from which a task can be cancelled."""


def _work_workflow() -> Workflow:
    """No shortcut from To Do to Done: getting there takes three hops. Cancelling takes one, from anywhere."""
    arrows = (
        Transition("11", "Start", "10000", "10001"),
        Transition("21", "Stop", "10001", "10000"),
        Transition("31", "Block", "10001", "10002"),
        Transition("41", "Submit", "10001", "10003"),
        Transition("51", "Unblock", "10002", "10001"),
        Transition("61", "Send back", "10003", "10001"),
        Transition("71", "Approve", "10003", "10004"),
        Transition("81", "Reopen", "10004", "10001"),
        *(Transition(str(91 + n), "Cancel", status, "10005") for n, status in enumerate(_OPEN)),
        Transition("99", "Take up again", "10005", "10001"),
    )
    return Workflow("Onboarding work", "10000", list(arrows))


def _epic_workflow() -> Workflow:
    arrows = (
        Transition("111", "Start", "10000", "10001"),
        Transition("121", "Finish", "10001", "10004"),
        Transition("131", "Reopen", "10004", "10001"),
        Transition("141", "Stop", "10001", "10000"),
    )
    return Workflow("Onboarding epic", "10000", list(arrows))


def _fields() -> list[Field]:
    audience = [Option("10100", "Internal"), Option("10101", "Customer"), Option("10102", "Both")]
    return [
        Field("summary", "Summary", "summary", clauses=("summary",)),
        Field("issuetype", "Issue Type", "issuetype", clauses=("issuetype", "type")),
        Field("project", "Project", "project", settable=False, clauses=("project",)),
        Field("parent", "Parent", "parent", clauses=("parent",)),
        Field("status", "Status", "status", settable=False, clauses=("status",)),
        Field("statusCategory", "Status Category", "statuscategory", settable=False, clauses=("statusCategory",)),
        Field("statuscategorychangedate", "Status Category Changed", "moment", settable=False),
        Field("resolution", "Resolution", "resolution", settable=False, clauses=("resolution",)),
        Field("resolutiondate", "Resolved", "moment", settable=False, clauses=("resolutiondate", "resolved")),
        Field("description", "Description", "richtext", clauses=("description",)),
        Field("assignee", "Assignee", "user", clauses=("assignee",)),
        Field("reporter", "Reporter", "user", clauses=("reporter",)),
        Field("creator", "Creator", "user", settable=False, clauses=("creator",)),
        Field("labels", "Labels", "labels", clauses=("labels",)),
        Field("priority", "Priority", "priority", clauses=("priority",)),
        Field("duedate", "Due date", "date", clauses=("due", "duedate")),
        Field("created", "Created", "moment", settable=False, clauses=("created", "createdDate")),
        Field("updated", "Updated", "moment", settable=False, clauses=("updated", "updatedDate")),
        Field("timetracking", "Time tracking", "timetracking", navigable=False),
        Field("timeoriginalestimate", "Original estimate", "seconds", settable=False, clauses=("originalEstimate",)),
        Field("timeestimate", "Remaining Estimate", "seconds", settable=False, clauses=("remainingEstimate",)),
        Field("timespent", "Time Spent", "seconds", settable=False, clauses=("timeSpent",)),
        Field("aggregatetimeoriginalestimate", "Σ Original Estimate", "seconds", settable=False),
        Field("aggregatetimeestimate", "Σ Remaining Estimate", "seconds", settable=False),
        Field("aggregatetimespent", "Σ Time Spent", "seconds", settable=False),
        Field("subtasks", "Sub-tasks", "subtasks", settable=False),
        Field("comment", "Comment", "comment", settable=False, navigable=False, clauses=("comment",)),
        Field("worklog", "Log Work", "worklog", settable=False, navigable=False),
        Field("issuekey", "Key", "key", settable=False, clauses=("id", "issue", "issuekey", "key")),
        Field("customfield_10015", "Start date", "date"),
        Field("customfield_10050", "Phase", "text"),
        Field("customfield_10051", "Audience", "option", options=audience),
    ]


def _people() -> list[User]:
    return [
        User("5b10ac8d82e05b22cc7d4ef5", "closedwon@example.com", "Closedwon"),
        User("5b10a2844c20165700ede21g", "ada@example.com", "Ada Lindqvist"),
        User("5b10a2844c20165700ede22h", "ben@example.com", "Ben Okafor"),
        User("5b10a2844c20165700ede23i", "cleo@example.com", "Cleo Marchetti"),
        User("5b10a2844c20165700ede24j", "dan@example.com", "Dan Novak"),
    ]
