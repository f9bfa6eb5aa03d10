"""SIGTERM is heard at once, even when another thread receives it and the main thread waits for something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import signal, threading, time
from sync.cli.stopping import told_to_stop

stopping = told_to_stop()

def receive():
    time.sleep(0.3)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.{number})

threading.Thread(target=receive).start()
began = time.monotonic()
assert stopping.wait(60)
print(time.monotonic() - began)
"""


@pytest.mark.real_time
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_that_another_thread_receives_is_not_noticed_only_when_the_wait_is_over(number: str) -> None:
    """Found by the soak test: a daemon worked on until its schedule's wait of a minute was over."""
    command = [sys.executable, "-c", SCRIPT.format(number=number)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 30
