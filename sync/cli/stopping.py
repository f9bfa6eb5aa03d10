"""Hears SIGTERM and Ctrl-C at once, whatever the main thread is at; for the commands that run until told to stop.

Used by `daemon` and `up`. A handler of Python's runs in the main thread when that comes round to it: a signal which
another thread received, or which came just before a wait, would be noticed when the wait is over, a minute later. And
a handler that sets the very event which is being waited for may wait for itself. So a thread waits for the byte that
the interpreter writes for every signal (`signal.set_wakeup_fd`). It ends nothing by itself.
"""

from __future__ import annotations

import signal
import socket
import threading

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def told_to_stop() -> threading.Event:
    """Return an event that is set when this process is told to stop. To be called once, in the main thread."""
    stopping = threading.Event()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # as `set_wakeup_fd` demands
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(ours, theirs, stopping), name="signals", daemon=True).start()
    return stopping


def _wait(ours: socket.socket, theirs: socket.socket, stopping: threading.Event) -> None:
    """Wait for one of the signals. Both ends are held here for as long as the process lives."""
    with ours, theirs:
        while byte := ours.recv(1):
            if byte[0] in SIGNALS:
                stopping.set()
