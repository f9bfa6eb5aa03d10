"""Processes that tests start, kill and stop; forked from a server that has everything imported and the usual files read.

Starting Python anew, importing and reading the mapping would cost each of them more than the test does. They are
processes like any other.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = [HERE, HERE / "engine", HERE / "work"]
PRELOADED = ["forked_warm", "killed_victim", "work_desk"]


def processes() -> ForkServerContext:
    """Return what makes such processes; their server is started by whoever asks first."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, FOLDERS))  # the server has no other way to find these
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context
