"""A process that listens and dies by SIGKILL between keeping what it heard and keeping its place.

Arguments: the configuration's path. It prints nothing and never ends by itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from sync.config import load_config
from sync.receiver.listening import listening, streams_of
from sync.wiring import assemble


class Dying:
    """The store, which kills its process at the first place that is to be kept after an event was."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._kept = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def accept(self, connection: str, events: Any) -> int:
        self._kept += self._store.accept(connection, events)
        return self._kept

    def advance(self, connection: str, feed: str, cursor: str) -> None:
        if feed.startswith("stream ") and self._kept:
            os.kill(os.getpid(), signal.SIGKILL)
        self._store.advance(connection, feed, cursor)


if __name__ == "__main__":
    plant = assemble(load_config(Path(sys.argv[1])))
    with listening(streams_of(plant.connections), plant.engine, Dying(plant.store)):
        threading.Event().wait()
