"""The way of many machines, as separate processes: three daemons and two receivers on one PostgreSQL, some of them killed.

Each process has its own home, folder and environment, and where the system lets us its own host name: what they share is
the configuration, the database and the vendors. A balancer before the receivers takes them in turn, as a Service does.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync.demo.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.real_time]

ROOT = Path(__file__).parents[2]
PATH = "crm-0123456789-secret-path"
DEALS = 30
SCHEMAS = itertools.count()
TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 60
roles: {engineer: ada@example.com}
phases: [Work]
groups:
  - phase: Work
    tasks:
      - {key: prepare, name: Prepare, audience: both, role: engineer, start: kickoff, days: 2, hours: 2}
      - {key: finish, name: Finish, audience: both, role: engineer, start: kickoff, days: 5, hours: 3}
"""


class Host:
    """One process of Closedwon on what it takes for a machine of its own."""

    def __init__(self, name: str, command: list[str], *, config: Path, folder: Path) -> None:
        self.home = folder / name
        self.home.mkdir()
        shutil.copy(config, self.home / "config.yaml")
        self.log = self.home / "log"
        words = [sys.executable, "-m", "sync.cli", "--log-level", "info", *command, "--config", "config.yaml"]
        if own_names():
            words = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name, *words]
        environment = {"HOME": str(self.home), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TMPDIR": "/tmp"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, cwd=self.home, env=environment, stdout=log, stderr=log)

    def said(self) -> str:
        assert self.process.poll() in {None, -9}, self.log.read_text()
        return self.log.read_text()

    def batches(self) -> int:
        """How many batches it has told of that looked at something."""
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith('{"') and line.endswith("}")]
        return sum(1 for line in lines if line.get("event") == "batch" and line["looked"])

    def port(self) -> int:
        """Where a receiver hears; 0 as long as it does not."""
        urls = [json.loads(line)["url"] for line in self.said().splitlines() if line.startswith('{"url"')]
        return int(urls[0].rpartition(":")[2]) if urls else 0


def own_names() -> bool:
    """Whether this user may give processes host names of their own."""
    tool = shutil.which("unshare")
    return (
        tool is not None and subprocess.run([tool, "--uts", "true"], capture_output=True, check=False).returncode == 0
    )


@contextmanager
def balanced(ports: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Pass connections on to these ports in turn, past one where nobody is; yields the address and who got them."""
    got: list[int] = []

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            first = len(got)
            for number in range(len(ports)):
                port = ports[(first + number) % len(ports)]
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as behind:
                    got.append(port)
                    back = threading.Thread(target=pump, args=(behind, self.request), daemon=True)
                    back.start()
                    pump(self.request, behind)
                    back.join()
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", got
        server.shutdown()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def until(happened: Callable[[], object], what: str, seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.05)


@pytest.fixture
def stage(postgres: sa.Engine, tmp_path: Path) -> Iterator[Stage]:
    """Simulated vendors, and a configuration for all hosts: PostgreSQL, Procrastinate, short leases."""
    schema = f"many_hosts_{next(SCHEMAS)}"
    with postgres.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    address = postgres.url.update_query_dict({"options": f"-csearch_path={schema}"}).set(drivername="postgresql")
    (tmp_path / "small.yaml").write_text(TEMPLATE, encoding="utf-8")
    engine = {"runner": "procrastinate", "settle_seconds": 0, "lease_seconds": 5, "batch": 2}
    store = address.render_as_string(hide_password=False)
    templates = [str(tmp_path / "small.yaml")]
    with Stage(store=store, engine=engine, templates=templates, crm={"hook_path": PATH}) as made:
        made.sleep((datetime.now(UTC) - made.clock.now()).total_seconds() + 60)  # real time never runs ahead of it
        made.sweep()
        yield made


@pytest.fixture
def start(stage: Stage, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    started: list[Host] = []

    def starter(name: str, *command: str) -> Host:
        started.append(Host(name, list(command), config=stage.config, folder=tmp_path))
        return started[-1]

    yield starter
    for host in started:
        host.process.kill()
        host.process.wait()


def test_many_hosts_share_the_work_and_the_death_of_two_costs_nothing(stage: Stage, start: Callable[..., Host]) -> None:
    daemons = [start(f"daemon-{number}", "daemon", "--port", "0") for number in range(3)]
    receivers = [
        start(f"receiver-{number}", "receiver", "--accept-only", "--json", "--port", "0") for number in range(2)
    ]
    until(lambda: all("Running" in host.said() for host in daemons), "the daemons run")
    until(lambda: all(host.port() for host in receivers), "the receivers hear")
    with balanced([host.port() for host in receivers]) as (url, got):
        with stage.simulator.world.lock:
            message = {"object": "Opportunity", "url": f"{url}/hooks/crm/{PATH}", "fields": ["StageName"]}
            stage.simulator.vendors["salesforce"].act("add_outbound_message", message)
        won = win(stage, DEALS // 2)
        until(lambda: stage.plant.store.counts()["onboardings"] >= 3, "work has begun")
        daemons[0].process.kill()
        receivers[0].process.kill()
        won += win(stage, DEALS - len(won))
        until(lambda: finished(stage, len(won)), "all are planned")
        assert len(set(got)) == 2, "both receivers heard"
        # Which of two idle daemons is quicker is chance: give it as many chances as it takes.
        until(lambda: all(host.batches() for host in daemons[1:]) or won.extend(win(stage, 2)), "both do their part")
        until(lambda: finished(stage, len(won)), "all are planned")
    stage.settle()
    stage.sweep()
    proof = stage.prove()
    assert (proof.onboardings, proof.unequal, proof.duplicates, proof.lacking) == (len(won), 0, 0, 0), proof.examples
    assert stage.plant.store.take_events(1) == ()
    assert not [line for host in (*daemons, *receivers) for line in host.said().splitlines() if "DEFECT" in line]


def win(stage: Stage, count: int) -> list[str]:
    return [stage.win(name=f"Deal {number}", account=f"Customer {number}") for number in range(count)]


def finished(stage: Stage, deals: int) -> bool:
    counts = stage.plant.store.counts()
    return counts["onboardings"] == deals and counts["dirty"] == 0 and not stage.plant.store.take_events(1)
