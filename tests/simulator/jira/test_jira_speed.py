"""The site keeps up with a backfill of a hundred thousand issues: bounds far above what it needs, far below a slow scan."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jira_site import Site, task

from simulator.jira import jql
from simulator.jira.matching import Asker, candidates

BULKS = 40


def fill(site: Site) -> float:
    """Create 2,000 issues by bulk and return the seconds it took."""
    bodies = [
        {
            "issueUpdates": [
                {**task(f"{b}-{n}", labels=[f"sf-{b}-{n}"]), "properties": [{"key": "k", "value": n}]}
                for n in range(50)
            ]
        }
        for b in range(BULKS)
    ]
    start = time.perf_counter()
    for body in bodies:
        site.world.clock.advance(1)
        assert site.post("issue/bulk", body).status_code == 201
    return time.perf_counter() - start


def best(measured: Callable[[], Any], times: int = 5) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        measured()
        spent.append(time.perf_counter() - start)
    return min(spent)


def test_bulk_creates_and_fetches_are_fast(site: Site) -> None:
    assert fill(site) / (BULKS * 50) < 0.0025
    ids = [str(10001 + n) for n in range(1000)]
    body = {"issueIdsOrKeys": ids, "fields": ["summary", "status", "duedate", "assignee", "labels", "updated"]}
    assert best(lambda: site.post("issue/bulkfetch", body)) < 0.06


def test_a_query_by_label_or_by_recent_change_looks_at_few_documents(site: Site) -> None:
    fill(site)
    inner = site.jira.site
    asker = Asker(inner.schema, inner.issues, inner.now(), inner.owner)
    for text, most in (
        ("project = ONB AND labels = sf-3-4 AND updated >= 1", 1),
        (f"project = ONB AND updated >= {inner.now() - 500}", 50),
        ("key in (ONB-1, ONB-2) AND status != Done", 2),
        ("labels = sf-1-1 OR labels = sf-1-2", 2),
    ):
        found = candidates(asker, inner.index, jql.parse(text).where)
        assert found is not None
        assert 0 < len(found) <= most, text
        assert len(site.search(text)) == len(found)
