"""The processes of the soak test: started as operators start them, killed as machines kill them, started again.

Used by `bench/soak.py`. Each writes to a log file of its own, which is searched for defects at the end.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 120.0
STOP_SECONDS = 10.0
"""What the manual promises of SIGTERM."""


class Served:
    """One command that runs until it is killed or stopped."""

    def __init__(self, name: str, command: Sequence[str], *, config: Path, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "sync.cli", "--log-level", "info", *command, "--config", str(config)]
        self._process: subprocess.Popen[bytes] | None = None
        self._from = 0

    def start(self) -> None:
        """Start it; it may be a while until it is `up`."""
        with self.log.open("ab") as log:
            self._from = log.tell()
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)

    @property
    def said(self) -> str:
        """What it has said since it was last started."""
        return self.log.read_bytes()[self._from :].decode()

    @property
    def up(self) -> bool:
        """Whether it has said that it works."""
        return "Ctrl-C ends it" in self.said or bool(self._url)

    @property
    def dead(self) -> bool:
        """Whether it ended."""
        return self._process is None or self._process.poll() is not None

    def wait(self) -> None:
        """Return once it is up; raises RuntimeError when it ends instead."""
        end = time.monotonic() + START_SECONDS
        while not self.up:
            if self.dead or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start: {self.said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it as a machine that is switched off would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def tell_to_stop(self) -> None:
        """Send what an operator or a supervisor sends first."""
        assert self._process is not None
        self._process.terminate()

    def ended(self, began: float) -> str:
        """Wait for its end; return "" when it came in time and in order since `began`, else what happened."""
        assert self._process is not None
        try:
            code = self._process.wait(timeout=6 * STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"{self.name} had to be killed"
        took = time.monotonic() - began
        if took > 4 * STOP_SECONDS:  # since the machine may be busy with something else
            return f"{self.name} took {took:.0f} s to stop"
        return "" if code == 0 else f"{self.name} ended with {code}"

    def revive(self) -> None:
        """Start it where it is dead, and wait until it is up."""
        if self.dead:
            self.start()
        self.wait()

    def keep_port(self) -> str:
        """Have it listen at the same port whenever it is started again; return its address."""
        url = self._url
        self._command[self._command.index("--port") + 1] = url.rpartition(":")[2]
        return url

    @property
    def _url(self) -> str:
        """Where it hears, as `receiver --json` and `up --json` tell it; "" as long as it does not."""
        said = [json.loads(line) for line in self.said.splitlines() if line.startswith("{") and line.endswith("}")]
        return next((str(url) for told in said if (url := (told.get("receiver") or told).get("url"))), "")


class Reaper:
    """Kills one of the processes every few seconds, whatever it is at, and starts it again as a supervisor would."""

    def __init__(self, served: Sequence[Served], seed: int, *, every: tuple[float, float]) -> None:
        self.kills = 0
        self.fell: list[str] = []
        """Who ended without having been killed."""
        self._served = served
        self._every = every
        self._dice = random.Random(seed)

    def live(self, stopping: threading.Event) -> None:
        """Kill until told to stop."""
        while not stopping.wait(self._dice.uniform(*self._every)):
            for each in self._served:
                if each.dead:
                    self.fell.append(f"{each.name} ended by itself: {each.said[-2000:]}")
                    each.start()
            if ready := [each for each in self._served if each.up]:
                victim = self._dice.choice(ready)
                victim.kill()
                self.kills += 1
                victim.start()


def defects(served: Sequence[Served]) -> Iterator[str]:
    """Find what no failure of a vendor explains: defects that were logged, and tracebacks."""
    for each in served:
        for line in each.log.read_text(errors="replace").splitlines():
            if "DEFECT-01" in line or line.startswith("Traceback") or "BRAKE-" in line:
                yield f"{each.name}: {line}"


def stop(served: Sequence[Served]) -> list[str]:
    """Stop all in order; return what was not in order."""
    for each in served:
        each.revive()
    began = time.monotonic()
    for each in served:
        each.tell_to_stop()
    return [text for each in served if (text := each.ended(began))]


def look_at_all(config: Path) -> None:
    """Have an operator look at everything, as after an outage. It may leave a part to the daemons that run: exit 6."""
    command = [sys.executable, "-m", "sync.cli", "reconcile", "--all", "--config", str(config)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=300)


def together(seconds: float, *doings: Callable[[threading.Event], None]) -> None:
    """Do several things at once for so many seconds; an event tells each to stop. Raises what one of them raises."""
    stopping = threading.Event()
    failures: list[BaseException] = []

    def noting(doing: Callable[[threading.Event], None]) -> None:
        try:
            doing(stopping)
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            failures.append(error)
            stopping.set()

    threads = [threading.Thread(target=noting, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    stopping.wait(seconds)
    stopping.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
