"""What the conformance rigs of our three connectors have in common: a simulated vendor on frozen virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from simulated_sending import Box, SimulatedSending

from connectors.base import Connector, Create, DictMemory, Fields, FreeMeter, Kind, Ref
from connectors.conformance import LATE, At, Break
from simulator.clock import Clock
from simulator.server import App, Servers, World

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TOKEN = "simulator-token"
ODD = " Ünïcödé — 漢字 🚀 <b>&amp;</b> \"two\" 'one' \\ {code} ${x} %s =1+1 "
FAULTS: Mapping[Break, tuple[str, Mapping[str, Any]]] = {
    Break.COMMIT_THEN_DROP: ("drop_after", {}),
    Break.DROP_BEFORE: ("drop_before", {}),
    Break.LATE_COMMIT: ("late_commit", {"seconds": LATE}),
    Break.TRUNCATE: ("truncate", {}),
    Break.HTML: ("html", {"status": 502}),
}


class Served:
    """One server for all rigs of a vendor; each rig hangs a vendor of its own into it."""

    def __init__(self, vendor_class: type[Any]) -> None:
        self.vendor_class = vendor_class
        world = World()
        self.app = App(vendor_class(world), world)
        self.servers = Servers({"vendor": (self.app, 0)})
        self.servers.start()
        self.url = self.servers.url("vendor")

    def stop(self) -> None:
        self.servers.stop()


class SimulatedRig(SimulatedSending):
    """What the three have in common."""

    keyed: ClassVar[tuple[Kind, ...]]
    fields: ClassVar[Mapping[Kind, tuple[str, ...]]]
    patterns: ClassVar[Mapping[At, str]]
    signed_out_once: ClassVar[str] = "token_expired"
    login: ClassVar[str] = ""
    busy: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, served: Served, **knobs: Any) -> None:
        self.world = World(clock=Clock(START, frozen=True), seed=1)
        self.world.courier = self.box = Box(self.world.lock)
        self.vendor: Any = served.vendor_class(self.world)
        self.vendor.knobs.update(knobs)
        self.url = served.url
        served.app.world, served.app.vendor = self.world, self.vendor
        self.memory = DictMemory()
        self._edits = 0

    def connect(self, memory: DictMemory) -> Connector:
        raise NotImplementedError

    def collaborators(self, memory: DictMemory) -> dict[str, Any]:
        return {
            "fields": self.fields,
            "memory": memory,
            "meter": FreeMeter(),
            "clock": self.now,
            "sleep": self.advance,
        }

    def build(self) -> Connector:
        self.memory = DictMemory()
        return self.connect(self.memory)

    def reopen(self) -> Connector:
        return self.connect(self.memory)

    def notes(self) -> Mapping[str, str]:
        return self.memory.notes

    def now(self) -> datetime:
        return self.world.clock.now()

    def advance(self, seconds: float) -> None:
        with self.world.lock:
            self.world.clock.advance(seconds)

    def break_next(self, how: Break, at: At | None = None, *, retry_after: str | None = None) -> None:
        pattern = "*" if at is None else self.patterns[at]
        if how is Break.SIGNED_OUT:
            self.sign_out()
        elif how is Break.DOWN:
            self.world.faults.add("drop_before", times=None)
        elif how is Break.SIGNED_OUT_ONCE:
            self.world.faults.add(self.signed_out_once, endpoint=pattern)
        elif how is Break.RATE_LIMIT:
            headers = {} if retry_after is None else {"Retry-After": retry_after}
            answer = {"status": 429, "body": dict(self.busy), "headers": headers}
            self.world.faults.add("status", endpoint=pattern, args=answer)
        else:
            fault, args = FAULTS[how]
            self.world.faults.add(fault, endpoint=pattern, args=dict(args))

    def heal(self) -> None:
        self.world.faults.clear()
        self.sign_in()

    def sign_out(self) -> None:
        raise NotImplementedError

    def sign_in(self) -> None:
        raise NotImplementedError

    def calls(self) -> int:
        return self.world.count(self.vendor.name, but=(self.login,))

    def sign_ins(self) -> int:
        return self.world.calls[self.vendor.name, self.login]

    def act(self, action: str, **args: Any) -> dict[str, Any]:
        with self.world.lock:
            done: dict[str, Any] = self.vendor.act(action, args)
            return done

    def again(self, kind: Kind, write_key: str, ref: Ref) -> None:
        """Create the same record once more, as a program does that knows nothing of the first."""
        plan = Ref(ref.container) if kind is Kind.TASK else None
        connector = self.connect(DictMemory())
        list(connector.write([Create(write_key, kind, self.samples(kind)[0], plan=plan)]))
        connector.close()

    def new_text(self) -> str:
        self._edits += 1
        return f"edited by a person {self._edits}"

    def samples(self, kind: Kind) -> Sequence[Fields]:
        raise NotImplementedError

    def person_plans(self, name: str, tasks: Sequence[str]) -> Ref:
        raise NotImplementedError

    def win_deal(self, closed: date, *, lines: int = 1, won: bool = True) -> str:
        raise NotImplementedError

    def log_time(self, ref: Ref, seconds: int) -> str:
        raise NotImplementedError

    def seconds(self, ref: Ref) -> int:
        raise NotImplementedError

    def edit_time(self, entry: str, seconds: int) -> None:
        raise NotImplementedError

    def move_time(self, entry: str, ref: Ref) -> None:
        raise NotImplementedError

    def delete_time(self, entry: str) -> None:
        raise NotImplementedError
