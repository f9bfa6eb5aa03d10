"""Health speaks of scope: what was sold and is not planned, hours and a launch beyond what was agreed; until the launch."""

from __future__ import annotations

from dataclasses import replace

from sync.core.judgement import Basis, judge
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers
from sync.engine.lessons import lessons

PRODUCTS = [{"product": "Fire Alarm", "family": "Alarms", "quantity": 1, "price": 100.0}]


def test_differences_between_sold_and_planned_give_a_colour_that_the_crm_shows_and_a_second_look_leaves() -> None:
    with Stage(seed=5) as stage:
        stage.sweep()
        stage.win(name="Deal", account="Acme", hours=10, lines=PRODUCTS, fields={"Target_Launch__c": "2027-12-01"})
        stage.settle()
        stage.sweep()
        (record,) = stage.plant.connections["crm"].inventory()
        assert record.fields["Health__c"] == "Amber"
        assert record.fields["Health_Reason__c"] == (
            "1 product that was sold is not planned, more hours are planned than contracted, "
            "the target launch lies beyond the limit"
        )
        store, engine = stage.plant.store, stage.plant.engine
        store.request(store.keys(), 0)
        assert engine.drain().writes == 0
        assert stage.prove().sound
        context = engine.context()
        (known,) = dossiers(store)
        basis = Basis.of(context, lessons(store, context.mappings.calendar, context.today, keep=False).experience)
        assert [each.rule for each in judge(known, basis).health.findings] == ["scope_flags"]
        done = tuple(replace(task, status="done") if task is known.launch_task else task for task in known.tasks)
        launched = judge(replace(known, tasks=done), basis).health.findings
        assert "scope_flags" not in {each.rule for each in launched}
