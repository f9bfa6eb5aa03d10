"""What stands in deploy/: it parses, its command lines and configurations are what this Closedwon takes, no secret is in it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from sync.cli.app import app
from sync.config import Config, HealthDoc, ReceiverDoc, load_config

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SECRETS = "/run/secrets/"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
CONFIGS = [DEPLOY / "systemd" / "config.yaml", DEPLOY / "compose" / "config.yaml"]


def read(path: Path) -> list[Any]:
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def manifests() -> dict[tuple[str, str], Any]:
    found = [each for path in (DEPLOY / "kubernetes").glob("*.yaml") for each in read(path)]
    named = {(each["kind"], each["metadata"]["name"]): each for each in found}
    assert len(named) == len(found)
    return named


def pod(name: str) -> Any:
    return manifests()["Deployment", name]["spec"]["template"]["spec"]


def services() -> Any:
    return read(COMPOSE)[0]["services"]


def unit(path: Path) -> list[tuple[str, str]]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = [line.partition("=") for line in lines if line and not line.startswith(("#", "["))]
    assert all(sign for _, sign, _ in pairs)
    return [(name, value) for name, _, value in pairs]


def docker_lines() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def taken(words: list[str]) -> None:
    """Have a command line parsed by the command itself, without running it; raises for an unknown word."""
    group = typer.main.get_command(app)
    with group.make_context("closedwon", list(words)) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        with command.make_context(name, rest, parent=context):
            pass


def command_lines() -> Iterator[list[str]]:
    for path in UNITS:
        (line,) = (value for name, value in unit(path) if name == "ExecStart")
        program, *words = shlex.split(line.replace("%d", "/run/credentials/closedwon"))
        assert program.endswith("/bin/closedwon")
        yield words
    docker = dict(docker_lines())
    entry = YAML(typ="safe").load(docker["ENTRYPOINT"])[1:]
    yield [*entry, *YAML(typ="safe").load(docker["CMD"])]
    yield from ([*entry, *services()[name]["command"]] for name in ("daemon", "receiver"))
    for name in ("closedwon-daemon", "closedwon-receiver"):
        yield from ([*entry, *container["args"]] for container in pod(name)["containers"])


@pytest.mark.parametrize("words", list(command_lines()), ids=" ".join)
def test_every_command_line_is_one_that_closedwon_takes(words: list[str]) -> None:
    taken(words)


def test_a_command_line_with_an_unknown_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        taken(["daemon", "--no-such-option"])


def loaded(path: Path, folder: Path) -> Config:
    """Load a shipped configuration with a file for each secret that it names."""
    text = path.read_text(encoding="utf-8").replace(SECRETS, "")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    for name in named_secrets(text):
        value = "postgresql://u:p@db/c" if name == "store" else f"{name}-0123456789-0123456789"
        (folder / name).write_text(value + "\n", encoding="utf-8")
    return load_config(folder / "config.yaml", environment={})


def named_secrets(text: str) -> set[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return {Path(path).name for path in re.findall(r"\{file: ([^}]+)\}", "\n".join(lines))}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_a_shipped_configuration_is_sound_once_its_secrets_are_there(path: Path, tmp_path: Path) -> None:
    config = loaded(path, tmp_path)
    assert set(config.connections) == {"crm", "tracker", "sheets"}
    assert all(one.settings.hook_path is not None for one in config.connections.values())
    assert config.receiver.url == "https://hooks.acme.example"


def test_kubernetes_has_the_configuration_of_compose() -> None:
    data = manifests()["ConfigMap", "closedwon"]["data"]
    assert data == {"config.yaml": CONFIGS[1].read_text(encoding="utf-8")}


def test_ports_are_the_defaults_and_all_files_agree(tmp_path: Path) -> None:
    config = loaded(CONFIGS[1], tmp_path)
    health, hooks = HealthDoc().port, ReceiverDoc().port
    assert (config.health.port, config.receiver.port) == (health, hooks)
    assert (config.health.host, config.receiver.host) == ("0.0.0.0", "0.0.0.0")
    assert dict(docker_lines())["EXPOSE"].split() == [str(hooks), str(health)]
    for name, port in (("daemon", health), ("receiver", hooks)):
        (container,) = pod(f"closedwon-{name}")["containers"]
        (told,) = container["ports"]
        assert told["containerPort"] == port
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            assert asked["port"] == told["name"]
            assert asked["path"] in ({"/healthz", "/readyz"} if name == "daemon" else {"/healthz"})
        assert f":{port}/healthz" in services()[name]["healthcheck"]["test"][-1]
        (ingress,) = manifests()["NetworkPolicy", f"closedwon-{name}"]["spec"]["ingress"]
        assert [each["port"] for each in ingress["ports"]] == [port]
    (service,) = manifests()["Service", "closedwon-receiver"]["spec"]["ports"]
    assert (service["port"], service["targetPort"]) == (hooks, "hooks")
    assert services()["receiver"]["ports"] == [f"127.0.0.1:{hooks}-{hooks + 9}:{hooks}"]
    scraped = manifests()["Deployment", "closedwon-daemon"]["spec"]["template"]["metadata"]["annotations"]
    assert scraped["prometheus.io/port"] == str(health)


def environment_names() -> set[str]:
    """Return the variables that some command takes its options from."""
    found: set[str] = set()
    waiting: list[Any] = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        found |= {str(one.envvar) for one in command.params if getattr(one, "envvar", None)}
        waiting += getattr(command, "commands", {}).values()
    return found


def test_variables_are_the_commands_own_and_paths_lead_to_what_is_mounted_there() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and "salesforce" not in path.parts]
    named = {name for path in files for name in re.findall(r"CLOSEDWON_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert named == {"CLOSEDWON_CONFIG"}
    assert named <= environment_names()
    (place,) = re.findall(r"CLOSEDWON_CONFIG=(\S+)", " ".join(rest for word, rest in docker_lines() if word == "ENV"))
    for name in ("daemon", "receiver"):
        assert [each["target"] for each in services()[name]["configs"]] == [place]
        assert services()[name]["tmpfs"] == ["/tmp"]
        paths = {
            mount["name"]: mount["mountPath"] for mount in pod(f"closedwon-{name}")["containers"][0]["volumeMounts"]
        }
        assert paths == {"config": str(Path(place).parent), "secrets": "/run/secrets", "tmp": "/tmp"}
    for path in UNITS:
        told = dict(unit(path))
        assert told["WorkingDirectory"] == f"/var/lib/{told['StateDirectory']}"
        assert f"sqlite:///{told['WorkingDirectory']}/" in CONFIGS[0].read_text(encoding="utf-8")
        assert told["Documentation"] == "file:/opt/closedwon/" + str((DEPLOY / "README.md").relative_to(ROOT))
    data = services()["postgres"]
    assert data["environment"]["POSTGRES_PASSWORD_FILE"] == f"{SECRETS}{data['secrets'][0]}"


def test_every_secret_that_a_configuration_names_is_handed_over_and_no_other() -> None:
    needed = named_secrets(CONFIGS[0].read_text(encoding="utf-8"))
    for path in UNITS:
        given = dict(value.split(":") for name, value in unit(path) if name == "LoadCredential")
        assert given.pop("config.yaml") == "/etc/closedwon/config.yaml"
        assert all(source == f"/etc/closedwon/secrets/{name}" for name, source in given.items())
        assert given.keys() - {"store"} == needed
        assert ("store" in given) == (path.stem != "closedwon")
    compose = read(COMPOSE)[0]
    shared = named_secrets(CONFIGS[1].read_text(encoding="utf-8"))
    for name in ("daemon", "receiver"):
        assert set(compose["services"][name]["secrets"]) == shared
    assert compose["secrets"].keys() == shared | {"postgres_password"}
    for name in ("closedwon-daemon", "closedwon-receiver"):
        mounts = {mount["name"]: mount["mountPath"] for mount in pod(name)["containers"][0]["volumeMounts"]}
        assert mounts["secrets"] + "/" == SECRETS


def literal_secrets(data: Any, at: str = "") -> Iterator[str]:
    """Name places that are called like a secret and hold a text, not the name of a file."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            secret = re.search(r"secret|token|password|hook_path", str(name), re.IGNORECASE)
            file = str(name).endswith("_FILE") or str(name) == "secretName"
            if secret and isinstance(value, str) and not file:
                yield f"{at}/{name}"
            yield from literal_secrets(value, f"{at}/{name}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from literal_secrets(value, f"{at}/{number}")


def test_no_secret_stands_in_any_file() -> None:
    for path in [*CONFIGS, COMPOSE, *(DEPLOY / "kubernetes").glob("*.yaml")]:
        assert [place for each in read(path) for place in literal_secrets(each)] == []
    assert list(literal_secrets({"a": [{"api_token": "x"}]})) == ["/a/0/api_token"]
    assert "Secret" not in {kind for kind, _ in manifests()}
    ignored = (DEPLOY / "compose" / ".gitignore").read_text(encoding="utf-8").split()
    assert ignored == ["secrets/"]


def test_whoever_is_told_to_stop_has_the_time_that_it_needs() -> None:
    assert all(dict(unit(path))["TimeoutStopSec"] == "15" for path in UNITS)
    assert all(services()[name]["stop_grace_period"] == "15s" for name in ("daemon", "receiver"))
    assert all(pod(f"closedwon-{name}")["terminationGracePeriodSeconds"] == 15 for name in ("daemon", "receiver"))


def test_the_manifests_select_what_they_mean() -> None:
    found = manifests()
    replicas = {name: found["Deployment", f"closedwon-{name}"]["spec"]["replicas"] for name in ("daemon", "receiver")}
    assert replicas == {"daemon": 3, "receiver": 2}
    for name in replicas:
        spec = found["Deployment", f"closedwon-{name}"]["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"] == labels
        assert found["PodDisruptionBudget", f"closedwon-{name}"]["spec"]["selector"]["matchLabels"] == labels
        assert found["NetworkPolicy", f"closedwon-{name}"]["spec"]["podSelector"]["matchLabels"] == labels
        names = {volume["name"] for volume in spec["template"]["spec"]["volumes"]}
        assert {mount["name"] for mount in spec["template"]["spec"]["containers"][0]["volumeMounts"]} == names
    assert found["Service", "closedwon-receiver"]["spec"]["selector"].items() <= (
        found["Deployment", "closedwon-receiver"]["spec"]["template"]["metadata"]["labels"].items()
    )


def test_the_image_is_made_of_locked_hashes_by_no_named_index_and_runs_as_nobody_special() -> None:
    lines = docker_lines()
    text = "\n".join(f"{word} {rest}" for word, rest in lines)
    assert not re.search(r"https?://(?!127\.0\.0\.1)|--(extra-)?index", text)
    assert "--require-hashes --only-binary :all:" in text
    lock = dict(rest.split("=", 1) for word, rest in lines if word == "ARG")["LOCK"]
    assert (ROOT / lock).exists()
    copied = [name for word, rest in lines if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    kept_out, *let_in = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n*\n")
    assert kept_out.startswith("#")
    assert {f"!{name}" for name in copied} == {line for line in "\n".join(let_in).split() if line.startswith("!")}
    stages = [number for number, (word, _) in enumerate(lines) if word == "FROM"]
    assert len(stages) == 2
    users = [rest for word, rest in lines[stages[-1] :] if word == "USER"]
    assert users == ["10001:10001"]
    assert "HEALTHCHECK" in dict(lines)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_the_units_are_hardened_and_systemd_finds_no_fault(path: Path, tmp_path: Path) -> None:
    told = dict(unit(path))
    assert {"DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes"}.items() <= told.items()
    assert told["CapabilityBoundingSet"] == ""
    judge = shutil.which("systemd-analyze")
    if judge is None:  # not every machine has it; what it would say is the same on all that do
        return
    copy = tmp_path / path.name
    program = told["ExecStart"].split()[0]
    copy.write_text(path.read_text(encoding="utf-8").replace(program, sys.executable), encoding="utf-8")
    done = subprocess.run([judge, "verify", "--man=no", copy], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_line_is_written_twice_in_a_unit() -> None:
    for path in UNITS:
        lines = sorted(unit(path))
        assert [one for one, other in pairwise(lines) if one == other] == []
