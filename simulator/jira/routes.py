"""Finds the operation for a method and path.

Called by `vendor`. Paths are matched segment by segment, fixed segments before variables, so that `issue/bulk` is
never an issue called bulk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.jira import api_bulk, api_extras, api_issues, api_jql, api_search, api_site, api_webhooks, api_worklogs
from simulator.jira.calls import Route

ALL: tuple[Route, ...] = (
    *api_site.ROUTES,
    *api_issues.ROUTES,
    *api_extras.ROUTES,
    *api_bulk.ROUTES,
    *api_jql.ROUTES,
    *api_webhooks.ROUTES,
    *api_search.ROUTES,
    *api_worklogs.ROUTES,
)

ADMIN: tuple[Route, ...] = api_webhooks.ADMIN_ROUTES
"""Below /rest/webhooks/1.0."""


class Router:
    """Routes by number of segments, those with fewer variables first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
        for route in sorted(routes, key=lambda route: route.path.count("{")):
            parts = tuple(route.path.split("/"))
            self._by_length.setdefault(len(parts), []).append((parts, route))

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, tuple[str, ...]] | None:
        """Return the route with the path's variables."""
        for parts, route in self._by_length.get(len(segments), ()):
            if route.method == method and _fits(parts, segments):
                pairs = zip(parts, segments, strict=True)
                return route, tuple(segment for part, segment in pairs if part.startswith("{"))
        return None

    def methods(self, segments: Sequence[str]) -> set[str]:
        """Return the methods a path knows, to tell 405 from 404."""
        return {route.method for parts, route in self._by_length.get(len(segments), ()) if _fits(parts, segments)}


def _fits(parts: tuple[str, ...], segments: Sequence[str]) -> bool:
    return all(part.startswith("{") or part == segment for part, segment in zip(parts, segments, strict=True))
