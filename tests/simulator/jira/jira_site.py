"""A raw client that speaks to the simulated Jira as our service account does; used by the tests beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from simulator.jira import Jira
from simulator.server import World

AUTH = ("closedwon@example.com", "simulator-token")


@dataclass
class Site:
    """The running site: its vendor object, its world and its address."""

    jira: Jira
    world: World
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, json: Any = None, **parts: Any) -> requests.Response:
        """Send one request to `/rest/api/3/<path>`."""
        api = path if path.startswith("/") else f"/rest/api/3/{path}"
        return self.session.request(
            method,
            f"{self.url}{api}",
            json=json,
            timeout=10,
            auth=parts.pop("auth", AUTH),
            allow_redirects=False,
            **parts,
        )

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, json: Any = None, **parts: Any) -> requests.Response:
        return self.call("POST", path, json, **parts)

    def put(self, path: str, json: Any = None, **parts: Any) -> requests.Response:
        return self.call("PUT", path, json, **parts)

    def delete(self, path: str, **params: Any) -> requests.Response:
        return self.call("DELETE", path, params=params)

    def search(self, jql: str, **params: Any) -> list[str]:
        """Return the ids that a search shows."""
        answer = self.get("search/jql", jql=jql, **params)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["issues"]]


def task(summary: str = "Kick-off call", **fields: Any) -> dict[str, Any]:
    return {"fields": {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": summary, **fields}}
