"""What the commands that run unattended share: a plant behind gates, and an end that waits for no vendor.

Used by `daemon`, `receiver` and `up`. A gate stands before each connection's calls (`sync.work.gate`): a vendor that is
out of order or refuses us is left alone for a while, and none is called any more once the process is told to end.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from connectors.base import Meter
from connectors.errors import NotAuthorised, TryLater
from sync import logs
from sync.cli.exits import Exit
from sync.config import Config
from sync.usage import Usage
from sync.wiring import Plant, assemble, real_now
from sync.work import Gate
from sync.work.gate import Observer


@dataclass(frozen=True, slots=True)
class Guarded:
    """A plant, the gate of each connection, and the event that cuts short all sleeps of its connections."""

    plant: Plant
    gates: Mapping[str, Gate]
    hurry: threading.Event

    def usage(self) -> Usage:
        """Return what keeps this process's part of what is used of each vendor's allowance."""
        owner = self.plant.engine.settings.owner
        return Usage(store=self.plant.store, paces=self.plant.paces, gates=self.gates, owner=owner, now=real_now)

    def shut(self) -> None:
        """Let no further vendor call begin, and end all waiting for one: the process is about to end."""
        for gate in self.gates.values():
            gate.stop()
        self.hurry.set()


def guarded(config: Config, *, observe: Observer = lambda _connection, _endpoint, _status, _seconds: None) -> Guarded:
    """Assemble a configuration behind gates; `observe` is told of every call. Raises what `assemble` raises."""
    hurry = threading.Event()
    gates: dict[str, Gate] = {}

    def sleep(seconds: float) -> None:
        hurry.wait(seconds)

    def gated(name: str, meter: Meter) -> Meter:
        gates[name] = Gate(name, meter, clock=time.monotonic, sleep=sleep, observe=observe)
        return gates[name]

    def refused(name: str, error: NotAuthorised) -> TryLater:
        return gates[name].refuse(error)

    return Guarded(assemble(config, sleep=sleep, around=gated, refused=refused), gates, hurry)


def leave(seconds: float) -> NoReturn:
    """End although a thread waits for a vendor's answer: Python itself would wait for the thread."""
    logs.run(Exit.UNFINISHED, seconds, "STOPPED-01")
    sys.stderr.flush()
    os._exit(Exit.UNFINISHED)
