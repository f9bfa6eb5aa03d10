"""One REST call that has been let in, with what its handler needs. Built by `vendor` and, for parts, by `composite`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.salesforce.org import Org
from simulator.salesforce.problems import Problem
from simulator.salesforce.queries import Queries
from simulator.wire import BadJson, Request

if TYPE_CHECKING:
    from simulator.salesforce.bulk import Jobs


@dataclass(frozen=True)
class Call:
    """A call; `path` is what follows the version, decoded. `spoiled` are records that a fault strikes, by place."""

    request: Request
    path: tuple[str, ...]
    version: str
    org: Org
    queries: Queries
    jobs: Jobs
    spoiled: Mapping[int, Problem] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The start of all addresses in answers."""
        return f"/services/data/{self.version}"

    def body(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object; raises Problem."""
        if "json" not in self.request.headers.get("content-type", ""):
            raise Problem(
                "UNSUPPORTED_MEDIA_TYPE",
                "Content type specified in the HTTP header is not supported. Use application/json.",
                status=415,
            )
        try:
            parsed = self.request.json()
        except BadJson as error:
            raise Problem("JSON_PARSER_ERROR", str(error)) from error
        if not isinstance(parsed, dict):
            raise Problem("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        return parsed

    def flag(self, name: str) -> bool:
        """Read a Boolean parameter; absent is false."""
        return (self.request.arg(name) or "").lower() == "true"

    def spoil(self, place: int) -> None:
        """Let a fault strike the record at that place; raises Problem."""
        if place in self.spoiled:
            raise self.spoiled[place]
