"""No secret gets out: not into output, logs, errors and their causes, plan files, or either kind of store."""

from __future__ import annotations

import itertools
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cli_desk import Desk

from simulator.app import Simulator
from sync.config import load_config
from sync.wiring import assemble

SECRETS = {
    "CRM_SECRET": "planted-crm-6f1d2a",
    "JIRA_TOKEN": "planted-jira-90c2be",
    "SHEETS_TOKEN": "planted-sheets-77aa01",
    "STORE_PASSWORD": "planted-store-5e5e5e",
    "PROXY_PASSWORD": "planted-proxy-31dd00",
}
EMAIL = "closedwon@example.com"
SINCE = ("--won-since", "2020-01-01")
COMMANDS = (
    ("doctor",),
    ("plan", *SINCE, "--out", "plan.json"),
    ("apply", "plan.json"),
    ("backfill", *SINCE, "--json"),
    ("reconcile", "--all"),
    ("verify", "--json"),
    ("status",),
    ("release",),
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    options: dict[str, dict[str, Any]] = {
        "salesforce": {"client_secret": SECRETS["CRM_SECRET"]},
        "jira": {"tokens": {EMAIL: SECRETS["JIRA_TOKEN"]}},
        "smartsheet": {"token": SECRETS["SHEETS_TOKEN"]},
    }
    with Simulator(options=options) as serving:
        yield serving


@pytest.fixture
def planted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return plant_secrets(desk, f"sqlite:///{desk.folder / 'closedwon.db'}", monkeypatch)


def plant_secrets(desk: Desk, database: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Let every secret come from the environment, and tell the SDKs to log all they can."""
    url = sa.make_url(database)
    if url.get_backend_name() == "postgresql":
        url = url.set(password=SECRETS["STORE_PASSWORD"])
    values = {**SECRETS, "STORE": url.render_as_string(hide_password=False)}
    for name, value in {**values, "LOG_CFG": "DEBUG"}.items():
        monkeypatch.setenv(name, value)
    configure(desk)
    desk.win("Acme")
    return desk


def configure(desk: Desk, **changes: Any) -> None:
    desk.configure(
        store={"env": "STORE"},
        crm={"client_secret": {"env": "CRM_SECRET"}, **changes.get("crm", {})},
        tracker={"token": {"env": "JIRA_TOKEN"}, **changes.get("tracker", {})},
        sheets={"token": {"env": "SHEETS_TOKEN"}, **changes.get("sheets", {})},
        engine={"patience_seconds": 0, "settle_seconds": 0.1},
    )


def leaks(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text]


def run_all(desk: Desk, commands: tuple[tuple[str, ...], ...] = COMMANDS) -> str:
    told = []
    for words in commands:
        ran = desk.run("--log-level", "debug", *words)
        told += [ran.out, ran.err]
        assert ran.code != 1, ran.err
    return "\n".join(told)


def kept(desk: Desk) -> str:
    """All that is on disk: the files of the folder, and every row of every table of the store."""
    files = [file.read_bytes().decode("latin-1") for file in desk.folder.rglob("*") if file.is_file()]
    url = sa.make_url(os.environ["STORE"])
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg") if url.host or "options" in url.query else url)
    with engine.connect() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        rows = [repr(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()
    if url.get_backend_name() == "sqlite":
        files += [file.read_bytes().decode("latin-1") for file in Path(str(url.database)).parent.glob("*.db*")]
    assert rows
    return "\n".join([*files, *rows])


def test_no_secret_gets_out_while_all_goes_well(desk: Desk, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant_secrets(desk, database, monkeypatch)
    told = run_all(planted)
    assert '"event": "run"' in told
    assert '"writes": 7' in told
    assert leaks(told + kept(planted)) == []


ECHOES = {
    "salesforce": lambda text: [{"errorCode": "INVALID_FIELD", "message": text, "fields": []}],
    "jira": lambda text: {"errorMessages": [text], "errors": {"summary": text}},
    "smartsheet": lambda text: {"errorCode": 1008, "message": text, "refId": "x"},
}


def test_no_secret_gets_out_when_vendors_echo_it_in_their_errors(planted: Desk) -> None:
    run_all(planted)
    for vendor, shape in ECHOES.items():
        for status, secret in itertools.product((400, 401, 403, 500), SECRETS.values()):
            body = shape(f'Bad request: "Authorization: Bearer {secret}", token={secret}')
            planted.simulator.world.faults.add(
                "status", vendor=vendor, times=1, probability=0.5, args={"status": status, "body": body}
            )
    planted.win("Beta")
    told = run_all(planted) + run_all(planted)
    assert "Bearer …" in told + kept(planted)
    assert leaks(told + kept(planted)) == []


def test_no_secret_hangs_in_the_causes_of_an_error(planted: Desk) -> None:
    """An error's text, its arguments and its whole chain, even where the chain is hidden from tracebacks."""
    for fault in ("drop_before", "html", "truncate"):
        planted.simulator.world.faults.clear()
        planted.simulator.world.faults.add(fault, times=None)
        plant = assemble(load_config(planted.folder / "config.yaml"))
        for connector in plant.connections.values():
            with pytest.raises(Exception) as caught:
                list(connector.inventory())
            assert leaks(_chain(caught.value)) == []
        plant.close()


def _chain(error: BaseException | None) -> str:
    told = [*traceback.format_exception(error)] if error else []
    while error is not None:
        request = getattr(error, "request", None)
        told += [str(error), repr(error), repr(vars(error)), repr(getattr(request, "headers", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


def test_no_secret_gets_out_when_it_is_wrong_or_goes_astray(planted: Desk) -> None:
    key = planted.folder / "key.pem"
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{SECRETS['CRM_SECRET']}\n-----END PRIVATE KEY-----", encoding="utf-8")
    proxy = {"proxy": {"env": "PROXY"}}
    os.environ["PROXY"] = f"http://me:{SECRETS['PROXY_PASSWORD']}@127.0.0.1:1"
    told = []
    for changes in (
        {"crm": {"client_secret": {"env": "JIRA_TOKEN"}}},
        {"tracker": {"token": {"env": "CRM_SECRET"}}},
        {"sheets": {"token": {"env": "CRM_SECRET"}}},
        {"crm": proxy, "tracker": proxy, "sheets": proxy},
        {"tracker": {"token": "simulator-token", "project": "not a key", "email": ""}},
    ):
        configure(planted, **changes)
        told.append(run_all(planted, (COMMANDS[0], COMMANDS[3])))
    text = (planted.folder / "config.yaml").read_text(encoding="utf-8")
    jwt = text.replace("client_secret: {", "private_key: {").replace("env: CRM_SECRET", "file: key.pem")
    for spoilt in (jwt, text.replace("store:", "stor:"), text.replace("env: CRM_SECRET", "file: key.pem")):
        (planted.folder / "config.yaml").write_text(spoilt, encoding="utf-8")
        told.append(run_all(planted, (COMMANDS[0], COMMANDS[3])))
    del os.environ["PROXY"]
    assert leaks("\n".join(told)) == []


def test_the_console_script_leaks_nothing_either(planted: Desk) -> None:
    planted.simulator.world.faults.add("html", vendor="jira", times=None)
    ran = planted.script("--log-level", "debug", "backfill", *SINCE)
    assert ran.code == 6
    assert '"event": "batch"' in ran.err
    assert leaks(ran.out + ran.err) == []


def test_a_secret_is_never_on_the_command_line(planted: Desk) -> None:
    helps = [planted.run(command[0], "--help").out for command in COMMANDS]
    assert not any("secret" in text.lower() or "token" in text.lower() for text in helps)


def test_the_store_file_is_for_its_owner_alone(desk: Desk) -> None:
    assert desk.run("status").code == 0
    assert (desk.folder / "closedwon.db").stat().st_mode & 0o077 == 0


def test_the_test_itself_would_see_a_leak(planted: Desk) -> None:
    planted.win(f"Customer {SECRETS['JIRA_TOKEN']}")
    assert leaks(run_all(planted)) == ["JIRA_TOKEN"]
    assert leaks(kept(planted)) == ["JIRA_TOKEN"]
