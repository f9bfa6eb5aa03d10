"""The site's whole state as plain data, so that two states can be compared and a test can look at what really is.

Called by `vendor.dump`, thus by the control API. It shows truth, not what the index shows.
"""

from __future__ import annotations

from typing import Any

from simulator.jira import adf
from simulator.jira.issues import Issue
from simulator.jira.site import Site


def dump(site: Site) -> dict[str, Any]:
    """Return issues by id, each with all that hangs on it, and the parts of the schema that people change."""
    schema = site.schema
    return {
        "issues": [_issue(site, issue) for _, issue in sorted(site.issues.by_id.items())],
        "deleted": sorted(site.issues.deleted),
        "statuses": {status.id: status.name for status in schema.statuses.values()},
        "fields": {known.id: known.name for known in schema.fields.values()},
        "projects": {project.key: project.last_number for project in schema.projects.values()},
    }


def _issue(site: Site, issue: Issue) -> dict[str, Any]:
    logs = issue.worklogs.values()
    values = {name: _plain(value) for name, value in sorted(issue.values.items())}
    return {
        "id": str(issue.id),
        "key": issue.key,
        "type": issue.type.name,
        "status": issue.status.name,
        "category": issue.status.category.key,
        "parent": None if issue.parent is None else site.issues.by_id[issue.parent].key,
        "created": issue.created,
        "updated": issue.updated,
        "resolved": issue.resolved,
        "original_estimate": issue.original_estimate,
        "remaining_estimate": issue.remaining_estimate,
        "spent": issue.spent,
        "values": values,
        "properties": dict(sorted(issue.properties.items())),
        "worklogs": [{"id": str(w.id), "author": w.author, "seconds": w.seconds, "started": w.started} for w in logs],
        "comments": [adf.to_text(comment.body) for comment in issue.comments.values()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return adf.to_text(value)
    return list(value) if isinstance(value, tuple) else value
