"""`closedwon webhooks`: registering, looking after and removing the vendors' webhooks."""

from __future__ import annotations

import orjson
import pytest
from hooks_rig import PATHS, serving
from ruamel.yaml import YAML

from sync.cli.app import main
from sync.demo.stage import Stage


@pytest.fixture
def receiver(stage: Stage):
    for name in ("Acme", "Betatech"):
        stage.win(name=name, account=name)
    stage.sweep()
    with serving(stage) as receiver:
        yield receiver


def run(stage: Stage, url: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict, str]:
    capsys.readouterr()
    code = main(["webhooks", *words, "--url", url, "--config", str(stage.config), "--json"])
    said = capsys.readouterr()
    return code, orjson.loads(said.out), said.out + said.err


def test_install_registers_what_lacks_and_status_then_finds_all_well(stage, receiver, capsys):
    code, before, _ = run(stage, receiver.url, capsys, "status")
    assert code == 7
    assert [hook["state"] for hook in before["webhooks"]["tracker"]] == ["none"]
    assert len(before["webhooks"]["sheets"]) == 2
    code, made, _ = run(stage, receiver.url, capsys, "install")
    assert code == 0
    assert all(hook["sound"] for name in ("tracker", "sheets") for hook in made["webhooks"][name])
    assert run(stage, receiver.url, capsys, "status")[0] == 0
    assert len(stage.simulator.jira.site.webhooks.by_id) == 1
    assert len(stage.simulator.smartsheet.webhooks.all) == 2


def test_install_again_registers_nothing_twice(stage, receiver, capsys):
    first = run(stage, receiver.url, capsys, "install")[1]["webhooks"]
    again = run(stage, receiver.url, capsys, "install")[1]["webhooks"]
    assert [sorted(hook["id"] for hook in first[name]) for name in first] == [
        sorted(hook["id"] for hook in again[name]) for name in again
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_answer_of_jiras_that_says_nothing_is_no_defect_and_the_next_install_doubles_nothing(
    method, stage, receiver, capsys
):
    """Found by the soak test: Jira answers `{}` at times."""
    if method == "PUT":
        run(stage, receiver.url, capsys, "install", "--connection", "tracker")
    stage.simulator.world.faults.add("empty_json", vendor="jira", endpoint=f"{method} /rest/webhooks/*", after=True)
    words = ["webhooks", "install", "--connection", "tracker", "--url", receiver.url, "--config", str(stage.config)]
    assert main(words) == 6
    assert "JIRA-BODY-01" in capsys.readouterr().err
    assert main(words) == 0
    assert len(stage.simulator.jira.site.webhooks.by_id) == 1


def test_for_salesforce_the_steps_are_printed_and_no_secret_with_them(stage, receiver, capsys):
    _, made, said = run(stage, receiver.url, capsys, "install")
    assert f"{receiver.url}/hooks/crm/HOOK_PATH" in made["by_hand"]["crm"]
    assert not [path for path in PATHS.values() if path in said]


def test_renew_enables_what_the_vendors_disabled(stage, receiver, capsys):
    run(stage, receiver.url, capsys, "install")
    with stage.simulator.world.lock:
        for hook in stage.simulator.jira.site.webhooks.by_id.values():
            hook.enabled = False
        for hook in stage.simulator.smartsheet.webhooks.all.values():
            hook.enabled, hook.status = False, "DISABLED_CALLBACK_FAILED"
    code, seen, _ = run(stage, receiver.url, capsys, "status")
    assert code == 7
    assert {hook["state"] for hook in seen["webhooks"]["sheets"]} == {"DISABLED_CALLBACK_FAILED"}
    assert run(stage, receiver.url, capsys, "renew")[0] == 0
    assert run(stage, receiver.url, capsys, "status")[0] == 0


def test_a_new_secret_path_moves_the_webhooks_instead_of_doubling_them(stage, receiver, capsys):
    run(stage, receiver.url, capsys, "install")
    moved = "another-path-0123456789-0123456789"
    yaml = YAML()
    config = yaml.load(stage.config)
    config["connections"]["tracker"]["hook_path"] = moved
    yaml.dump(config, stage.config)
    assert run(stage, receiver.url, capsys, "status", "--connection", "tracker")[0] == 7
    assert run(stage, receiver.url, capsys, "renew", "--connection", "tracker")[0] == 0
    [hook] = stage.simulator.jira.site.webhooks.by_id.values()
    assert hook.url == f"{receiver.url}/hooks/tracker/{moved}"


def test_remove_takes_all_back_and_leaves_other_peoples(stage, receiver, capsys):
    run(stage, receiver.url, capsys, "install")
    admin = {"name": "Other", "url": "http://127.0.0.1:9/hooks/tracker/x", "events": ["jira:issue_updated"]}
    tracker = stage.plant.connections["tracker"]
    tracker._client.post("/rest/webhooks/1.0/webhook", admin)
    assert run(stage, receiver.url, capsys, "remove")[0] == 0
    assert [hook.name for hook in stage.simulator.jira.site.webhooks.by_id.values()] == ["Other"]
    assert stage.simulator.smartsheet.webhooks.all == {}


@pytest.mark.parametrize("url", ["http://hooks.acme.com", "hooks.acme.com", "https://user@hooks.acme.com"])
def test_an_address_that_vendors_would_not_call_is_refused(stage, capsys, url):
    code, said, _ = run(stage, url, capsys, "install")
    assert (code, said["error"]["code"]) == (2, "USAGE-02")


def test_a_connection_that_does_not_hear_is_named(stage, receiver, capsys):
    code, said, _ = run(stage, receiver.url, capsys, "install", "--connection", "sheet")
    assert (code, said["error"]["code"]) == (3, "HOOKS-02")


def test_a_missing_right_to_register_is_told(stage, receiver, capsys):
    stage.simulator.jira.knobs["denied_permissions"] = ["ADMINISTER"]
    code, said, _ = run(stage, receiver.url, capsys, "install", "--connection", "tracker")
    assert (code, said["error"]["code"]) == (5, "JIRA-AUTH-03")
