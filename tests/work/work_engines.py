"""One way of running work, with the processes that run it; made by the fixture `engine`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sync.store import Store

DESK = Path(__file__).with_name("work_desk.py")


@dataclass
class Engine:
    """A runner on a database, and the processes that were started on it."""

    runner: str
    url: str
    store: Store
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, owner: str, *, lease: float = 2.0, deadline: float = 60.0, sweep: str = ""
    ) -> subprocess.Popen[str]:
        """Start a process and wait until it works."""
        words = [str(DESK), self.url, self.runner, owner, str(lease), str(deadline), sweep]
        process = subprocess.Popen(
            [sys.executable, *words],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(DESK.parent.parent.parent)},
        )
        self.started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    def end(self) -> None:
        """End all processes, those too that stand still."""
        for process in self.started:
            process.kill()
            process.communicate()
        self.store.close()
