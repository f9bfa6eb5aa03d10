"""Brings issues into a status, over as many transitions as their workflow demands.

Used by `connectors.jira.updates`, for changes and for new issues whose status is not the first. A status cannot be set
in Jira; only a transition that the issue offers now can be taken. Ways are learned from issues met, and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from connectors.errors import ConnectorError, Refused, TryLater, Unknown
from connectors.jira.client import JiraClient
from connectors.jira.failures import changing
from connectors.jira.fields import STATUS
from connectors.jira.settings import JiraSettings
from connectors.jira.workflow import DONE, Standing, Status, Step, Workflows, standing_of, status_of, steps_of

_LIMIT = 12
"""Most transitions taken for one change of status."""


class Walker:
    """Takes transitions. `pace` is told of every write to an issue and waits where Jira's limit demands it."""

    def __init__(
        self, settings: JiraSettings, *, client: JiraClient, workflows: Workflows, pace: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._client = client
        self._workflows = workflows
        self._pace = pace
        self._doubted: set[tuple[str, str]] = set()
        """For which issue types and targets this process has once read the workflow anew."""

    def look(self, issue_id: str) -> Standing:
        """Read where an issue stands: one call."""
        answer = self._client.get(f"issue/{issue_id}", {"fields": "status,issuetype"}, record=issue_id)
        answer.need("fields")
        return standing_of(answer.payload)

    def _learn(self, here: Standing) -> None:
        """Read what an issue offers in its status: two calls, once per issue type and status.

        The second one asks whether it still is there: else one status's steps would be taken for another's, for ever.
        Raises TryLater where somebody has moved it meanwhile.
        """
        params = {"expand": "transitions.fields"}
        answer = self._client.get(f"issue/{here.id}/transitions", params, record=here.id)
        answer.need("transitions")
        if self.look(here.id).status != here.status:
            raise changing(here.id)
        self._workflows.learn(here, steps_of(answer.payload))

    def walk(self, start: Standing, target: str) -> Status:
        """Bring the issue to the status of that name and return it as Jira spells it.

        Raises Refused (JIRA-TRANSITION-01 or -02, JIRA-SCREEN-01), the issue then back where it was as far as there is
        a known way back.
        """
        here, looked = start, set[str]()
        try:
            for _ in range(_LIMIT):
                if here.status.id == target.casefold():
                    return here.status
                way = self._way(here, target, looked)
                if here is start and _doubtful(way, target):
                    # While nothing has been moved yet, whose way back must not be forgotten.
                    way = self._doubt(here, target, looked) or way
                if not way:
                    break
                before, here = here, self._take(here, way[0], target, looked)
                if here.status.id not in {way[0].to.id, before.status.id}:
                    start = here  # a person moved it meanwhile, which is not ours to undo
        except Refused as refused:
            refusal = refused
        else:
            refusal = self._no_way(start, target)
        self._return(here, start)
        raise refusal

    def _way(self, here: Standing, target: str, looked: set[str]) -> tuple[Step, ...]:
        """Return a way of known steps, asking more the less is known; a way into the unknown as the last resort."""
        if way := self._workflows.way(here, target):
            return way
        if here.status.id not in looked:
            # Nothing is known, or what is remembered is of yesterday's workflow.
            self._learn(here)
            looked.add(here.status.id)
            if way := self._workflows.way(here, target):
                return way
        if self._workflows.way(here, target, over_screens=True):
            return ()
        wanted = self.statuses(here.type).get(target.casefold())
        if wanted is None:
            return ()
        self.survey(here.type, (path[-1].to for path in self._workflows.frontier(here)))
        # Never through a done status on the way to one that is not: people are told that the work is finished.
        ahead = [p for p in self._workflows.frontier(here) if p[-1].to.category != DONE or wanted.category == DONE]
        # Nor through another one that ends the work, such as Cancelled, while there is anything else to try.
        ahead.sort(key=lambda path: path[-1].to.category == DONE)
        return self._workflows.way(here, target) or next(iter(ahead), ())

    def _doubt(self, here: Standing, target: str, looked: set[str]) -> tuple[Step, ...]:
        """Read the whole workflow anew where no way is known, once in a process for each target.

        What is remembered of statuses that lie further on may be from before an admin changed or renamed them.
        """
        if (here.type, target) in self._doubted or self._workflows.way(here, target, over_screens=True):
            return ()
        self._doubted.add((here.type, target))
        self._workflows.forget_all(here.type)
        self._learn(here)
        return self._way(here, target, looked)

    def _take(self, here: Standing, step: Step, target: str, looked: set[str]) -> Standing:
        """Take one transition and return where the issue stands then."""
        body: dict[str, Any] = {"transition": {"id": step.id}}
        if "resolution" in step.needs:
            body["fields"] = {"resolution": {"name": self._settings.resolution}}
        self._pace(here.id)
        try:
            self._client.post(f"issue/{here.id}/transitions", body, record=here.id)
        except Unknown:
            return self.look(here.id)
        except Refused as refused:
            return self._refused(here, step, target, refused, looked)
        return Standing(here.id, here.type, step.to)

    def _refused(self, here: Standing, step: Step, target: str, refused: Refused, looked: set[str]) -> Standing:
        """Read the issue anew: somebody moved it or changed its workflow; else the refusal stands."""
        if refused.field:
            self._workflows.forget(here)
            if here.status.id in looked:
                raise _screen(step, target, (refused.field,)) from refused
            return here  # the step was remembered, and its screen now asks for more: it is read anew
        if refused.code != "JIRA-REQUEST-01":
            raise refused
        now = self.look(here.id)
        if now.status == here.status and here.status.id in looked:
            raise Refused(
                f"Jira's workflow refuses the step {step.name!r} on the way to {target}: {refused.message} "
                "Meet its condition in Jira, or take it out of the workflow.",
                code="JIRA-TRANSITION-02",
                field=STATUS,
            ) from refused
        self._learn(now)
        looked.add(now.status.id)
        return now

    def survey(self, kind: str, statuses: Iterable[Status]) -> None:
        """Learn the steps of statuses from issues that are in them, moving none: 1 search, and 2 reads for each."""
        unknown = {status.id: status.name for status in statuses}
        names = ", ".join(_quoted(name) for name in unknown.values())
        if not names:
            return
        jql = f'project = "{self._settings.project}" AND issuetype = {_quoted(kind)} AND status in ({names})'
        params = {"jql": jql, "maxResults": 50, "fields": STATUS}
        for issue in self._client.get("search/jql", params).need("issues"):
            if status_of(issue["fields"][STATUS]).id in unknown:
                here = self.look(str(issue["id"]))  # the search may lag
                with suppress(TryLater):  # one that is being moved teaches nothing: the next may
                    self._learn(here)
                    unknown.pop(here.status.id, None)

    def statuses(self, kind: str) -> Mapping[str, Status]:
        """Return the statuses of an issue type's workflow by id."""
        listed = self._client.get(f"project/{self._settings.project}/statuses").items()
        of_type = next((raw["statuses"] for raw in listed if raw["name"] == kind), ())
        return {status.id: status for status in map(status_of, of_type)}

    def _return(self, here: Standing, start: Standing) -> None:
        """Bring the issue back to where it was, as far as a way is known."""
        with suppress(ConnectorError):  # the refusal is what a person must know, however far the way back led
            for step in self._workflows.way(here, start.status.name):
                self._pace(here.id)
                self._client.post(f"issue/{here.id}/transitions", {"transition": {"id": step.id}}, record=here.id)

    def _no_way(self, start: Standing, target: str) -> Refused:
        for step in self._workflows.way(start, target, over_screens=True):
            if not self._workflows.open(step):
                return _screen(step, target, step.needs)
        return Refused(
            f"No way leads from {start.status.name} to {target} in the workflow of {start.type}. "
            f"Add a transition, or map this status to one that the workflow has.",
            code="JIRA-TRANSITION-01",
            field=STATUS,
        )


def _doubtful(way: tuple[Step, ...], target: str) -> bool:
    """Tell whether there is no way, or just one into the unknown beyond a status that ends the work."""
    return not way or (way[-1].to.category == DONE and way[-1].to.id != target.casefold())


def _screen(step: Step, target: str, fields: tuple[str, ...]) -> Refused:
    return Refused(
        f"The step {step.name!r} on the way to {target} asks for {', '.join(fields)} on its screen. Make it optional "
        "there, or set `resolution` for this connection where that is what it asks for.",
        code="JIRA-SCREEN-01",
        field=STATUS,
    )


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
