"""Turns the `fields` and `update` of a request into checked, stored values, or into Jira's message for each bad field.

Called by the handlers that create, edit and move issues along. It reads the site and changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.jira import adf
from simulator.jira.calls import PAYLOAD, Problem
from simulator.jira.durations import parse_duration
from simulator.jira.issues import Issue
from simulator.jira.schema import Field, IssueType, Option, Project

if TYPE_CHECKING:
    from simulator.jira.site import Site

NOT_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONG = 32_767


class Bad(Exception):
    """One field's refusal; its only argument is Jira's message."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """Original and remaining estimate in seconds."""

    original: int | None
    remaining: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed to read one field's value: the site, the version of the API, the issue as it is (None = new)."""

    site: Site
    version: str
    issue: Issue | None
    kind: IssueType
    project: Project


def read_new(site: Site, version: str, fields: Any, update: Any) -> tuple[Project, IssueType, dict[str, Any]]:
    """Check a create; raises Problem 400 with one message per bad field."""
    if not isinstance(fields, dict):
        raise Problem(400, PAYLOAD)
    project = _found_project(site, fields.get("project"))
    kind = _found_type(site, fields.get("issuetype"))
    errors: dict[str, str] = {}
    if project is None:
        errors["project"] = "Specify a valid project ID or key"
    if kind is None:
        errors["issuetype"] = "Specify a valid issue type"
    if project is None or kind is None:
        raise Problem(400, errors=errors)
    rest = {name: value for name, value in fields.items() if name not in {"project", "issuetype"}}
    values = read_values(Reading(site, version, None, kind, project), rest, update, errors)
    if not values.get("summary") and "summary" not in errors:
        errors["summary"] = "You must specify a summary of the issue."
    if kind.level < 0 and values.get("parent") is None and "parent" not in errors:
        errors["parent"] = "Issue type is a sub-task but parent issue key or id not specified."
    if errors:
        raise Problem(400, errors=errors)
    return project, kind, values


def read_edit(site: Site, version: str, issue: Issue, fields: Any, update: Any) -> dict[str, Any]:
    """Check an edit; raises Problem 400. A field both in `fields` and in `update` is refused as Jira refuses it."""
    errors: dict[str, str] = {}
    values = read_values(Reading(site, version, issue, issue.type, issue.project), fields or {}, update, errors)
    if errors:
        raise Problem(400, errors=errors)
    return values


def read_values(reading: Reading, fields: Any, update: Any, errors: dict[str, str]) -> dict[str, Any]:
    """Read both parts, filling `errors`; names are field ids, as Jira takes no others here."""
    if not isinstance(fields, dict) or not isinstance(update or {}, dict):
        raise Problem(400, PAYLOAD)
    for name in fields.keys() & (update or {}).keys():
        errors[name] = f"Field '{name}' cannot appear in both 'fields' and 'update'"
    values: dict[str, Any] = {}
    for name, raw in fields.items():
        _read_into(values, errors, reading, name, partial(_read, reading, raw))
    for name, verbs in (update or {}).items():
        if name not in errors:
            _read_into(values, errors, reading, name, partial(_apply, reading, verbs))
    return values


def _read_into(
    values: dict[str, Any], errors: dict[str, str], reading: Reading, name: str, read: Callable[[Field], Any]
) -> None:
    known = reading.site.schema.fields.get(name)
    if known is None or not known.settable:
        errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        return
    try:
        values[name] = read(known)
    except Bad as problem:
        errors[name] = str(problem.args[0])


def _read(reading: Reading, raw: Any, known: Field) -> Any:
    return _READERS[known.kind](reading, known, raw)


def _apply(reading: Reading, verbs: Any, known: Field) -> Any:
    """Apply `update` verbs: set for all, add and remove for labels, and `set: {none: true}` for the parent."""
    if not isinstance(verbs, list) or not all(isinstance(verb, dict) and len(verb) == 1 for verb in verbs):
        raise Bad("data was not an array of operations")
    current = reading.issue.values.get(known.id, ()) if reading.issue else ()
    for verb in verbs:
        ((name, raw),) = verb.items()
        if name == "set":
            current = _READERS[known.kind](reading, known, raw)
        elif known.kind == "labels" and name in {"add", "remove"}:
            (label,) = _labels(reading, known, [raw])
            kept = tuple(old for old in current if old != label)
            current = (*kept, label) if name == "add" else kept
        elif known.kind == "timetracking" and name == "edit":
            current = _timetracking(reading, known, raw)
        else:
            raise Bad(f"Field with id '{known.id}' and name '{known.name}' does not support operation '{name}'")
    return tuple(sorted(current)) if known.kind == "labels" else current


def _summary(_: Reading, __: Field, raw: Any) -> str:
    if not isinstance(raw, str):
        raise Bad("Operation value must be a string")
    if not raw.strip():
        raise Bad("You must specify a summary of the issue.")
    if "\n" in raw or "\r" in raw:
        raise Bad("The summary is invalid because it contains newline characters.")
    if len(raw) > 255:
        raise Bad("Summary must be less than 255 characters.")
    return raw.strip()


def _text(_: Reading, __: Field, raw: Any) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise Bad("Operation value must be a string")
    if len(raw) > 255:
        raise Bad("The entered text is too long. It exceeds the allowed limit of 255 characters.")
    return raw or None


def _richtext(reading: Reading, _: Field, raw: Any) -> adf.Document | None:
    document = read_document(raw, reading.version, NOT_ADF)
    if document is not None and len(adf.to_text(document)) > _LONG:
        raise Bad("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
    return document


def read_document(raw: Any, version: str, message: str) -> adf.Document | None:
    """Read rich text as the API's version wants it: a document in v3, a string in v2; raises Bad(message)."""
    if raw is None:
        return None
    if version == "2":
        if not isinstance(raw, str):
            raise Bad("Operation value must be a string")
        return adf.from_text(raw) if raw.strip() else None
    if not adf.is_document(raw):
        raise Bad(message)
    return raw if raw["content"] else None


def _date(_: Reading, known: Field, raw: Any) -> str | None:
    if raw is None or raw == "":
        return None
    try:
        # Python reads more forms than Jira does; those are passed on as what is no date.
        return date.fromisoformat(raw if isinstance(raw, str) and _DATE.fullmatch(raw) else "").isoformat()
    except ValueError:
        hint = "" if known.custom else ". Expected format is 'yyyy-MM-dd'"
        raise Bad(f"Error parsing date string: {raw}{hint}") from None


def _number(_: Reading, __: Field, raw: Any) -> float | None:
    if raw is not None and (isinstance(raw, bool) or not isinstance(raw, int | float)):
        raise Bad("Operation value must be a number")
    return None if raw is None else float(raw)


def _user(reading: Reading, _: Field, raw: Any) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise Bad("data was not an object")
    account = raw.get("accountId", raw.get("id"))
    if account is None:
        return None
    found = reading.site.schema.users.get(str(account))
    if found is None:
        raise Bad("Specify a valid value for assignee" if not account else f"User '{account}' does not exist.")
    if not found.active:
        raise Bad(f"User '{account}' cannot be assigned issues.")
    return found.account_id


def _labels(_: Reading, __: Field, raw: Any) -> tuple[str, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(label, str) for label in raw):
        raise Bad("data was not an array")
    for label in raw:
        if " " in label:
            raise Bad(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise Bad(f"The label '{label}' exceeds the maximum length for a single label of 255 characters.")
    return tuple(sorted({label for label in raw if label}))


def _choice(options: list[Option], raw: Any, message: str, *names: str) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise Bad("Could not find valid 'id' or 'value' in the Parent Option object.")
    for option in options:
        if ("id" in raw and str(raw["id"]) == option.id) or any(raw.get(name) == option.name for name in names):
            return option.id
    raise Bad(message.format(next((raw[name] for name in ("id", *names) if name in raw), "")))


def _option(_: Reading, known: Field, raw: Any) -> str | None:
    return _choice(known.options, raw, "Option value '{}' is not valid", "value")


def _priority(reading: Reading, _: Field, raw: Any) -> str | None:
    return _choice(reading.site.schema.priorities, raw, "The priority selected is invalid.", "name")


def choose_resolution(site: Site, raw: Any) -> str | None:
    """Return the resolution a transition's screen was given; raises Bad."""
    return _choice(site.schema.resolutions, raw, "Resolution '{}' is not valid.", "name")


def _parent(reading: Reading, _: Field, raw: Any) -> int | None:
    if raw is None or (isinstance(raw, dict) and raw.get("none") is True):
        if reading.kind.level < 0:
            raise Bad("Issue type is a sub-task but parent issue key or id not specified.")
        return None
    if not isinstance(raw, dict) or not ("key" in raw or "id" in raw):
        raise Bad("Could not find issue by id or key.")
    parent = reading.site.issues.get(str(raw.get("id", raw.get("key"))))
    if parent is None:
        raise Bad("Could not find issue by id or key.")
    if parent.type.level != reading.kind.level + 1:
        raise Bad("Given parent work item does not belong to appropriate hierarchy.")
    return parent.id


def _issuetype(reading: Reading, _: Field, raw: Any) -> str:
    found = _found_type(reading.site, raw)
    if found is None or reading.issue is None or found.workflow is not reading.issue.type.workflow:
        raise Bad("The issue type selected is invalid.")
    return found.id


def _timetracking(reading: Reading, _: Field, raw: Any) -> Estimates:
    """Read the pair of estimates; an original set while there is no remaining one sets both, as Jira does."""
    if not isinstance(raw, dict):
        raise Bad("data was not an object")
    issue = reading.issue
    original = _estimate(raw, "originalEstimate", issue.original_estimate if issue else None)
    remaining = _estimate(raw, "remainingEstimate", issue.remaining_estimate if issue else None)
    return Estimates(original, original if remaining is None and "remainingEstimate" not in raw else remaining)


def _estimate(raw: dict[str, Any], name: str, current: int | None) -> int | None:
    if name not in raw:
        return current
    if raw[name] in {None, ""}:
        return None
    seconds = parse_duration(str(raw[name]))
    if seconds is None:
        what = "original" if name.startswith("orig") else "remaining"
        raise Bad(f"The {what} estimate entered is invalid: '{raw[name]}'. The format of this is ' *w *d *h *m '.")
    return seconds


def _found_project(site: Site, raw: Any) -> Project | None:
    if not isinstance(raw, dict):
        return None
    return site.schema.project(str(raw.get("id", raw.get("key", ""))))


def _found_type(site: Site, raw: Any) -> IssueType | None:
    if not isinstance(raw, dict):
        return None
    return site.schema.types.get(str(raw["id"])) if "id" in raw else site.schema.type(str(raw.get("name", "")))


_READERS: Mapping[str, Callable[[Reading, Field, Any], Any]] = {
    "summary": _summary,
    "text": _text,
    "richtext": _richtext,
    "date": _date,
    "number": _number,
    "user": _user,
    "labels": _labels,
    "option": _option,
    "priority": _priority,
    "parent": _parent,
    "issuetype": _issuetype,
    "timetracking": _timetracking,
}
