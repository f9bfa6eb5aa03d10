"""Listens to streams of events that we fetch ourselves: each in a thread, its events kept as webhooks' are.

Started by `closedwon receiver` and `closedwon up` for connections that can (`connectors.streams.Listening`). The order
is the law here too: what a stream told is on disk before its place is, so that a kill between the two costs a
repetition, which the store knows as one. It does no work and knows no vendor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from connectors.base import Connector
from connectors.errors import ConnectorError, TryLater
from connectors.streams import Heard, Listening, Stream
from sync import logs
from sync.core.unattended import UnattendedStore
from sync.engine import Engine, look_back
from sync.store import StoreUnavailable

REFUSED_PAUSE = 300.0
"""Seconds before a stream is tried again that only a person's doing can open."""
LONGEST_PAUSE = 60.0
LAST_SECONDS = 1.0
"""What a listener that is told to end gets for the commit that it is at."""

LookBack = Callable[[str, str], int]
"""Given a connection and a cursor of its changes: have everything since looked at, and say how much that is."""


class Listener:
    """One stream's thread. `kept` is called after each commit that held something new.

    `pause` is the first wait after a failure, in seconds; it doubles up to a minute.
    """

    def __init__(
        self,
        connection: str,
        stream: Stream,
        *,
        store: UnattendedStore,
        look_back: LookBack,
        kept: Callable[[], None] = lambda: None,
        pause: float = 1.0,
    ) -> None:
        self.connection = connection
        self.trouble = ""
        """The code of what keeps this stream from being heard, "" when nothing does."""
        self.name = stream.name
        self._stream = stream
        self._feed = f"stream {stream.name}"
        self._store = store
        self._look_back = look_back
        self._kept = kept
        self._pause = pause
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=f"listen-{connection}", daemon=True)

    def start(self) -> None:
        """Begin where the last process ended."""
        self._thread.start()

    def end(self) -> None:
        """Hear nothing any more, from now on."""
        self._stopping.set()
        self._stream.close()

    def stop(self, seconds: float = LAST_SECONDS) -> None:
        """End, after the commit that it is at; a look back that hangs is left alone, since its place is not kept."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join(timeout=seconds)

    def run(self) -> None:
        """Listen until told to stop, again and again; no failure ends it."""
        while not self._stopping.is_set():
            code, pause = self._listen()
            if self._stopping.is_set():
                return
            self._say(code)
            self._stopping.wait(pause)

    def _listen(self) -> tuple[str, float]:
        """Listen until the stream ends; return the code of why, and how long to wait."""
        try:
            for heard in self._stream.hear(self._store.cursor(self.connection, self._feed)):
                self._keep(heard)
                self._failures = 0
                self._say("")
        except TryLater as error:
            return error.code, max(error.delay, self._longer())
        except ConnectorError as error:
            return error.code, REFUSED_PAUSE
        except StoreUnavailable:
            return "STORE-01", self._longer()
        except Exception as error:  # noqa: BLE001 - a defect in one stream must not end the others, or the receiver
            return f"DEFECT-01: {type(error).__name__}", self._longer()
        return "", self._longer()

    def _longer(self) -> float:
        """Return a wait that doubles with each failure since something was heard."""
        self._failures += 1
        return float(min(LONGEST_PAUSE, self._pause * 2.0 ** min(self._failures - 1, 10)))

    def _keep(self, heard: Heard) -> None:
        """Keep the events, then what was missed, and only then the place."""
        news = self._store.accept(self.connection, [(event.id, event.ids) for event in heard.events])
        if heard.missed:
            count = self._look_back(self.connection, heard.missed)
            logs.happened("gap", grave=True, name=self.connection, onboardings=count)
        self._store.advance(self.connection, self._feed, heard.place)
        if news or heard.missed:
            self._kept()

    def _say(self, code: str) -> None:
        if code != self.trouble:
            logs.happened("trouble" if code else "recovered", grave=bool(code), code=code, name=self.connection)
        self.trouble = code


def streams_of(connections: Mapping[str, Connector]) -> list[tuple[str, Stream]]:
    """Return the streams of all connections that can listen and are configured to."""
    able = {name: each for name, each in connections.items() if isinstance(each, Listening)}
    return [(name, stream) for name, each in able.items() for stream in each.streams()]


@contextmanager
def listening(
    streams: Sequence[tuple[str, Stream]],
    engine: Engine,
    store: UnattendedStore,
    *,
    kept: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Listener, ...]]:
    """Listen to these streams, each of a connection of the engine's, until the block ends."""

    def back(connection: str, cursor: str) -> int:
        connector = engine.connections[connection]
        return len(look_back(connection, connector, cursor, store=engine.store, mappings=engine.mappings))

    listeners = tuple(Listener(name, each, store=store, look_back=back, kept=kept) for name, each in streams)
    for each in listeners:
        each.start()
    try:
        yield listeners
    finally:
        for each in listeners:
            each.end()
        for each in listeners:
            each.stop()
