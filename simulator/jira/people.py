"""What people do in Jira's own pages: engineers work, coordinators plan, admins change the site.

Called by `vendor.act`, thus by the control API, the demo and the tests. A person needs no transition id and no screen,
but goes through the same state changes as REST, so history, index, feeds and webhooks follow.

`who` is an account id or an e-mail address; `issue` is a key or an id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.jira import adf
from simulator.jira.api_worklogs import read_started
from simulator.jira.calls import Problem
from simulator.jira.issues import Issue, Worklog
from simulator.jira.schema import DONE, Field, Option, Project, User
from simulator.jira.site import Site
from simulator.jira.transitions import path_to
from simulator.jira.values import read_edit

Args = Mapping[str, Any]
Result = dict[str, Any]


def person(site: Site, args: Args) -> str:
    """Return the account id of `who`; raises LookupError for a stranger."""
    who = str(args.get("who", site.owner.account_id))
    found = site.schema.users.get(who) or site.schema.user_by_email(who)
    if found is None:
        raise LookupError(f"nobody here is called '{who}'")
    return found.account_id


def _issue(site: Site, args: Args) -> Issue:
    return site.issue(str(args["issue"]))


def _log(site: Site, args: Args) -> Worklog:
    found = site.worklogs.by_id.get(int(args["worklog"]))
    if found is None:
        raise LookupError(f"there is no worklog {args['worklog']}")
    return found


def create_issue(site: Site, args: Args) -> Result:
    """`fields` as in REST v2, `who`."""
    issue = site.create_issue(args["fields"], who=person(site, args))
    return {"id": str(issue.id), "key": issue.key}


def log_time(site: Site, args: Args) -> Result:
    """`issue`, `seconds`, `who`, optionally `started` and `comment`."""
    comment = adf.from_text(str(args["comment"])) if "comment" in args else None
    log = site.worklogs.add(
        _issue(site, args),
        who=person(site, args),
        seconds=int(args["seconds"]),
        started=read_started(site, args),
        comment=comment,
    )
    return {"worklog": str(log.id)}


def edit_worklog(site: Site, args: Args) -> Result:
    """`worklog`, `seconds` and/or `started`, `who`."""
    log = _log(site, args)
    seconds = int(args["seconds"]) if "seconds" in args else None
    started = read_started(site, args) if "started" in args else None
    site.worklogs.change(log, who=person(site, args), seconds=seconds, started=started)
    return {"worklog": str(log.id)}


def delete_worklog(site: Site, args: Args) -> Result:
    """`worklog`, `who`."""
    log = _log(site, args)
    site.worklogs.remove(log, who=person(site, args))
    return {"worklog": str(log.id)}


def move_worklog(site: Site, args: Args) -> Result:
    """`worklog`, `issue` (where to), `who`."""
    log = _log(site, args)
    site.worklogs.move(log, _issue(site, args), who=person(site, args))
    return {"worklog": str(log.id)}


def set_status(site: Site, args: Args) -> Result:
    """`issue`, `status` (its present name), `who`; walks the workflow, each hop in the history."""
    issue = _issue(site, args)
    status = site.schema.status_named(str(args["status"]))
    if status is None:
        raise LookupError(f"there is no status '{args['status']}'")
    return _walk(site, issue, status.id, person(site, args))


def close_task(site: Site, args: Args) -> Result:
    """`issue`, `who`; walks to the nearest done status."""
    issue = _issue(site, args)
    done = [status.id for status in site.schema.statuses.values() if status.category.key == DONE]
    return _walk(site, issue, done[0], person(site, args))


def _walk(site: Site, issue: Issue, target: str, who: str) -> Result:
    hops = path_to(issue, target)
    for arrow in hops:
        site.issues.follow(issue, arrow, who=who)
    return {"issue": issue.key, "status": issue.status.name, "hops": len(hops)}


def edit_issue(site: Site, args: Args) -> Result:
    """`issue`, `fields` as in REST v2 (rich text may be a string), `who`."""
    issue = _issue(site, args)
    changed = site.issues.edit(issue, read_edit(site, "2", issue, args["fields"], None), who=person(site, args))
    return {"issue": issue.key, "changed": changed}


def move_issue(site: Site, args: Args) -> Result:
    """`issue`, `project` (a key; made when it does not exist), `who`: a new key, the same id."""
    issue = _issue(site, args)
    key = str(args["project"])
    project = site.schema.project(key)
    if project is None:
        project = Project(str(10000 + len(site.schema.projects)), key, str(args.get("name", key)))
        site.schema.projects[project.id] = project
        site.schema.touch()
    site.issues.move(issue, project, who=person(site, args))
    return {"id": str(issue.id), "key": issue.key}


def delete_issue(site: Site, args: Args) -> Result:
    """`issue`, `who`; sub-tasks go with it."""
    issue = _issue(site, args)
    site.issues.delete(issue, who=person(site, args))
    return {"issue": issue.key}


def rename_status(site: Site, args: Args) -> Result:
    """`status` (present name or id), `name`."""
    status = site.schema.statuses.get(str(args["status"])) or site.schema.status_named(str(args["status"]))
    if status is None:
        raise LookupError(f"there is no status '{args['status']}'")
    status.name = str(args["name"])
    site.schema.touch()
    return {"id": status.id, "name": status.name}


def _field(site: Site, args: Args) -> Field:
    found = site.schema.field_named(str(args["field"]))
    if found is None:
        raise LookupError(f"there is no field '{args['field']}'")
    return found


def rename_field(site: Site, args: Args) -> Result:
    """`field` (id or name), `name`."""
    known = _field(site, args)
    known.name = str(args["name"])
    site.schema.touch()
    return {"id": known.id, "name": known.name}


def remove_field(site: Site, args: Args) -> Result:
    """`field`: it vanishes from the site with its values, as a trashed custom field does."""
    known = _field(site, args)
    del site.schema.fields[known.id]
    site.schema.touch()
    for issue in site.issues.by_id.values():
        issue.values.pop(known.id, None)
    return {"id": known.id}


def add_field(site: Site, args: Args) -> Result:
    """`id`, `name`, `kind` (text, richtext, date, number, option, user, labels), `options` for a select list."""
    options = [Option(str(20000 + number), str(name)) for number, name in enumerate(args.get("options", ()))]
    known = Field(str(args["id"]), str(args["name"]), str(args["kind"]), options=options)
    site.schema.fields[known.id] = known
    site.schema.touch()
    return {"id": known.id}


def remove_transition(site: Site, args: Args) -> Result:
    """`transition` (id): it is gone from its workflow."""
    wanted = str(args["transition"])
    for kind in site.schema.types.values():
        for arrow in list(kind.workflow.transitions):
            if arrow.id == wanted:
                kind.workflow.transitions.remove(arrow)
                return {"id": arrow.id, "name": arrow.name}
    raise LookupError(f"there is no transition '{wanted}'")


def comment(site: Site, args: Args) -> Result:
    """`issue`, `text`, `who`."""
    issue = _issue(site, args)
    made = site.add_comment(issue, adf.from_text(str(args["text"])), who=person(site, args))
    return {"comment": str(made.id)}


def add_person(site: Site, args: Args) -> Result:
    """`email`, `name`, optionally `account_id` and `timezone`."""
    email = str(args["email"])
    account = str(args.get("account_id", f"712020:{len(site.schema.users):08d}"))
    timezone = str(args.get("timezone", "Europe/Amsterdam"))
    site.schema.users[account] = User(account, email, str(args.get("name", email)), timezone)
    site.schema.touch()
    return {"account_id": account}


def deactivate(site: Site, args: Args) -> Result:
    """`who` leaves: no sign-in, no assignments."""
    user = site.schema.users[person(site, args)]
    user.active = False
    site.schema.touch()
    return {"account_id": user.account_id}


ACTIONS: Mapping[str, Callable[[Site, Args], Result]] = {
    action.__name__: action
    for action in (
        create_issue, log_time, edit_worklog, delete_worklog, move_worklog, set_status, close_task, edit_issue,
        move_issue, delete_issue, rename_status, rename_field, remove_field, add_field, remove_transition, comment,
        add_person, deactivate,
    )
}  # fmt: skip


def act(site: Site, action: str, args: Args) -> Result:
    """Carry an action out; raises KeyError for an unknown one, ValueError for one that cannot be done."""
    try:
        return ACTIONS[action](site, args)
    except Problem as problem:
        raise ValueError(f"{action}: {', '.join(problem.messages) or problem.errors}") from problem
