"""What an operator meets: settings, findings of doctor with their repairs, and secrets that never show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pydantic import ValidationError
from smartsheet_account import COLUMNS, FIELDS, WORKSPACE, Account, a_plan, failures, plan_create

from connectors.base import DictMemory, FreeMeter, Kind, Level
from connectors.errors import ConnectorError
from connectors.smartsheet import ColumnSpec, SmartsheetConnector, SmartsheetSettings
from connectors.smartsheet.client import cost_of, endpoint_of

SECRET = "planted-7d1f-secret"


def errors(connector: SmartsheetConnector) -> list[tuple[str, str]]:
    return [(f.code, f.repair) for f in connector.check() if f.level is Level.ERROR]


def with_columns(account: Account, *columns: ColumnSpec, fields: Any = FIELDS, **settings: Any) -> SmartsheetConnector:
    connector = SmartsheetConnector(
        SmartsheetSettings(url=account.url, token="simulator-token", workspace=WORKSPACE, **settings),
        name="sheets",
        fields=fields,
        columns=columns,
        memory=DictMemory(),
        meter=FreeMeter(),
        clock=account.world.clock.now,
        sleep=account.world.clock.advance,
    )
    account.made.append(connector)
    return connector


def test_a_good_connection_has_only_good_findings(account: Account, sheets: SmartsheetConnector) -> None:
    a_plan(sheets, "kickoff")
    findings = list(sheets.check())
    assert {finding.level for finding in findings} == {Level.OK}
    assert [f.code for f in findings] == ["SS-COLUMN-04", "SS-TOKEN-01", "SS-WORKSPACE-01", "SS-COLUMN-01"]


def test_a_wrong_token_is_one_finding_with_its_repair(account: Account) -> None:
    sheets = account.connector(token="wrong")
    ((code, repair),) = errors(sheets)
    assert code == "SS-TOKEN-01"
    assert repair.startswith("Make a new one under Account > Apps > API Access")


def test_a_wrong_workspace_is_one_finding_with_its_repair(account: Account) -> None:
    assert errors(account.connector(workspace="42")) == [
        ("SS-WORKSPACE-01", "Check `workspace`, and share it as Admin.")
    ]


def test_a_user_who_may_not_make_sheets_is_found(account: Account, sheets: SmartsheetConnector) -> None:
    account.fault("status", "GET /2.0/users/me", args={"status": 200, "body": {"licensedSheetCreator": False}})
    space = {"id": int(WORKSPACE), "name": "Onboarding", "accessLevel": "EDITOR"}
    account.fault("status", "GET /2.0/workspaces/{id}/metadata", args={"status": 200, "body": space})
    assert [code for code, _ in errors(sheets)] == ["SS-LICENCE-01", "SS-WORKSPACE-02"]


def test_a_vendor_that_is_down_is_a_finding_and_no_exception(account: Account, sheets: SmartsheetConnector) -> None:
    account.fault("maintenance_4001", times=None)
    assert [code for code, _ in errors(sheets)] == ["SS-MAINT-01"]


def test_renamed_deleted_and_changed_columns_are_findings_with_repairs(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    account.people("rename_column", plan.id, column="Due", title="Deadline")
    account.people("delete_column", plan.id, column="Phase")
    account.people("edit_options", plan.id, column="Status", options=["Not started", "Done"])
    found = {f.code: (f.level, f.repair) for f in sheets.check() if f.level is not Level.OK}
    assert found == {
        "SS-COLUMN-05": (Level.WARNING, "Title it 'Due' again, or change the mapping."),
        "SS-COLUMN-01": (Level.ERROR, "Add a column 'Phase' of type TEXT_NUMBER to it."),
        "SS-OPTION-01": (Level.ERROR, "Add them to the column."),
    }


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ((ColumnSpec("Task"),), "SS-COLUMN-04"),
        ((ColumnSpec("Task", primary=True), ColumnSpec("Task")), "SS-COLUMN-04"),
        ((ColumnSpec("Task", primary=True), ColumnSpec("Closedwon key")), "SS-COLUMN-04"),
        ((ColumnSpec("Task", "DATE", primary=True),), "SS-COLUMN-04"),
        ((ColumnSpec("Task", primary=True), ColumnSpec("Length", "DURATION")), "SS-COLUMN-02"),
        ((ColumnSpec("T" * 51, primary=True),), "SS-COLUMN-04"),
        ((ColumnSpec("Task", primary=True), *(ColumnSpec(f"c{n}") for n in range(400))), "SS-SIZE-02"),
        ((ColumnSpec("Task", primary=True), ColumnSpec("S", "PICKLIST", ("o" * 501,))), "SS-OPTION-01"),
    ],
)
def test_a_mapping_that_cannot_become_a_sheet_is_found_before_it_is_tried(
    account: Account, columns: tuple[ColumnSpec, ...], code: str
) -> None:
    connector = with_columns(account, *columns, fields={})
    assert {found for found, _ in errors(connector)} == {code}


def test_a_mapped_column_without_a_type_is_found(account: Account) -> None:
    connector = with_columns(account, *COLUMNS, fields={Kind.TASK: ("Task", "Risk"), Kind.PLAN: ("name", "owner")})
    assert {code for code, _ in errors(connector)} == {"SS-COLUMN-04", "SS-NAME-02"}


def test_a_portfolio_wider_than_a_sheet_takes_fewer_rows_and_says_so(account: Account) -> None:
    wide = [ColumnSpec(f"c{n}") for n in range(40)]
    connector = with_columns(account, ColumnSpec("Task", primary=True), *wide, fields={}, layout="portfolio")
    assert [f.code for f in connector.check() if f.level is Level.WARNING] == ["SS-SIZE-02"]


def test_the_schema_names_types_and_options(sheets: SmartsheetConnector) -> None:
    objects = sheets.describe().objects
    fields = {field.name: field for field in objects[Kind.TASK]}
    assert fields["Status"].options == ("Not started", "In progress", "Blocked", "Done")
    assert (fields["Due"].type, fields["Due"].writable, fields["Task"].max_length) == ("DATE", True, 4000)
    assert [field.name for field in objects[Kind.PLAN]] == ["name"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workspace": "Onboarding"}, "workspace"),
        ({"url": "api.smartsheet.com"}, "whole address"),
        ({"url": "http://api.smartsheet.com/2.0"}, "https"),
        ({"url": "https://me:pw@api.smartsheet.com/2.0"}, "neither a user"),
        ({"layout": "both"}, "sheet_per_onboarding"),
        ({"portfolio_rows": 20_001}, "20000"),
        ({"key_column": "Deal"}, "different titles"),
        ({"tokn": "x"}, "Extra inputs"),
        ({"change_agent": "line\nbreak"}, "change_agent"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SmartsheetSettings(**{"token": "t", "workspace": WORKSPACE, **given})


@pytest.mark.parametrize("wrong", [{"tokn": SECRET}, {"key_column": "Deal"}, {"url": "nowhere"}, {"token": [SECRET]}])
def test_no_secret_is_in_the_message_about_a_wrong_setting(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SmartsheetSettings(**{"token": SECRET, "workspace": WORKSPACE, **wrong})
    assert SECRET not in f"{caught.value} {caught.value!r}"


def test_every_setting_is_described() -> None:
    properties = SmartsheetSettings.model_json_schema()["properties"]
    assert [name for name, schema in properties.items() if not schema.get("description")] == []


def test_hosts_default_to_the_urls_own() -> None:
    settings = SmartsheetSettings(token="t", workspace=42)  # type: ignore[arg-type]
    assert settings.http().hosts == {"api.smartsheet.com"}
    assert settings.workspace == "42"


def test_calls_are_named_and_priced(account: Account) -> None:
    assert endpoint_of("PUT", "/2.0/sheets/123/rows") == "PUT /2.0/sheets/{id}/rows"
    assert cost_of("POST /2.0/sheets/{id}/copy") == 10
    assert cost_of("PUT /2.0/sheets/{id}/rows") == 1


def test_smartsheets_sessions_send_nothing_twice_by_themselves(sheets: SmartsheetConnector) -> None:
    session: requests.Session = sheets._client._session
    for prefix in ("https://api.smartsheet.com", "http://127.0.0.1"):
        assert session.get_adapter(prefix).max_retries.total == 0
    assert session.trust_env is False
    assert sheets._client._sdk._user_calc_backoff.calc_backoff(1, 0.0, None) < 0, "the SDK's own retry is off"


def test_our_writes_carry_the_change_agent(account: Account) -> None:
    seen = []
    sheets = account.connector(change_agent="closedwon-test")
    sheets._client._session.hooks["response"] = [lambda r, **_: seen.append(dict(r.request.headers))]
    a_plan(sheets, "kickoff")
    assert {headers["Smartsheet-Change-Agent"] for headers in seen} == {"closedwon-test"}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk an exception's causes and contexts, each once."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]


def shown(error: BaseException) -> str:
    """Return all that an error tracker would keep of an exception: its texts, its attributes, its request's headers."""
    request = getattr(error, "request", None)
    headers = dict(getattr(request, "headers", None) or {})
    return f"{error!r} {error} {vars(error)} {headers}"


@pytest.mark.parametrize(
    "fault",
    ["drop_before", "drop_after", "truncate", "html_502", "captive_portal", "token_invalid", "error_4002", "not_found"],
)
def test_no_secret_is_in_any_error_or_log(
    account: Account, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    account.vendor._token = SECRET
    sheets = account.connector(token=SECRET)
    for name in ("", "urllib3", "requests", "smartsheet", "smartsheet.smartsheet"):  # the SDK sets levels of its own
        caplog.set_level(logging.DEBUG, name or None)
    account.fault(fault, times=None)
    (failed,) = failures(sheets.write([plan_create(name="Confidential customer")]))
    with pytest.raises(ConnectorError) as caught:
        sheets.changes("")
    account.vendor._token = "simulator-token"
    told = [shown(each) for error in (failed.error, caught.value) for each in chain(error)]
    told += [repr(sheets), str(vars(sheets)), repr(SmartsheetSettings(token=SECRET, workspace=WORKSPACE))]
    told += [*capfd.readouterr(), *(f"{r.getMessage()} {r.args} {r.exc_text}" for r in caplog.records)]
    assert caplog.records, "the log was listened to"
    assert not [text for text in told if SECRET in text]
    assert not [text for text in told[-len(caplog.records) :] if "Confidential" in text]
