"""Salesforce as the server sees it: lets calls in, counts them against the org's allowance, answers, and resets.

Built by the demo, the tests and `closedwon simulator`. What it models is in the modules it calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from simulator.salesforce import admins, faults, people
from simulator.salesforce.auth import Auth
from simulator.salesforce.bulk import Jobs
from simulator.salesforce.bus import PEOPLE, Bus
from simulator.salesforce.calls import Call
from simulator.salesforce.org import Org
from simulator.salesforce.outbound import Outbound
from simulator.salesforce.problems import Problem, not_found
from simulator.salesforce.queries import Queries
from simulator.salesforce.rest import route
from simulator.server import World
from simulator.wire import Request, Response, json_response

OLDEST, NEWEST = 31, 68
LONGEST_URI = 16_384
"""Bytes of the URI alone, and of URI and headers together."""

KNOBS: Mapping[str, Any] = {
    "client_id": "closedwon",
    "client_secret": "simulator-secret",
    "username": "closedwon@example.com",
    "jwt_public_key": None,
    "my_domain": "https://acme.my.salesforce.com",
    "instance_url": None,
    "session_seconds": 7200,
    "logins_per_hour": 3600,
    "refuse_login": "",
    "daily_api_limit": 100_000,
    "api_used": 0,
    "short_pages": 0,
    "visible_after_seconds": 0,
    "bulk_seconds": 0,
    "cdc_objects": [],
    "cdc_event_bytes": 1_000_000,
    "cdc_overflow_above": 100_000,
    "cdc_keepalive_seconds": 270,
}
"""Settings and their defaults: `short_pages` = rows per page (0 = off), `api_used` = calls that others made today,
`refuse_login` = the description with which every login is refused, `instance_url` = None for the address called,
`cdc_objects` = what Change Data Capture is switched on for, `cdc_event_bytes` = the size above which an event becomes a
gap event, `cdc_overflow_above` = the changes of one transaction beyond which an overflow event stands for the rest."""


class Salesforce:
    """One simulated org. Keyword arguments are knobs (see KNOBS); a reset returns to them."""

    name = "salesforce"

    def __init__(self, world: World, **knobs: Any) -> None:
        unknown = set(knobs) - set(KNOBS)
        if unknown:
            raise TypeError(f"Salesforce has no knob {', '.join(sorted(unknown))}")
        self.world = world
        self.knobs: dict[str, Any] = {}
        self._given = {**KNOBS, **knobs}
        self.reset()

    def reset(self) -> None:
        """Return to the state right after construction; clients have to sign in again."""
        self.knobs.clear()
        self.knobs.update(self._given)
        clock = self.world.clock
        self.org = Org(
            clock, lag=lambda: float(self.knobs["visible_after_seconds"]), username=str(self.knobs["username"])
        )
        self.auth = Auth(clock, self.knobs, self.world.seed)
        self.queries = Queries(self.org.store, self.knobs)
        self.jobs = Jobs(lambda: float(self.knobs["bulk_seconds"]))
        self.outbound = Outbound(self.org, self.world.courier)
        self.bus = Bus(self.org, self.knobs, self.world.seed)
        self.usage: Counter[int] = Counter()

    def endpoint(self, request: Request) -> str:
        """Name the endpoint: `PATCH /services/data/{version}/sobjects/Onboarding__c/Deal_Key__c/{value}`."""
        return f"{request.method} /{'/'.join(_pattern(request.segments))}"

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        return self.answer(request)

    def fault(self, name: str, request: Request, args: Mapping[str, Any]) -> Response:
        """Answer with one of this vendor's failures; see `faults`."""
        return faults.strike(self, name, request, args)

    def act(self, action: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person would do; see `people` for deals, `admins` for the org."""
        if action in admins.ACTIONS:
            with self.org.store.transaction():
                done = admins.ACTIONS[action](self, args)
        else:
            done = people.act(self.org, action, args)
        self._tell(PEOPLE)
        return done

    def dump(self) -> dict[str, Any]:
        """Return all records by object and id, with the knobs."""
        tables = self.org.store.tables.values()
        records = {table.kind.name: {key: table.rows[key].values for key in sorted(table.rows)} for table in tables}
        return {"knobs": dict(sorted(self.knobs.items())), "records": dict(sorted(records.items()))}

    def answer(self, request: Request, spoiled: Mapping[int, Problem] | None = None) -> Response:
        """Answer one request, some of whose records are struck by a fault."""
        segments = request.segments
        if segments[:3] == ("services", "oauth2", "token") and request.method == "POST":
            return self.auth.token(request, org_id=self.org.id, user_id=self.org.integration_user)
        if segments == ("services", "data"):
            versions = [
                {"label": "", "url": f"/services/data/v{one}.0", "version": f"{one}.0"} for one in range(31, 69)
            ]
            return json_response(200, versions)
        try:
            _check_length(request)
            self.auth.check(request)
        except Problem as problem:
            return json_response(problem.status, problem.payload())
        response = self._metered(request, spoiled or {})
        self._tell(_origin(request))
        return response

    def _tell(self, origin: str) -> None:
        """Tell subscribers of what has been committed."""
        changes = self.org.store.take_changes()
        self.outbound.tell(changes)
        self.bus.publish(changes, origin)

    def limit_info(self) -> str:
        """Return the value of Sforce-Limit-Info."""
        return f"api-usage={self.used()}/{self.knobs['daily_api_limit']}"

    def used(self) -> int:
        """Return the calls of the last 24 hours."""
        hour = self._hour()
        return int(self.knobs["api_used"]) + sum(count for at, count in self.usage.items() if at > hour - 24)

    def _limits(self) -> dict[str, Any]:
        """Return the allowances as GET /limits shows them."""
        most = int(self.knobs["daily_api_limit"])
        fixed = {
            "DailyBulkApiBatches": 15_000,
            "DailyBulkV2QueryJobs": 10_000,
            "DataStorageMB": 10_240,
            "FileStorageMB": 10_240,
        }
        limits = {name: {"Max": number, "Remaining": number} for name, number in fixed.items()}
        return {"DailyApiRequests": {"Max": most, "Remaining": max(0, most - self.used())}, **limits}

    def _hour(self) -> int:
        return int(self.world.clock.now().timestamp()) // 3600

    def _metered(self, request: Request, spoiled: Mapping[int, Problem]) -> Response:
        """Count the call against the allowance and answer it, or refuse it beyond the allowance."""
        try:
            self._count()
            response = self._routed(request, spoiled)
        except Problem as problem:
            response = json_response(problem.status, problem.payload())
        return response.with_headers(Sforce_Limit_Info=self.limit_info())

    def _count(self) -> None:
        """Take one call from the allowance; raises Problem 403 when nothing is left of it."""
        if self.used() >= int(self.knobs["daily_api_limit"]):
            raise Problem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self.usage[self._hour()] += 1

    def _routed(self, request: Request, spoiled: Mapping[int, Problem]) -> Response:
        segments = request.segments
        if segments[:2] != ("services", "data"):
            raise not_found()
        version = segments[2]
        number = version[1:].removesuffix(".0")
        if not (version.startswith("v") and version.endswith(".0") and number.isdigit()) or int(number) > NEWEST:
            raise not_found()
        if int(number) < OLDEST:
            raise Problem("UNSUPPORTED_API_VERSION", f"Invalid Api version specified: {version[1:]}", status=410)
        if segments[3:] == ("limits",):
            return json_response(200, self._limits())
        call = Call(request, segments[3:], version, self.org, self.queries, self.jobs, spoiled)
        with self.org.store.transaction():
            return route(call)


def _origin(request: Request) -> str:
    """Return what change events name as their origin: the API, its version, and the client if it tells its name."""
    version, *rest = request.segments[2:] or ("",)
    api = "bulkapi" if rest[:1] == ["jobs"] else "rest"
    options = dict(
        part.strip().partition("=")[::2] for part in request.headers.get("sforce-call-options", "").split(",")
    )
    client = f";client={options['client']}" if options.get("client") else ""
    return f"com/salesforce/api/{api}/{version.removeprefix('v')}{client}"


def _check_length(request: Request) -> None:
    uri = len(request.path) + len(request.query_string) + 1
    if uri > LONGEST_URI:
        raise Problem("URI_TOO_LONG", "The URI of the request is too long", status=414)
    if uri + sum(len(name) + len(value) + 4 for name, value in request.headers.items()) > LONGEST_URI:
        raise Problem("REQUEST_HEADER_TOO_LARGE", "The URI and headers of the request are too long", status=431)


def _pattern(segments: tuple[str, ...]) -> list[str]:
    """Replace what differs from call to call."""
    parts = list(segments)
    if parts[:2] != ["services", "data"] or len(parts) < 3:
        return parts
    parts[2] = "{version}"
    match parts[3:]:
        case ["query" | "queryAll", _]:
            parts[4] = "{locator}"
        case ["sobjects", _, "describe" | "updated" | "deleted"]:
            pass
        case ["sobjects", _, _]:
            parts[5] = "{id}"
        case ["sobjects", _, _, _]:
            parts[6] = "{value}"
        case ["jobs", _, _, *_]:
            parts[5] = "{id}"
    return parts
