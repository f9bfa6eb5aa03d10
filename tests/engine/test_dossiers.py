"""What is known of an onboarding after a small life, gathered from the store alone."""

from __future__ import annotations

from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers


def test_a_dossier_tells_tasks_with_baseline_history_and_every_time_entry(database: str) -> None:
    with Stage(store=database) as stage:
        stage.sweep()
        key = stage.win(name="Acme", account="Acme")
        stage.sweep()
        stage.settle()
        store = stage.plant.store
        bound = {b.item: b.ref.id for b in store.load([key])[key].bindings if b.connection == "tracker"}
        jira = stage.simulator.jira
        with stage.simulator.world.lock:
            jira.act("log_time", {"issue": bound["handoff_call"], "seconds": 1800, "who": "ada@example.com"})
            jira.act("log_time", {"issue": bound["handoff_call"], "seconds": 900, "who": "ben@example.com"})
            jira.act("close_task", {"issue": bound["handoff_call"], "who": "ada@example.com"})
        stage.settle()
        stage.sweep()
        (known,) = dossiers(store)
        assert (known.key, known.account, known.template) == (key, "Acme", "saas_onboarding")
        task = next(task for task in known.tasks if task.item == "handoff_call")
        assert (task.status, task.open, task.role, task.critical) == ("done", False, "account_executive", True)
        assert task.done_on == stage.clock.now().date()
        assert (task.baseline_start, task.baseline_due) == (task.start_target, task.due_target)
        assert task.tracked_seconds == 2700
        assert [(each.item, each.entry.seconds) for each in known.logged] == [
            ("handoff_call", 1800),
            ("handoff_call", 900),
        ]
        assert known.launch_task is not None
        assert known.target_launch == known.launch_task.due_target
        assert known.actual_launch is None
        assert ("handoff_call", "status") in {(event.item, event.field) for _, event in known.history}
        assert sorted(at for at, _ in known.history) == [at for at, _ in known.history]
        assert set(known.links) == {"tracker", "sheets"}
        assert list(dossiers(store, ["unknown", key])) == [known]


def test_time_on_an_issue_of_nobody_is_loose_and_pages_do_not_lose_it(database: str) -> None:
    with Stage(store=database) as stage:
        stage.sweep()
        with stage.simulator.world.lock:
            fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "Something else"}
            issue = stage.simulator.jira.act("create_issue", {"fields": fields})
            for seconds in (600, 1200, 1800):
                stage.simulator.jira.act("log_time", {"issue": issue["key"], "seconds": seconds})
        stage.settle()
        stage.sweep()
        store = stage.plant.store
        first = store.loose(limit=2)
        rest = store.loose(after=(first[-1].connection, first[-1].entry.id), limit=2)
        assert sorted(each.entry.seconds for each in (*first, *rest)) == [600, 1200, 1800]
        assert {(each.key, each.item) for each in (*first, *rest)} == {("", "")}
        assert store.loose(after=(rest[-1].connection, rest[-1].entry.id)) == ()
