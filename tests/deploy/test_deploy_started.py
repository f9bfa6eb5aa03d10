"""One machine, as deploy/systemd describes it, without systemd: its command line, configuration, secrets and probes, started.

The unit's own words and the shipped configuration, with the vendors' addresses set to the simulator's: what a person
edits. The credentials lie in a folder as systemd puts them there, the process works where its state is kept, and what
Compose and Kubernetes probe is asked of it.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from ruamel.yaml import YAML

from simulator.app import Simulator

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "closedwon.service"
SECRETS = {"crm_secret": "simulator-secret", "tracker_token": "simulator-token", "sheets_token": "simulator-token"}


def values(name: str) -> list[str]:
    """Return what the unit says under a name."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def yaml(path: Path) -> list[Any]:
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def credentials(folder: Path, state: Path, urls: dict[str, str]) -> None:
    """Put down what LoadCredential names: the shipped configuration after a person's edits, and secrets."""
    (config,) = yaml(DEPLOY / "systemd" / "config.yaml")
    crm, tracker, sheets = (config["connections"][name] for name in ("crm", "tracker", "sheets"))
    crm |= {"url": urls["salesforce"], "client_id": "closedwon"}
    tracker |= {"url": urls["jira"], "email": "closedwon@example.com"}
    sheets |= {"url": f"{urls['smartsheet']}/2.0", "workspace": "1000000000000001"}
    config["store"] = config["store"].replace("/var/lib/closedwon", str(state))
    config |= {"health": {"port": 0}}
    config["receiver"] |= {"port": 0}
    for one in values("LoadCredential"):
        name = one.partition(":")[0]
        if name != "config.yaml":
            (folder / name).write_text(SECRETS.get(name, f"{name}-0123456789-0123456789") + "\n", encoding="utf-8")
    with (folder / "config.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(config, file)


@contextmanager
def started(tmp_path: Path, urls: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start the unit's command line, with no environment but a path, and wait until it says where it is."""
    given, state = tmp_path / "credentials", tmp_path / "state"
    given.mkdir()
    state.mkdir()
    credentials(given, state, urls)
    (line,) = values("ExecStart")
    program, *words = shlex.split(line.replace("%d", str(given)))
    assert Path(program).name == "closedwon"
    command = [str(Path(sys.executable).parent / "closedwon"), *words, "--json"]
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=state, env={"PATH": os.defpath}, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, (tmp_path / "log").read_text(encoding="utf-8")
        yield process, orjson.loads(told)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def probed() -> Iterator[tuple[str, str]]:
    """Yield port's name and path of everything that Kubernetes asks of its pods."""
    for name in ("daemon", "receiver"):
        deployment = yaml(DEPLOY / "kubernetes" / f"{name}.yaml")[0]
        template = deployment["spec"]["template"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = template["spec"]["containers"][0][probe]["httpGet"]
            yield asked["port"], asked["path"]
        if path := template["metadata"].get("annotations", {}).get("prometheus.io/path"):
            yield "health", path


def test_the_unit_starts_with_the_shipped_configuration_answers_every_probe_and_ends_in_order(tmp_path: Path) -> None:
    with Simulator() as simulator, started(tmp_path, simulator.urls) as (process, told):
        addresses = {"health": told["health"], "hooks": told["receiver"]["url"]}
        assert told["receiver"]["connections"] == ["crm", "sheets", "tracker"]
        for port, path in {*probed()}:
            with urllib.request.urlopen(addresses[port] + path, timeout=60) as answer:
                assert (answer.status, bool(answer.read())) == (200, True), path
        for service, port in (("daemon", "health"), ("receiver", "hooks")):
            _, *check = yaml(DEPLOY / "compose" / "compose.yaml")[0]["services"][service]["healthcheck"]["test"]
            (asked,) = [word for word in shlex.split(check[-1].replace("('", " ").replace("',", " ")) if "//" in word]
            ours = check[-1].replace(asked.rpartition("/")[0], addresses[port]).replace("timeout=4", "timeout=60")
            assert ours != check[-1]
            subprocess.run([sys.executable, "-c", ours], check=True, timeout=120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert (tmp_path / "state" / "closedwon.db").exists()
