"""The control API: how a test, a demo or any other program drives the simulator while it runs (docs/simulator.md).

Built by `simulator.app`, served on its own port and in a world of its own, so that its calls are not counted among the
vendors'. It works under the vendors' lock: nothing it does falls into the middle of a vendor's call. Every refusal is
JSON that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from simulator.faults import Rule
from simulator.people import Crowd
from simulator.server import World
from simulator.wire import BadJson, Request, Response, Vendor, json_response

_RULE_PARTS = tuple(part.name for part in fields(Rule) if part.name != "hits")


class Wrong(Exception):
    """A request that cannot be carried out; the message says what to do."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The control API as something that the simulator's server can serve."""

    name = "control"

    def __init__(self, world: World, vendors: Mapping[str, Vendor]) -> None:
        self.world = world
        self.vendors = vendors
        self.knobs: dict[str, Any] = {}
        self.crowd = Crowd(vendors, world.seed)
        self._handlers: dict[str, Callable[[Request], Any]] = {
            "GET /": lambda _: {"endpoints": sorted(self._handlers), "manual": "docs/simulator.md"},
            "GET /health": self._health,
            "GET /calls": self._calls,
            "DELETE /calls": self._forget_calls,
            "GET /log": self._log,
            "GET /state": self._state,
            "GET /faults": lambda _: self._faults(),
            "POST /faults": self._add_faults,
            "DELETE /faults": self._clear_faults,
            "GET /clock": lambda _: self._clock(),
            "POST /clock": self._set_clock,
            "GET /knobs/{vendor}": self._knobs,
            "POST /knobs/{vendor}": self._set_knobs,
            "GET /courier": lambda _: self._courier(),
            "POST /courier": self._set_courier,
            "POST /people": self._people,
            "POST /reset": self._reset,
        }

    def endpoint(self, request: Request) -> str:
        """Name the endpoint, `POST /knobs/{vendor}`."""
        parts = request.segments
        path = f"/{parts[0]}/{{vendor}}" if len(parts) == 2 else "/" + "/".join(parts)
        return f"{request.method} {path}"

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        handler = self._handlers.get(self.endpoint(request))
        try:
            if handler is None:
                raise Wrong(f"there is no {request.method} {request.path}; GET / lists what there is", 404)  # noqa: TRY301
            with self.world.lock:
                return json_response(200, handler(request))
        except Wrong as wrong:
            return json_response(wrong.status, {"error": str(wrong)})

    def fault(self, name: str, request: Request, args: Mapping[str, Any]) -> Response:
        """Refuse: the control API itself never fails on purpose."""
        del request, args
        raise KeyError(name)

    def act(self, action: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse: nobody lives here."""
        del args
        raise KeyError(action)

    def dump(self) -> dict[str, Any]:
        """Return the state of all vendors."""
        return {name: vendor.dump() for name, vendor in sorted(self.vendors.items())}

    def reset(self) -> None:
        """Bring everything back to the start: vendors, faults, counts, courier, people. The clock keeps its time."""
        self.world.faults.clear(self.world.seed)
        self.world.calls.clear()
        self.world.log.clear()
        self.world.courier.knobs.update(dict.fromkeys(self.world.courier.knobs, 0.0))
        for vendor in self.vendors.values():
            vendor.reset()
        self.crowd = Crowd(self.vendors, self.world.seed)

    def _health(self, _: Request) -> dict[str, Any]:
        return {"status": "ok", "vendors": sorted(self.vendors), "now": self.world.clock.now().isoformat()}

    def _calls(self, _: Request) -> dict[str, Any]:
        counted: dict[str, dict[str, int]] = {name: {} for name in self.vendors}
        for (vendor, endpoint), number in sorted(self.world.calls.items()):
            counted[vendor][endpoint] = number
        return {"total": {name: sum(each.values()) for name, each in counted.items()}, "endpoints": counted}

    def _forget_calls(self, _: Request) -> dict[str, Any]:
        self.world.calls.clear()
        self.world.log.clear()
        return {"done": True}

    def _log(self, request: Request) -> dict[str, Any]:
        vendor, last = request.arg("vendor"), request.arg("last", "100") or ""
        if not last.isdigit():
            raise Wrong(f"last={last!r} is not a number; give how many of the last calls to show")
        found = [entry for entry in self.world.log if vendor in {None, entry[0]}]
        names = ("vendor", "endpoint", "target", "status")
        return {"calls": [dict(zip(names, entry, strict=True)) for entry in found[len(found) - int(last) :]]}

    def _state(self, request: Request) -> dict[str, Any]:
        vendor = request.arg("vendor")
        return {vendor: self._vendor(vendor).dump()} if vendor else self.dump()

    def _faults(self) -> dict[str, Any]:
        return {"rules": self.world.faults.dump(), "hits": dict(self.world.faults.hits)}

    def _add_faults(self, request: Request) -> dict[str, Any]:
        given = _json(request)
        for rule in given if isinstance(given, list) else [given]:
            if not isinstance(rule, dict) or not isinstance(rule.get("fault"), str):
                raise Wrong('give a rule (or a list of them) such as {"fault": "drop_after", "vendor": "jira"}')
            if strange := rule.keys() - set(_RULE_PARTS):
                raise Wrong(f"a rule has no {', '.join(sorted(strange))}; its parts are {', '.join(_RULE_PARTS)}")
            self.world.faults.add(**rule)
        return self._faults()

    def _clear_faults(self, request: Request) -> dict[str, Any]:
        seed = request.arg("seed")
        self.world.faults.clear(_number(seed, "seed") if seed else None)
        return self._faults()

    def _clock(self) -> dict[str, Any]:
        return {"now": self.world.clock.now().isoformat(), "epoch_ms": self.world.clock.millis()}

    def _set_clock(self, request: Request) -> dict[str, Any]:
        given = _object(request)
        clock = self.world.clock
        known = {"set", "advance", "freeze", "rate"}
        if not given or given.keys() - known:
            raise Wrong(f"the clock takes {', '.join(sorted(known))}, and at least one of them")
        if "freeze" in given:
            clock.freeze(frozen=bool(given["freeze"]))
        if "rate" in given:
            clock.pace(_amount(given, "rate"))
        if "set" in given:
            clock.set(_moment(given["set"]))
            clock.run_due()
        if "advance" in given:
            clock.advance(_amount(given, "advance"))
        return self._clock()

    def _knobs(self, request: Request) -> dict[str, Any]:
        return dict(self._vendor(request.segments[1]).knobs)

    def _set_knobs(self, request: Request) -> dict[str, Any]:
        vendor = self._vendor(request.segments[1])
        return _turn(vendor.knobs, _object(request), vendor.name)

    def _courier(self) -> dict[str, Any]:
        return {"knobs": self.world.courier.knobs, "sent": self.world.courier.sent, "lost": self.world.courier.lost}

    def _set_courier(self, request: Request) -> dict[str, Any]:
        _turn(self.world.courier.knobs, _object(request), "the courier")
        return self._courier()

    def _people(self, request: Request) -> Any:
        given = _object(request)
        if "steps" in given:
            number = _number(given["steps"], "steps")
            return {"done": _tried("a step", lambda: self.crowd.step(number))}
        vendor = self._vendor(str(given.get("vendor", "")))
        action, args = str(given.get("action", "")), given.get("args") or {}
        return _tried(f"{vendor.name}'s action {action!r}", lambda: vendor.act(action, args))

    def _reset(self, request: Request) -> dict[str, Any]:
        if request.body:
            self.world.seed = _number(_object(request).get("seed", self.world.seed), "seed")
        self.reset()
        return {"done": True}

    def _vendor(self, name: str) -> Vendor:
        if name not in self.vendors:
            raise Wrong(f"there is no vendor {name!r}; there are {', '.join(sorted(self.vendors))}", 404)
        return self.vendors[name]


def _tried(what: str, do: Callable[[], Any]) -> Any:
    """Let people try something; their slip is told and never ends the simulator."""
    try:
        return do()
    except KeyError as error:
        raise Wrong(f"{what} does not exist, or needs the argument {error}; see docs/simulator.md") from error
    except Exception as error:
        raise Wrong(f"{what} did not work: {error}") from error


def _json(request: Request) -> Any:
    try:
        return request.json()
    except BadJson as error:
        raise Wrong(f"the body is not JSON ({error}); send a JSON object") from error


def _object(request: Request) -> dict[str, Any]:
    given = _json(request)
    if not isinstance(given, dict):
        raise Wrong("the body must be a JSON object")
    return given


def _number(given: Any, name: str) -> int:
    try:
        return int(given)
    except (TypeError, ValueError) as error:
        raise Wrong(f"{name} must be a whole number, not {given!r}") from error


def _amount(given: Mapping[str, Any], name: str) -> float:
    try:
        return float(given[name])
    except (TypeError, ValueError) as error:
        raise Wrong(f"{name} must be a number of seconds or a factor, not {given[name]!r}") from error


def _moment(given: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError as error:
        raise Wrong(f"set must be a moment such as 2026-11-02T09:00:00+00:00, not {given!r}") from error
    if moment.tzinfo is None:
        raise Wrong(f"set must name its time zone, such as {given}+00:00")
    return moment


def _turn(knobs: dict[str, Any], given: Mapping[str, Any], owner: str) -> dict[str, Any]:
    if strange := given.keys() - knobs.keys():
        raise Wrong(f"{owner} has no knob {', '.join(sorted(strange))}; it has {', '.join(sorted(knobs))}")
    knobs.update(given)
    return dict(knobs)
