"""Daemons on a stage's virtual time, in this process."""

from __future__ import annotations

import threading

from connectors.base import Meter
from sync.cli.notices import office_of
from sync.config import load_config
from sync.daemon import Daemon, Schedules
from sync.demo.stage import Stage
from sync.health import Metrics
from sync.usage import Usage
from sync.wiring import assemble
from sync.work import Gate, WorkerSettings

NEVER = {"sweep": "", "full": "", "rollups": "", "verify": "", "cleanup": "", "notices": ""}


def daemon(stage: Stage, owner: str = "one", **jobs: str) -> Daemon:
    """Make one more daemon on the stage's store, vendors and clock."""
    gates: dict[str, Gate] = {}
    metrics = Metrics()

    def gated(name: str, meter: Meter) -> Meter:
        gates[name] = Gate(
            name,
            meter,
            clock=lambda: stage.clock.now().timestamp(),
            sleep=stage.sleep,
            observe=metrics.call,
        )
        return gates[name]

    plant = assemble(
        load_config(stage.config),
        now=stage.clock.now,
        sleep=stage.sleep,
        owner=owner,
        around=gated,
        refused=lambda name, error: gates[name].refuse(error),
    )
    metrics.read(plant.store, stage.clock.now)
    office = office_of(plant)
    return Daemon(
        engine=plant.engine,
        store=plant.store,
        gates=gates,
        metrics=metrics,
        schedules=Schedules({**NEVER, **jobs}),
        settings=WorkerSettings(owner),
        now=stage.clock.now,
        hurry=threading.Event(),
        usage=Usage(store=plant.store, paces=plant.paces, gates=gates, owner=owner, now=stage.clock.now),
        jobs={"notices": office.job} if office else {},
    )


def work(made: Daemon) -> None:
    while made.worker.step() == 0.0:
        pass


def finished(made: Daemon) -> None:
    for future in made._running.values():
        future.result(10)
