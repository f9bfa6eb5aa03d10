"""Handlers of JQL search: the enhanced search over the lagging index, counts, and the removed old search.

Called through `routes`. Rows are rendered from the issues as they are now; only which rows come is the index's say. It
never gives a total, and an empty answer never proves that an issue does not exist.
"""

from __future__ import annotations

import secrets
from typing import Any

from simulator.jira import jql
from simulator.jira.calls import Call, Kind, Problem, Route, ok
from simulator.jira.index import Document
from simulator.jira.matching import Asker, Unknown, candidates, compile_query, ordering
from simulator.jira.render import Renderer
from simulator.jira.site import Cursor, Site
from simulator.wire import Response

MAX_RESULTS = 5000
FEW_FIELDS = 100
"""How many rows Jira gives when more than id and key are asked for, whatever `maxResults` says (observed)."""
TOKEN_LIFE_MS = 7 * 86_400_000
CURSORS = 2000
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
    "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_BAD_TOKEN = "The provided next page token is invalid or expired."  # noqa: S105 - a message
_BODY: dict[str, Kind] = {
    "jql": str, "nextPageToken": str, "maxResults": int, "fields": [str], "expand": str, "properties": [str],
    "fieldsByKeys": bool, "reconcileIssues": [int], "includeArchivedProjects": bool,
}  # fmt: skip


def get_search(site: Site, call: Call) -> Response:
    """GET search/jql."""
    return _search(
        site,
        call,
        {
            "jql": call.request.arg("jql") or "",
            "nextPageToken": call.request.arg("nextPageToken"),
            "maxResults": call.number("maxResults", 50),
            "fields": call.listed("fields"),
            "expand": call.listed("expand"),
            "properties": call.listed("properties"),
            "reconcileIssues": call.listed("reconcileIssues"),
        },
    )


def post_search(site: Site, call: Call) -> Response:
    """POST search/jql: a closed schema, whose lists must be lists and whose `expand` is a string."""
    body = call.closed_body(**_BODY)
    return _search(site, call, {**body, "expand": body.get("expand", "").split(",")})


def _search(site: Site, call: Call, asked: dict[str, Any]) -> Response:
    size, fields, reconcile = asked.get("maxResults", 50), asked.get("fields") or [], asked.get("reconcileIssues") or []
    if not 1 <= size <= MAX_RESULTS:
        raise Problem(400, f"The value of maxResults must be between 1 and {MAX_RESULTS}.")
    if len(reconcile) > 50 or not all(str(ref).isdecimal() for ref in reconcile):
        raise Problem(400, "The reconcileIssues parameter takes at most 50 numeric issue ids.")
    if len(asked.get("properties") or []) > 5:
        raise Problem(400, "The maximum number of properties that can be requested is 5.")
    query = (asked.get("jql") or "", tuple(sorted(map(str, reconcile))), call.caller and call.caller.account_id)
    cursor = _cursor(site, call, asked.get("nextPageToken"), query)
    if len(fields) > 10 or any(name.startswith("*") for name in fields):
        size = min(size, FEW_FIELDS)
    ids = cursor.ids[cursor.at : cursor.at + size]
    answer: dict[str, Any] = {"issues": _rows(site, call, ids, asked)}
    after = cursor.at + len(ids)
    answer["isLast"] = after >= len(cursor.ids)
    if not answer["isLast"]:
        answer["nextPageToken"] = _remember(site, Cursor(query, cursor.ids, after, site.now() + TOKEN_LIFE_MS))
    if {"names", "schema"} & set(asked.get("expand") or []):
        answer |= _described(site.renderer(call.base, call.version), fields, asked["expand"])
    return ok(answer)


def _described(render: Renderer, fields: list[str], expand: list[str]) -> dict[str, Any]:
    chosen = [render.schema.fields[name] for name, _ in render.select(fields, "id")]
    shown: dict[str, Any] = {}
    if "names" in expand:
        shown["names"] = {known.id: known.name for known in chosen}
    if "schema" in expand:
        shown["schema"] = {known.id: render.field(known)["schema"] for known in chosen}
    return shown


def _cursor(site: Site, call: Call, token: str | None, query: tuple[Any, ...]) -> Cursor:
    """Return where to go on; a token that is unknown, expired or another query's is a 400."""
    if not token:
        return Cursor(query, find(site, call, query[0], query[1]), 0, 0)
    cursor = site.cursors.get(token)
    if cursor is None or cursor.expires < site.now() or cursor.query != query:
        raise Problem(400, _BAD_TOKEN)
    return cursor


def _remember(site: Site, cursor: Cursor) -> str:
    if len(site.cursors) >= CURSORS:
        site.cursors.pop(next(iter(site.cursors)))
    token = secrets.token_urlsafe(24)
    site.cursors[token] = cursor
    return token


def find(site: Site, call: Call, text: str, reconcile: tuple[str, ...] = ()) -> list[int]:
    """Return ids of matching issues in order; raises Problem 400 for no JQL and for an unbounded query."""
    asker = Asker(site.schema, site.issues, site.now(), call.caller)
    site.index.catch_up(asker.now)
    try:
        query = jql.parse(text)
        if query.where is None:
            raise Problem(400, UNBOUNDED)
        matches = compile_query(asker, query)
    except jql.JqlError as error:
        raise Problem(400, str(error)) from error
    except Unknown as unknown:
        if site.knobs["unknown_jql_is_empty"]:
            return []
        raise Problem(400, str(unknown.args[0])) from unknown
    if not site.sees(call.caller):
        return []
    found = [document for document in _seen(site, asker, query, reconcile) if matches(document)]
    for key, descends in ordering(asker, query):
        found.sort(key=key, reverse=descends)
    return [document.id for document in found]


def _seen(site: Site, asker: Asker, query: jql.Query, reconcile: tuple[str, ...]) -> list[Document]:
    """Return the documents the query may look at; reconciled issues are taken as they are now."""
    fresh = {int(ref) for ref in reconcile}
    ids = candidates(asker, site.index, query.where)
    documents = site.index.documents
    chosen = documents.values() if ids is None else [documents[i] for i in ids if i in documents]
    flicker = float(site.knobs["search_flicker"])
    seen = [d for d in chosen if d.id not in fresh and not site.index.flickers(d, asker.now, flicker)]
    issues = (site.issues.by_id.get(issue_id) for issue_id in fresh)
    return seen + [Document.of(issue, asker.now) for issue in issues if issue is not None]


def _rows(site: Site, call: Call, ids: list[int], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Render rows; without chosen fields a row is its id alone. An issue deleted meanwhile leaves the page short."""
    issues = [issue for issue_id in ids if (issue := site.issues.by_id.get(issue_id)) is not None]
    fields, expand, properties = asked.get("fields") or [], asked.get("expand") or [], asked.get("properties") or []
    if (not fields or fields == ["id"]) and not properties and "changelog" not in expand:
        return [{"id": str(issue.id)} for issue in issues]
    render = site.renderer(call.base, call.version)
    row_expand = [part for part in expand if part == "changelog"]
    return [render.issue(issue, fields, "id", row_expand, properties) for issue in issues]


def count(site: Site, call: Call) -> Response:
    """POST search/approximate-count."""
    return ok({"count": len(find(site, call, call.closed_body(jql=str).get("jql", "")))})


def removed(site: Site, call: Call) -> Response:
    """Answer 410, as the old search does since its removal."""
    del site, call
    raise Problem(410, REMOVED)


ROUTES = (
    Route("GET", "search", removed, anonymous=True),
    Route("POST", "search", removed, anonymous=True),
    Route("GET", "search/jql", get_search, anonymous=True),
    Route("POST", "search/jql", post_search, anonymous=True),
    Route("POST", "search/approximate-count", count, anonymous=True),
)
