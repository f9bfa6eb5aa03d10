"""What a command that runs for months keeps in memory: nothing that it will never use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEVER_USED = {
    "simulator",
    "sync.demo",
    "alembic",
    "psycopg",
    "procrastinate",
    "holidays.countries",
    "grpc",
    "opentelemetry",
    "xlsxwriter",
    "prompt_toolkit",
}
"""By a daemon on SQLite that has nothing to do."""
PROGRAM = f"""
import json, sys
from pathlib import Path
import sync.cli.app
from sync.cli.daemon import build
from sync.config import load_config
build(load_config(Path("config.yaml"))).plant.close()
print(json.dumps(sorted({NEVER_USED!r} & sys.modules.keys())))
"""


def build_once(folder: Path) -> list[str]:
    """Make a daemon in a process of its own; return what it has loaded of what it never uses."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return json.loads(run.stdout)


def test_a_daemon_loads_nothing_that_it_never_uses(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    assert build_once(tmp_path) == ["alembic"]  # the first one makes the tables
    assert build_once(tmp_path) == []
