"""How often Python looks for reference cycles. Called once by every command, and by the benchmarks that measure one."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000


def collect_rarely() -> None:
    """Look for cycles after 20,000 new objects instead of 700.

    A batch holds a million plain records and makes hardly a cycle, so that looking took a seventh of its time. What a
    process that waits may leave lying about until then is two or three megabytes.
    """
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
