"""The command for whoever runs one process: the daemon and the receiver in one, under one signal.

It is nothing but the two together: `sync.cli.daemon` makes the daemon, `sync.receiver` hears, and what is heard wakes
the daemon's worker in the same moment. On several machines, or behind a load balancer, they are better run apart.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Annotated

import typer

from sync import logs
from sync.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, err, print_json
from sync.cli.daemon import Unattended, build
from sync.cli.guarded import leave
from sync.cli.receiver import HostOption, MaxBodyOption, PortOption, tell_deliveries
from sync.cli.stopping import told_to_stop
from sync.cli.workers import free_the_dead
from sync.config import Config, ReceiverDoc, load_config
from sync.daemon import Daemon
from sync.health import HealthServer
from sync.receiver import MAX_BODY, Receiver, doors_of
from sync.receiver.listening import Listener, listening, streams_of

_LAST_SECONDS = 1.0
"""After the daemon's end, which takes eight at most."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(up)


def up(
    config: ConfigOption = DEFAULT_CONFIG,
    host: HostOption = None,
    port: PortOption = None,
    health_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Where /healthz, /readyz and /metrics are (`health.port`); 0 takes any."),
    ] = None,
    max_body: MaxBodyOption = MAX_BODY,
    json: JsonOption = False,
) -> None:
    """Run everything in one process until told to stop: the daemon, and the receiver where a connection hears.

    The same as `daemon` beside `receiver --accept-only`, but what a vendor tells is worked on at once. Ctrl-C or
    SIGTERM ends both within ten seconds. Start one; for several machines see docs/daemon.md.

    Example: closedwon --log-level info up

    Exit codes: 0 stopped as told · 2 usage, or a port is taken · 3 configuration · 6 the store cannot be reached, or
    stopped while a vendor still had not answered (what it does is looked up by the next one).
    """
    began = time.perf_counter()
    stopping = told_to_stop()
    loaded = load_config(config)
    built = build(loaded)
    free_the_dead(built.plant.store)
    ear = _ear(built, loaded.receiver, host=host, port=port, max_body=max_body)
    streams = streams_of(built.plant.connections)
    with listening(streams, built.plant.engine, built.plant.store, kept=built.daemon.wake) as listeners:
        health = HealthServer(
            Everything(built.daemon, ear, listeners),
            built.metrics,
            host=loaded.health.host,
            port=loaded.health.port if health_port is None else health_port,
        )
        if ear:
            ear.start(stopping)
        _tell(loaded, ear, [each.name for each in listeners], health.port, as_json=json)
        ended = built.daemon.run(stopping)
    health.close()
    logs.spend(built.plant.calls())
    if not (ended and (ear is None or ear.ended())):
        leave(time.perf_counter() - began)
    built.plant.close()


class Ear:
    """The receiver in a thread of its own."""

    def __init__(self, receiver: Receiver, connections: tuple[str, ...]) -> None:
        self.receiver = receiver
        self.connections = connections
        self._thread = threading.Thread(target=receiver.serve, name="receiver", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it hears, or is about to."""
        return self._thread.is_alive()

    def start(self, stopping: threading.Event) -> None:
        """Begin to hear, and hear nobody any more from the moment that `stopping` is set."""
        self._thread.start()
        threading.Thread(target=self._end_with, args=(stopping,), name="receiver-end", daemon=True).start()

    def ended(self) -> bool:
        """Tell whether the last answer was given; the daemon's own end left it time for that."""
        self._thread.join(_LAST_SECONDS)
        return not self.alive

    def _end_with(self, stopping: threading.Event) -> None:
        stopping.wait()
        self.receiver.stop()


@dataclass(frozen=True, slots=True)
class Everything:
    """The health of all parts, for one set of pages."""

    daemon: Daemon
    ear: Ear | None
    listeners: tuple[Listener, ...] = ()

    def ailments(self) -> dict[str, str]:
        """Say what only a restart can mend."""
        deaf = self.ear is not None and not self.ear.alive
        return self.daemon.ailments() | ({"receiver": "it has ended"} if deaf else {})

    def troubles(self) -> dict[str, str]:
        """Say what does not work at present."""
        deaf = {each.name: each.trouble for each in self.listeners if each.trouble}
        return self.daemon.troubles() | deaf


def _ear(built: Unattended, doc: ReceiverDoc, *, host: str | None, port: int | None, max_body: int) -> Ear | None:
    """Make the receiver, where a connection hears."""
    doors = doors_of(built.plant.connections)
    if not doors:
        return None
    served = Receiver(
        doors=doors,
        store=built.plant.store,
        host=doc.host if host is None else host,
        port=doc.port if port is None else port,
        max_body=max_body,
        kept=built.daemon.wake,
        told=tell_deliveries,
        healthy=lambda: not built.daemon.ailments(),
    )
    built.metrics.hear(lambda: dict(served.tallies))
    return Ear(served, tuple(sorted(doors)))


def _tell(config: Config, ear: Ear | None, streams: list[str], port: int, *, as_json: bool) -> None:
    """Say where everything is."""
    health = f"http://{config.health.host}:{port}"
    if as_json:
        heard = {"url": ear.receiver.url, "connections": ear.connections} if ear else None
        print_json({"health": health, "receiver": heard, "streams": streams})
        return
    err.print(f"Running. {health}/readyz tells how it is; Ctrl-C ends it.", markup=False)
    if ear:
        err.print(f"Hearing {', '.join(ear.connections)} at {ear.receiver.url}/hooks/.", markup=False)
    if streams:
        err.print(f"Listening to {', '.join(streams)}.", markup=False)
    elif ear is None:
        err.print("No connection has a hook_path, so nothing is heard: changes are found by looking.", markup=False)
