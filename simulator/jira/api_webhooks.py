"""Handlers of webhook registrations: the admin's own (/rest/webhooks/1.0), and the dynamic ones, closed to API tokens.

Called through `routes`. The secret can be written and never read.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from simulator.jira.calls import Call, Problem, Route, no_content, ok, stamp
from simulator.jira.site import Site
from simulator.jira.webhooks import EVENTS, Webhook
from simulator.wire import Response, json_response

_SECTION = "issue-related-events-section"
_NOT_AN_APP = "Only Connect and OAuth 2.0 apps can use this operation."


def register(site: Site, call: Call) -> Response:
    """POST webhook: 201."""
    return json_response(201, _shown(call, _read(site, call, Webhook(next(site.ids), "", "", (), "", 0))))


def update(site: Site, call: Call) -> Response:
    """PUT webhook: 200; a secret that is not sent stays."""
    return ok(_shown(call, _read(site, call, _hook(site, call))))


def listing(site: Site, call: Call) -> Response:
    """GET all webhooks."""
    return ok([_shown(call, hook) for hook in site.webhooks.by_id.values()])


def get(site: Site, call: Call) -> Response:
    """GET one webhook."""
    return ok(_shown(call, _hook(site, call)))


def delete(site: Site, call: Call) -> Response:
    """DELETE one webhook: 204."""
    del site.webhooks.by_id[_hook(site, call).id]
    return no_content()


def dynamic(site: Site, call: Call) -> Response:
    """Refuse: dynamic webhooks are for Connect and OAuth 2.0 apps (asserted against a real site)."""
    del site, call
    raise Problem(403, _NOT_AN_APP)


def _read(site: Site, call: Call, hook: Webhook) -> Webhook:
    site.demand(
        "ADMINISTER", 403, "You are not authorized to perform this operation. Administrator rights are required."
    )
    body = call.body(name=str, url=str, events=[str], filters=dict, secret=str, excludeBody=bool, enabled=bool)
    url, events = str(body.get("url", hook.url)), tuple(body.get("events", hook.events))
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise Problem(400, "The URL is not valid.")
    if not set(events) <= EVENTS:
        raise Problem(400, f"Unknown events: {', '.join(sorted(set(events) - EVENTS))}")
    hook.name, hook.url, hook.events = str(body.get("name", hook.name)), url, events
    hook.jql = str(body.get("filters", {}).get(_SECTION, hook.jql))
    hook.secret = str(body.get("secret", hook.secret))
    hook.exclude_body = bool(body.get("excludeBody", hook.exclude_body))
    hook.enabled = bool(body.get("enabled", hook.enabled))
    hook.owner, hook.updated = call.user.account_id, site.now()
    site.webhooks.by_id[hook.id] = hook
    return hook


def _hook(site: Site, call: Call) -> Webhook:
    raw = call.params[0]
    found = site.webhooks.by_id.get(int(raw)) if raw.isdecimal() else None
    if found is None:
        raise Problem(404, f"No webhook with id {raw} exists.")
    return found


def _shown(call: Call, hook: Webhook) -> dict[str, Any]:
    return {
        "name": hook.name,
        "url": hook.url,
        "excludeBody": hook.exclude_body,
        "filters": {_SECTION: hook.jql},
        "events": list(hook.events),
        "enabled": hook.enabled,
        "isSigned": bool(hook.secret),
        "lastUpdatedUser": hook.owner,
        "lastUpdated": stamp(hook.updated),
        "self": f"{call.base}/rest/webhooks/1.0/webhook/{hook.id}",
    }


ROUTES = (
    Route("GET", "webhook", dynamic),
    Route("POST", "webhook", dynamic),
    Route("DELETE", "webhook", dynamic),
    Route("PUT", "webhook/refresh", dynamic),
    Route("GET", "webhook/failed", dynamic),
)
ADMIN_ROUTES = (
    Route("GET", "webhook", listing),
    Route("POST", "webhook", register),
    Route("GET", "webhook/{id}", get),
    Route("PUT", "webhook/{id}", update),
    Route("DELETE", "webhook/{id}", delete),
)
"""Below /rest/webhooks/1.0."""
