"""Frees what a killed command still holds, so that the next one goes on at once instead of after the lease.

Called when a command opens the store. Only a worker of this machine whose process is gone is taken for dead; whoever
works elsewhere keeps its lease until that ends. Machines (and containers) that share a store need names of their own,
which they have unless somebody gave two the same.
"""

from __future__ import annotations

import os
import socket

from sync.store import Store


def free_the_dead(store: Store) -> None:
    """Give back the leases of this machine's workers that are no more; their half-done creates are looked up first."""
    for owner in store.owners():
        if is_gone(owner):
            store.disown(owner)


def is_gone(owner: str) -> bool:
    """Tell whether an owner is a process of this machine that is no more."""
    host, _, pid = owner.rpartition(":")
    return host == socket.gethostname() and pid.isdigit() and not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
