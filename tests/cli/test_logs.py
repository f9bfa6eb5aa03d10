"""Logs: one JSON line per batch and run, numbers only, and the vendors' SDKs are not heard."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jira
import orjson
import pytest
import smartsheet
from cli_desk import Desk, Ran

from sync import logs

SINCE = ("--won-since", "2020-01-01")


def lines(ran: Ran) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in ran.err.splitlines() if line.startswith("{")]


def test_each_batch_and_each_run_is_one_line_of_numbers(desk: Desk) -> None:
    for number in range(3):
        desk.win(f"Very Private Customer {number}")
    desk.configure(engine={"batch": 2})
    ran = desk.run("--log-level", "info", "backfill", *SINCE)
    told = lines(ran)
    assert [each["event"] for each in told] == ["batch", "batch", "run"]
    assert [each["looked"] for each in told[:2]] == [2, 1]
    assert told[-1]["exit"] == 0
    for each in told:
        assert each["command"] == "backfill"
        assert set(each["calls"]) == {"crm", "tracker", "sheets"}
        assert each["seconds"] > 0
    assert "Very Private" not in ran.err


def test_without_being_asked_nothing_is_logged(desk: Desk) -> None:
    desk.win("Acme")
    assert lines(desk.run("backfill", *SINCE)) == []


def test_the_level_may_come_from_the_environment(desk: Desk) -> None:
    (line,) = lines(desk.script("status", "--json", env={"CLOSEDWON_LOG": "info"}))
    assert (line["event"], line["command"], line["exit"]) == ("run", "status", 0)


def test_a_failed_run_tells_its_code_and_not_its_message(desk: Desk) -> None:
    (line,) = lines(desk.run("--log-level", "info", "plan", "--deal", "x"))
    assert (line["code"], line["exit"]) == ("DEAL-ID-01", 2)
    assert "message" not in line


def test_results_on_stdout_stay_clean_at_full_verbosity(desk: Desk) -> None:
    desk.win("Acme")
    assert desk.run("--log-level", "debug", "backfill", *SINCE, "--json").json["planned"] == 1


def test_the_smartsheet_sdk_cannot_be_made_to_dump_bodies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_CFG", "DEBUG")
    logs.configure(logs.LogLevel.DEBUG)
    smartsheet.Smartsheet("planted-token")
    logging.getLogger("smartsheet.smartsheet").debug("body: planted-token")
    logging.getLogger("smartsheet.smartsheet").error("body: planted-token")
    err = capsys.readouterr().err
    assert "planted-token" not in err
    (line,) = map(orjson.loads, err.splitlines())
    assert (line["event"], line["logger"], line["level"]) == ("library", "smartsheet.smartsheet", "error")
    assert line["place"].startswith("test_logs.py:")


def test_the_jira_sdk_cannot_raise_its_own_voice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(logs.LogLevel.DEBUG)
    jira.JIRA(options={"server": "http://127.0.0.1:1"}, get_server_info=False, logging=True)
    logging.getLogger("jira").setLevel(logging.DEBUG)
    logging.getLogger("jira").info("Authorization: Basic planted-token")
    logging.getLogger("jira").critical("Authorization: Basic planted-token")
    err = capsys.readouterr().err
    assert "planted-token" not in err
    assert err.count("\n") == 1


def test_configuring_again_does_not_tell_everything_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(logs.LogLevel.INFO)
    logs.configure(logs.LogLevel.INFO)
    logs.begin("status")
    logs.run(0, 1.0)
    assert capsys.readouterr().err.count("\n") == 1


def test_the_smartsheet_sdk_cannot_be_given_handlers_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dump = tmp_path / "dump.log"
    handlers = {"file": {"class": "logging.FileHandler", "filename": str(dump)}}
    settings = {"version": 1, "handlers": handlers, "root": {"level": "DEBUG", "handlers": ["file"]}}
    (tmp_path / "logging.json").write_bytes(orjson.dumps(settings))
    monkeypatch.setenv("LOG_CFG", str(tmp_path / "logging.json"))
    logs.configure(logs.LogLevel.DEBUG)
    smartsheet.Smartsheet("planted-token")
    assert not dump.exists()
