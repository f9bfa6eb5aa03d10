"""What a newcomer has: a folder of exports, a simulated org, and a checkout in which the documents' commands are run."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from documents import ROOT, Block

from simulator.load import Loaded, load_folder
from simulator.salesforce import Salesforce
from simulator.server import World

SIMULATOR = re.compile(r"^closedwon simulator\b.*$", re.MULTILINE)
WAIT = """python - <<'END'
import time, urllib.request
for _ in range(1200):
    try:
        urllib.request.urlopen("http://127.0.0.1:{port}/health")
        break
    except OSError:
        time.sleep(0.05)
else:
    raise SystemExit("the simulator did not start")
END"""


@pytest.fixture
def salesforce() -> Salesforce:
    return Salesforce(World(seed=1))


@pytest.fixture
def load(salesforce: Salesforce, tmp_path: Path) -> Callable[..., Loaded]:
    """Load files given by name; `columns.yaml` is one of them."""

    def load(files: dict[str, str | bytes]) -> Loaded:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_folder(salesforce, tmp_path)

    return load


class Checkout:
    """A copy of what a newcomer sees, with this environment as its .venv and ports of its own for the simulator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_ports()
        for name in ("docs", "mappings"):
            shutil.copytree(ROOT / name, folder / name)
        config = (ROOT / "config.yaml").read_text(encoding="utf-8")
        (folder / "config.yaml").write_text(self._elsewhere(config), encoding="utf-8")
        (folder / ".venv").symlink_to(sys.prefix)

    def run(self, blocks: Sequence[Block], *, first: str = "") -> list[str]:
        """Run blocks one after the other in one shell, and return what each printed on stdout."""
        script = ["set -eu", first]
        for block in blocks:
            script += ["echo; echo ::block", self._elsewhere(SIMULATOR.sub(self._in_background, block.text))]
        environment = {"PATH": f"{Path(sys.prefix, 'bin')}:{os.defpath}", "HOME": str(self.folder), "LANG": "C.UTF-8"}
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,  # the ten minutes that a newcomer is promised
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout.split("\n::block\n")[1:]

    def _in_background(self, command: re.Match[str]) -> str:
        start = f"{command[0]} --port {self.port} 2>simulator.log &\ntrap 'kill {{0}}' EXIT".format("$!")
        return f"{start}\n{WAIT.format(port=self.port)}\ncat simulator.log"

    def _elsewhere(self, text: str) -> str:
        return re.sub(r"\b870([0-3])\b", lambda match: str(self.port + int(match[1])), text)


def _free_ports() -> int:
    """Return the first of four free ports in a row."""
    for _ in range(100):
        first = random.randrange(20_000, 32_000)
        try:
            for port in range(first, first + 4):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no four free ports in a row")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)
