"""Puts the parts together: configuration in, a ready engine out. The only place that knows which class is which.

Called by the commands, the demo and the tests. Clocks, sleeps and the store's address are arguments, so that the same
wiring runs on the simulator's virtual time. It decides nothing that an operator could notice.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from connectors.base import Capability, Connector, Kind, Memory, Meter
from connectors.pace import Pace
from mappings.load import load_mappings, load_templates
from mappings.model import MappingSet
from mappings.templates import Template
from sync.config import Config, ConnectionConfig
from sync.core.guard import Limits
from sync.core.unattended import Rate
from sync.engine import Engine, Settings
from sync.engine.partial import Refusal, stops_all
from sync.engine.report import Report
from sync.engine.traced import TracedEngine
from sync.governor import Governor, Urgency
from sync.store import Store
from sync.traces_config import collector

if TYPE_CHECKING:
    from sync.traces import Traces


class Unwired(Exception):
    """The parts do not fit together; the message says what to change in config.yaml."""


class Forgetful:
    """A Memory that reads the store's notes and keeps new ones for as long as the process lives."""

    def __init__(self, kept: Memory) -> None:
        self._kept = kept
        self._new: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """Return the newest note or None."""
        return self._new.get(key, self._kept.get(key))

    def put(self, key: str, value: str) -> None:
        """Keep the note until the process ends."""
        self._new[key] = value

    def alone(self, _name: str) -> AbstractContextManager[None]:
        """Hold nothing: who writes nothing is in nobody's way."""
        return nullcontext()


@dataclass
class Plant:
    """Everything of one running configuration. Close it when done."""

    config: Config
    store: Store
    engine: Engine
    crm: str
    mappings: MappingSet
    templates: tuple[Template, ...]
    connections: Mapping[str, Connector]
    paces: Mapping[str, Pace]
    urgency: Urgency
    traces: Traces | None = None

    def calls(self) -> dict[str, int]:
        """Return how many calls each connection made so far."""
        return {name: pace.total for name, pace in self.paces.items()}

    def close(self) -> None:
        """Close all sessions and the store."""
        for connector in self.connections.values():
            connector.close()
        self.store.close()
        if self.traces:
            self.traces.close()


def real_now() -> datetime:
    """Return the machine's time, aware, in UTC."""
    return datetime.now(UTC)


def assemble(
    config: Config,
    *,
    now: Callable[[], datetime] = real_now,
    sleep: Callable[[float], None] = time.sleep,
    progress: Callable[[Report], None] = lambda _report: None,
    owner: str = "",
    around: Callable[[str, Meter], Meter] = lambda _name, meter: meter,
    refused: Refusal = stops_all,
    looking: bool = False,
) -> Plant:
    """Build the engine that a configuration describes; raises Problems, Unwired and the store's errors.

    `around` may put something around each connection's meter, such as the daemon's gate; `refused` may keep one that
    refuses us from stopping the others. `looking` is for commands that write nothing: what connectors note while they
    look is forgotten with the process.
    """
    mappings = load_mappings(config.mapping)
    templates = load_templates(config.templates, mappings)
    unknown = [name for name in mappings.connections if name not in config.connections]
    if unknown:
        raise Unwired(
            f"{config.mapping.name} speaks of connection {', '.join(unknown)}, which {config.file} does not have. "
            "Name the connections alike in both files."
        )
    store = Store.open(config.store.get_secret_value(), clock=now)
    # A shared pace is kept by the governor, so that here it only counts.
    paces = {
        name: Pace(0 if one.pace.shared else one.pace.per_minute, one.pace.burst, sleep=sleep)
        for name, one in config.connections.items()
    }
    urgency = Urgency()
    traces = _traces(config)
    meters = {
        name: around(name, _governed(one, paces[name], store, urgency, sleep))
        for name, one in config.connections.items()
    }
    if traces:
        meters = {name: traces.around(name, meter) for name, meter in meters.items()}
    memories = {name: Forgetful(store.memory(name)) if looking else store.memory(name) for name in config.connections}
    connections = {
        name: _connector(one, mappings, memories[name], meters[name], now, sleep)
        for name, one in config.connections.items()
    }
    crms = [name for name, one in connections.items() if Capability.DEALS in one.capabilities]
    if len(crms) != 1:
        raise Unwired(f"{config.file} must have exactly one connection with deals; it has {len(crms)}.")
    engine = (partial(TracedEngine, tracer=traces) if traces else Engine)(
        store=store,
        crm=crms[0],
        connections=connections,
        mappings=mappings,
        templates=templates,
        settings=_settings(config, owner),
        now=now,
        sleep=sleep,
        progress=progress,
        refused=refused,
    )
    blind = sorted((mappings.plan.matches.keys() & connections.keys()) - engine.recogniser.able)
    if blind:
        raise Unwired(
            f"{config.mapping.name} says by what existing plans are known at {', '.join(blind)}, where nobody can find "
            "them: the connector cannot, or its plans share sheets. Remove `match` there, or choose another layout."
        )
    return Plant(config, store, engine, crms[0], mappings, templates, connections, paces, urgency, traces)


def _traces(config: Config) -> Traces | None:
    """Make what sends traces, if they are wanted; only then is any of it imported."""
    where = collector(config.traces, os.environ)
    if where is None:
        return None
    from sync.traces import Traces  # noqa: PLC0415

    return Traces(where)


def _connector(
    one: ConnectionConfig,
    mappings: MappingSet,
    memory: Memory,
    meter: Meter,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Connector:
    objects = {
        Kind.DEAL: mappings.deal,
        Kind.LINE: mappings.lines,
        Kind.ONBOARDING: mappings.onboarding,
        Kind.PLAN: mappings.plan,
        Kind.TASK: mappings.task,
    }
    return one.factory(
        one.settings,
        name=one.name,
        fields={kind: mapping.fields_of(one.name) for kind, mapping in objects.items()},
        columns=mappings.columns(one.name),
        memory=memory,
        meter=meter,
        clock=now,
        sleep=sleep,
    )


def _governed(
    one: ConnectionConfig, pace: Pace, store: Store, urgency: Urgency, sleep: Callable[[float], None]
) -> Meter:
    """Share a connection's pace with all processes, where the configuration says so."""
    asked = one.pace
    if not (asked.shared or asked.reserve):
        return pace
    rate = Rate(asked.per_minute, asked.burst) if asked.shared and asked.per_minute else None
    return Governor(one.name, pace, purse=store, rate=rate, reserve=asked.reserve, urgency=urgency, sleep=sleep)


def _settings(config: Config, owner: str) -> Settings:
    engine = config.engine
    brakes = engine.brakes
    return Settings(
        owner=owner or f"{socket.gethostname()}:{os.getpid()}",
        batch=engine.batch,
        lease_seconds=engine.lease_seconds,
        settle_seconds=engine.settle_seconds,
        patience=engine.patience_seconds,
        limits=Limits(brakes.changed_share, brakes.missing_share, brakes.floor),
    )
