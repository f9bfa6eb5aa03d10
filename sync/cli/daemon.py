"""The command that runs unattended: the daemon, until it is told to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import typer

from sync import logs
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, err
from sync.cli.guarded import guarded, leave
from sync.cli.notices import office_of
from sync.cli.stopping import told_to_stop
from sync.cli.workers import free_the_dead
from sync.config import Config, load_config
from sync.daemon import Daemon, Schedules
from sync.health import HealthServer, Metrics
from sync.hooks import Upkeep
from sync.wiring import Plant, real_now
from sync.work import WorkerSettings, runner_for


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(daemon)


def daemon(
    config: ConfigOption = DEFAULT_CONFIG,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where /healthz, /readyz and /metrics are; 0 takes any.")
    ] = None,
) -> None:
    """Keep all onboardings equal, unattended: looks for changes on a schedule and works until told to stop.

    Start as many as wanted, on as many machines as wanted, on one PostgreSQL: each does a part. Ctrl-C or SIGTERM ends
    it within ten seconds; what was begun is finished or handed back. The schedules stand in the configuration.

    Example: closedwon --log-level info daemon

    Exit codes: 0 stopped as told · 2 usage · 3 configuration · 6 the store cannot be reached, or stopped while a vendor
    still had not answered (what it does is looked up by the next one).
    """
    began = time.perf_counter()
    stopping = told_to_stop()
    loaded = load_config(config)
    built = build(loaded)
    free_the_dead(built.plant.store)
    server = HealthServer(
        built.daemon, built.metrics, host=loaded.health.host, port=loaded.health.port if port is None else port
    )
    err.print(f"Running. http://{loaded.health.host}:{server.port}/readyz tells how it is; Ctrl-C ends it.")
    ended = built.daemon.run(stopping)
    server.close()
    logs.spend(built.plant.calls())
    if not ended:
        leave(time.perf_counter() - began)
    built.plant.close()


@dataclass(frozen=True, slots=True)
class Unattended:
    """A daemon that is ready to run, and what it is made of."""

    daemon: Daemon
    plant: Plant
    metrics: Metrics


def build(config: Config) -> Unattended:
    """Make the daemon that a configuration describes; raises what `assemble` raises."""
    metrics = Metrics()
    runner = runner_for(config.engine.runner, config.store.get_secret_value())
    made = guarded(config, observe=metrics.call)
    plant = made.plant
    metrics.read(plant.store, real_now)
    schedules = config.schedules.model_dump()
    zone = schedules.pop("zone")
    engine = plant.engine.settings
    office = office_of(plant)
    return Unattended(
        Daemon(
            engine=plant.engine,
            store=plant.store,
            gates=made.gates,
            metrics=metrics,
            schedules=Schedules(schedules, zone),
            settings=WorkerSettings(engine.owner, batch=engine.batch, lease_seconds=engine.lease_seconds),
            now=real_now,
            hurry=made.hurry,
            begin=plant.urgency.set,
            upkeep=_upkeep(plant),
            usage=made.usage(),
            runner=runner,
            jobs={"notices": office.job} if office else {},
        ),
        plant,
        metrics,
    )


def _upkeep(plant: Plant) -> Upkeep | None:
    """Have the webhooks looked after, where it is said where the vendors reach the receiver."""
    url = plant.config.receiver.url
    return Upkeep(connections=plant.connections, store=plant.store, url=url, now=real_now) if url else None
