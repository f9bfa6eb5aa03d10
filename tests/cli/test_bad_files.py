"""Bad files, bad words and bad stores: one message with its place and its repair, the documented code, nothing begun."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable

import pytest
from cli_desk import TEMPLATE, Desk

from sync.cli.app import main


def change(old: str, new: str) -> Callable[[str], str]:
    def changed(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return changed


def add(text: str) -> Callable[[str], str]:
    return lambda before: before + text


STORE = "sqlite:///closedwon.db"
CONFIGS = {
    "broken YAML": (
        lambda _: "store: [\n x: y",
        "config.yaml:2:6: broken YAML",
        "Check indentation, quotes and colons",
    ),
    "an empty file": (lambda _: "", "config.yaml:1:1: the file is empty", "Start from one of the files"),
    "a list": (lambda _: "- a", "does not consist of `key: value` lines", "Start from one of the files"),
    "a misspelt section": (add("engien: {}\n"), "unknown key 'engien'", "Did you mean 'engine'?"),
    "a misspelt setting": (change("project:", "projekt:"), "unknown key 'projekt'", "Did you mean 'project'?"),
    "a value out of range": (
        change("settle_seconds: 0.5", "settle_seconds: -3"),
        "greater than or equal to 0",
        "Correct",
    ),
    "no such connector": (change("connector: jira", "connector: jra"), "no connector 'jra'", "Did you mean 'jira'?"),
    "no connector named": (change("connector: jira\n", "x: y\n"), "tracker names no connector", "Add connector: "),
    "another connection's name": (change("  crm:", "  crn:"), "speaks of connection crm", "Name the connections alike"),
    "an address without a port": (
        change("http://127.0.0.1:", "http://127.0.0.1:x"),
        "no whole address",
        "https://host",
    ),
    "an unset variable": (
        change("token: simulator-token", "token: {env: NO_SUCH}"),
        "the environment has no NO_SUCH",
        "export NO_SUCH=",
    ),
    "an absent secret file": (
        change("token: simulator-token", "token: {file: no.txt}"),
        "secret file no.txt: No such file",
        "Check its path",
    ),
    "a literal secret for a real host": (
        change("http://127.0.0.1", "https://acme.example"),
        "a secret may not stand in this file",
        "{env: NAME} or {file: PATH}",
    ),
    "a store's literal password": (
        change(STORE, "postgresql://me:hunter2@db.internal/x"),
        "config.yaml:1:8: a secret may not stand in this file",
        "{env: NAME} or {file: PATH}",
    ),
    "an unknown kind of store": (change(STORE, "mysql:///x"), "a store cannot live in mysql", "sqlite:///closedwon.db"),
    "a store that is no address": (change(STORE, "hunter2"), "no address of a database", "sqlite:///closedwon.db"),
    "a store in memory": (change(STORE, "sqlite://"), "would forget its plans", "sqlite:///closedwon.db"),
    "a store that is a number": (change(STORE, "17"), "valid string", "Correct the value"),
    "an unknown built-in": (
        change("small.yaml", "builtin:saas"),
        "no builtin:saas",
        "Did you mean 'builtin:saas_onboarding'?",
    ),
    "a template that is not there": (
        change("small.yaml", "no.yaml"),
        "no.yaml:1:1: the file cannot be read",
        "Check the",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_configuration_is_told_with_place_and_repair(desk: Desk, name: str) -> None:
    spoil, what, repair = CONFIGS[name]
    file = desk.folder / "config.yaml"
    file.write_text(spoil(file.read_text(encoding="utf-8")), encoding="utf-8")
    ran = desk.run("reconcile")
    ran.refused(3, what, repair)
    assert "hunter2" not in ran.err
    assert desk.calls() == 0
    assert desk.run("reconcile", "--json").json["error"]["exit"] == 3


def test_all_mistakes_of_a_configuration_are_told_at_once(desk: Desk) -> None:
    file = desk.folder / "config.yaml"
    text = file.read_text(encoding="utf-8").replace("project:", "projekt:")
    file.write_text(text.replace("settle_seconds: 0.5", "settle_seconds: x") + "engien: 1\n", encoding="utf-8")
    ran = desk.run("plan")
    ran.refused(3, "'projekt'", "'project' is missing", "'engien'", "got 'x'")
    assert ran.err.startswith("FILES-01: 4 problems; nothing was started.")


TEMPLATES = {
    "a cycle": (
        TEMPLATE.replace("key: prepare,", "key: prepare, depends_on: [finish],").replace(
            "key: finish,", "key: finish, depends_on: [prepare],"
        ),
        "small.yaml:",
        "wait for each other",
    ),
    "an unknown key": (TEMPLATE.replace("hours: 2", "hurs: 2"), "unknown key 'hurs'", "Did you mean 'hours'?"),
    "an unknown role": (TEMPLATE.replace("role: engineer", "role: enginer"), "'enginer'", "engineer"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_wrong_template_is_told_with_place_and_repair(desk: Desk, name: str) -> None:
    text, what, repair = TEMPLATES[name]
    (desk.folder / "small.yaml").write_text(text, encoding="utf-8")
    desk.run("reconcile").refused(3, what, repair)
    assert desk.calls() == 0


WORDS = {
    ("plan", "--deal", "0061"): ("DEAL-ID-01", "18-character Id", "Copy it from the address"),
    ("reconcile", "--deal", "006Wx0000fwEOlG"): ("DEAL-ID-01", "reports show 15 characters"),
    ("plan", "--deal", "006000000000000AAA"): ("DEAL-ID-02", "shows no deal", "Check the Id"),
    ("backfill", "--deal", "006000000000000AAA"): ("DEAL-ID-02", "shows no deal", "Check the Id"),
    ("reconcile", "--all", "--changed"): ("USAGE-02", "Choose one of"),
    ("backfill",): ("USAGE-02", "--won-since YYYY-MM-DD"),
    ("backfill", "--won-since", "yesterday"): ("USAGE-01", "%Y-%m-%d"),
    ("plan", "--won-sinc", "2026-01-01"): ("USAGE-01", "--won-since"),
    ("plam",): ("USAGE-01", "plan"),
    ("--log-level", "loud", "plan"): ("USAGE-01", "warning"),
}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_wrong_command_line_says_what_to_write(desk: Desk, words: tuple[str, ...]) -> None:
    code, *parts = WORDS[words]
    desk.run(*words).refused(2, *parts)
    error = desk.run(*words, "--json").json["error"]
    assert (error["code"], error["exit"]) == (code, 2)


def test_a_deal_that_is_not_won_is_no_plan(desk: Desk) -> None:
    deal = desk.win("Acme")
    desk.act("salesforce", "reopen_deal", id=deal)
    desk.run("plan", "--deal", deal).refused(2, "DEAL-OPEN-01", "is not won", "Win the deal first")


def store(desk: Desk, address: str) -> None:
    desk.configure(store=address)


def test_a_store_that_does_not_answer_is_unfinished_business(desk: Desk) -> None:
    store(desk, "postgresql://me:hunter2@127.0.0.1:1/closedwon")
    ran = desk.run("status")
    ran.refused(6, "STORE-01", "did not answer", "See that it runs")
    assert "hunter2" not in ran.err


def test_a_store_of_another_kind_is_left_alone(desk: Desk) -> None:
    (desk.folder / "notes.db").write_text("These are notes and no database.\n" * 100, encoding="utf-8")
    store(desk, "sqlite:///notes.db")
    desk.run("status").refused(3, "STORE-03", "not as our store", "Check `store` in config.yaml")
    assert (desk.folder / "notes.db").read_text(encoding="utf-8").startswith("These are notes")


def test_a_store_without_a_place_says_which(desk: Desk) -> None:
    store(desk, "sqlite:///small.yaml/closedwon.db")
    desk.run("status").refused(3, "FILES-03", "small.yaml", "Check the path and its permissions")


def test_a_store_that_cannot_be_written_says_so(desk: Desk) -> None:
    def full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    ran = desk.script("status", "--json", before=full_disk)
    ran.refused(6, "STORE-01", "has space on its disk and may be written to")
    assert ran.json["error"]["code"] == "STORE-01"


def test_a_store_of_a_newer_closedwon_is_left_alone(desk: Desk) -> None:
    assert desk.run("status").code == 0
    with sqlite3.connect(desk.folder / "closedwon.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v9999'")
    desk.run("reconcile").refused(3, "STORE-02", "v9999", "install a newer one")
    assert desk.calls() == 0


def test_the_store_lies_beside_its_configuration_wherever_the_command_is_started(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert desk.run("status", "--config", "../config.yaml").code == 0
    assert (desk.folder / "closedwon.db").is_file()
    assert list(elsewhere.iterdir()) == []


def test_a_defect_of_our_own_tells_its_place_and_never_its_text(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(_path: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("sync.cli.common.load_config", defective)
    ran = desk.run("status")
    assert ran.code == 1
    assert "DEFECT-01: A defect of Closedwon: RuntimeError in defective, test_bad_files.py:" in ran.err
    assert "hunter2" not in ran.err
    assert "Traceback" not in ran.err


def test_ctrl_c_ends_with_130_and_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sync.cli.common.load_config", interrupted)
    desk.capsys.readouterr()
    assert main(["reconcile"]) == 130
    assert "run the same command again to go on" in desk.capsys.readouterr().err


SIMULATOR = {
    ("--load", "no-folder"): (3, "LOAD-01", "docs/your-own-deals.md"),
    ("--faults", "no.json"): (3, "FILES-03", "no.json"),
    ("--faults", "broken.json"): (3, "broken.json:1:2: this is no JSON", "docs/simulator.md"),
    ("--faults", "strange.json"): (3, "unknown parts of a rule: tims", "times"),
    ("--faults", "object.json"): (3, "no list of rules", "A rule may have: after, args, endpoint"),
}


@pytest.mark.parametrize("words", SIMULATOR, ids=" ".join)
def test_the_simulator_refuses_files_that_it_cannot_use(desk: Desk, words: tuple[str, ...]) -> None:
    (desk.folder / "broken.json").write_text("{", encoding="utf-8")
    (desk.folder / "strange.json").write_text('[{"fault": "html", "tims": 3}]', encoding="utf-8")
    (desk.folder / "object.json").write_text('{"fault": "html"}', encoding="utf-8")
    code, *parts = SIMULATOR[words]
    desk.run("simulator", "--port", "0", *words).refused(code, *parts)


def test_the_simulator_says_when_a_port_is_taken(desk: Desk) -> None:
    port = desk.simulator.urls["control"].rpartition(":")[2]
    desk.run("simulator", "--port", port).refused(2, "PORT-01", "taken", "--port 0")


def test_the_doctor_finds_a_package_that_took_one_of_our_names(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    info = desk.folder / "elsewhere" / "other_tool-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-tool\nVersion: 1.0\n", encoding="utf-8")
    (info / "top_level.txt").write_text("connectors\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(info.parent))
    ran = desk.run("doctor", "--json")
    assert ran.code == 7
    (found,) = [each for each in ran.json["findings"] if each["level"] == "error"]
    assert found["code"] == "PACKAGE-01"
    assert "connectors also belongs to other-tool" in found["message"]
    assert "environment of its own, without other-tool" in found["repair"]
