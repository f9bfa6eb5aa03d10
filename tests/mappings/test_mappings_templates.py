from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.calendar import BusinessCalendar
from mappings.load import DEFAULT_TEMPLATES, Problems, load_templates
from mappings.model import HeldBack
from mappings.templates import choose, instantiate, kickoff_of
from mappings.translate import deal_from

SOFTWARE = {"Product2.Name": "Core", "ProductCode": "CORE", "Product2.Family": "Software", "Quantity": 1.0}
INTEGRATION = {"Product2.Name": "SAP link", "ProductCode": "INT-SAP", "Product2.Family": "Integration", "Quantity": 2.0}
FIBRE = {"Product2.Name": "Fibre 1G", "ProductCode": "DIA-1G", "Product2.Family": "Internet Access", "Quantity": 1.0}
VOICE = {"Product2.Name": "SIP trunk", "ProductCode": "SIP", "Product2.Family": "Voice", "Quantity": 20.0}
ROUTER = {"Product2.Name": "Router", "ProductCode": "CPE", "Product2.Family": "Equipment", "Quantity": 2.0}
SERVICES = {"Product2.Name": "Days", "ProductCode": "PS", "Product2.Family": "Services", "Quantity": 10.0}
SSO = {"Product2.Name": "SSO add-on", "ProductCode": "SSO", "Product2.Family": "Software", "Quantity": 1.0}
TRAINING = {"Product2.Name": "Class", "ProductCode": "TRN", "Product2.Family": "Training", "Quantity": 3.0}
PRODUCTS = [SOFTWARE, INTEGRATION, FIBRE, VOICE, ROUTER, SERVICES, SSO, TRAINING]
KICKOFF = date(2026, 3, 9)

TINY = """
name: tiny
version: "1"
title: "{{ deal.account }}"
launch_after_kickoff: 20
roles: {lead: deal.owner, engineer: ada@example.com, customer: ""}
phases: [One, Two]
groups:
  - phase: Two
    tasks:
      - {key: last, name: Last, depends_on: [each], role: lead}
      - {key: finish, name: Finish, milestone: true, depends_on: [last]}
  - phase: One
    tasks:
      - {key: first, name: "Start {{ deal.name }}", days: 3, hours: 4, role: engineer}
      - {key: rare, name: Rare, when: deal.amount > 1000000.0, depends_on: [first]}
      - {key: later, name: Later, start: after rare + 4}
      - {key: near_launch, name: Near, start: launch - 2, role: customer}
  - phase: One
    for_each: lines
    each: line.family == "Integration"
    tasks:
      - {key: each, name: "{{ line.label }}", depends_on: [first], hours: 2.0 * line.quantity}
      - {key: each_after, name: "{{ line.label }} after", depends_on: [each], days: 2}
"""


@pytest.fixture
def tiny(tmp_path, default):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return load_templates([path], default)[0]


def plan_of(template, deal, calendar=None, kickoff=KICKOFF, **more):
    return instantiate(template, deal, calendar or BusinessCalendar(), kickoff=kickoff, **more)


def by_key(plan):
    return {task.key: task for task in plan.tasks}


def test_a_saas_deal_gets_about_twenty_five_tasks_and_is_live_in_ninety_days(templates, make_deal, default):
    deal = make_deal()
    plan = plan_of(templates["saas_onboarding"], deal, default.calendar)
    assert 25 <= len(plan.tasks) <= 30
    assert plan.title == "Acme: Acme rollout"
    assert timedelta(days=80) <= plan.target_launch - plan.kickoff <= timedelta(days=90)
    assert by_key(plan)["launch"].due_target == plan.target_launch
    assert {task.audience for task in plan.tasks} == {"internal", "customer", "both"}


def test_a_carrier_order_goes_from_the_order_over_foc_to_billing(templates, make_deal, default):
    plan = plan_of(templates["carrier_order"], make_deal((FIBRE, VOICE, ROUTER)), default.calendar)
    phases = list(dict.fromkeys(task.phase for task in plan.tasks))
    assert phases == ["Order", "Site survey", "FOC", "Install", "Test and turn-up", "Billing start"]
    tasks = by_key(plan)
    chain = ["order_accepted", "site_survey.dia_1g", "foc.dia_1g", "access_install.dia_1g", "circuit_test.dia_1g"]
    chain += ["turn_up.dia_1g", "port_cutover.sip", "in_service", "billing_start"]
    dates = [tasks[key].start_target for key in chain]
    assert dates == sorted(dates)
    assert len(set(dates)) == len(dates)
    assert tasks["equipment_install.cpe"].estimated_hours == 4


@pytest.mark.parametrize("name", ["saas_onboarding", "carrier_order"])
def test_in_every_shipped_plan_days_are_worked_and_predecessors_end_first(name, templates, default, make_record):
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.sampled_from(PRODUCTS), max_size=6), st.dates(date(2024, 1, 1), date(2030, 1, 1)))
    def check(lines, kickoff):
        deal = deal_from(make_record(tuple(lines)), default)
        plan = plan_of(templates[name], deal, default.calendar, kickoff)
        tasks = by_key(plan)
        assert len(tasks) == len(plan.tasks), "keys are unique"
        for task in plan.tasks:
            assert default.calendar.is_business_day(task.start_target)
            assert default.calendar.is_business_day(task.due_target)
            assert plan.kickoff <= task.start_target <= task.due_target
            for key in task.depends_on:
                before = tasks[key].due_target
                assert task.start_target >= before if task.milestone else task.start_target > before

    check()


def test_the_same_deal_gives_the_same_plan(templates, make_deal, default):
    template = templates["saas_onboarding"]
    assert plan_of(template, make_deal(), default.calendar) == plan_of(template, make_deal(), default.calendar)


def test_tasks_stand_in_the_order_of_phases_then_of_the_template(tiny, make_deal):
    plan = plan_of(tiny, make_deal((INTEGRATION,)))
    assert [t.key for t in plan.tasks] == [
        "first",
        "later",
        "near_launch",
        "each.int_sap",
        "each_after.int_sap",
        "last",
        "finish",
    ]


def test_each_line_gets_tasks_of_its_own_that_can_be_told_apart(tiny, make_deal):
    other = {**INTEGRATION, "Quantity": 5.0}
    tasks = by_key(plan_of(tiny, make_deal((INTEGRATION, SOFTWARE, other))))
    assert tasks["each.int_sap"].name == "SAP link (1 of 2)"
    assert tasks["each.int_sap-2"].name == "SAP link (2 of 2)"
    assert (tasks["each.int_sap"].estimated_hours, tasks["each.int_sap-2"].estimated_hours) == (4, 10)
    assert tasks["each_after.int_sap-2"].depends_on == ("each.int_sap-2",)
    assert tasks["last"].depends_on == ("each.int_sap", "each.int_sap-2")


def test_a_task_that_is_left_out_hands_on_its_own_predecessors(tiny, make_deal):
    tasks = by_key(plan_of(tiny, make_deal(())))
    assert "rare" not in tasks
    assert tasks["later"].depends_on == ("first",)
    assert tasks["last"].depends_on == ("first",)
    # `after rare + 4` now counts from the end of `first`, on the 11th.
    assert tasks["later"].start_target == date(2026, 3, 17)


def test_a_condition_brings_a_task_in(tiny, make_deal):
    tasks = by_key(plan_of(tiny, make_deal((), Amount=2_000_000.0)))
    assert tasks["later"].depends_on == ("rare",)


def test_a_task_ends_so_many_business_days_after_it_starts(tiny, make_deal):
    tasks = by_key(plan_of(tiny, make_deal((INTEGRATION,))))
    assert (tasks["first"].start_target, tasks["first"].due_target) == (KICKOFF, date(2026, 3, 11))
    assert (tasks["each_after.int_sap"].start_target, tasks["each_after.int_sap"].due_target) == (
        date(2026, 3, 13),
        date(2026, 3, 16),
    )


def test_a_milestone_takes_no_time_and_falls_on_the_day_its_last_predecessor_ends(tiny, make_deal):
    tasks = by_key(plan_of(tiny, make_deal((INTEGRATION,))))
    assert tasks["finish"].start_target == tasks["finish"].due_target == tasks["last"].due_target


def test_an_anchor_on_the_launch_counts_back_from_it(tiny, make_deal):
    plan = plan_of(tiny, make_deal(()))
    assert plan.target_launch == date(2026, 4, 6)
    assert by_key(plan)["near_launch"].start_target == date(2026, 4, 2)


def test_a_launch_sold_too_soon_never_starts_a_task_before_the_kickoff(tiny, make_deal):
    plan = plan_of(tiny, make_deal((), Target_Launch__c=date(2026, 3, 10)))
    assert plan.target_launch == date(2026, 3, 10)
    assert min(task.start_target for task in plan.tasks) == KICKOFF


def test_a_launch_sold_on_a_day_off_is_met_before_it(tiny, make_deal):
    assert plan_of(tiny, make_deal((), Target_Launch__c=date(2026, 4, 5))).target_launch == date(2026, 4, 3)


def test_a_launch_sold_before_the_kickoff_holds_the_deal_back(tiny, make_deal):
    with pytest.raises(HeldBack, match="2026-03-01 is before the kickoff 2026-03-09") as held:
        plan_of(tiny, make_deal((), Target_Launch__c=date(2026, 3, 1)))
    assert held.value.code == "PLAN-LAUNCH-01"


def test_a_negative_quantity_makes_no_negative_hours_but_holds_the_deal_back(tiny, make_deal):
    with pytest.raises(HeldBack, match="gives -4 hours for each: correct the deal's quantities"):
        plan_of(tiny, make_deal(({**INTEGRATION, "Quantity": -2.0},)))


def test_owners_come_from_the_deal_the_template_or_the_company(tiny, make_deal):
    tasks = by_key(plan_of(tiny, make_deal((INTEGRATION,))))
    assert tasks["last"].owner == "zoe@example.com"
    assert tasks["first"].owner == "ada@example.com"
    assert tasks["near_launch"].owner == ""
    theirs = by_key(plan_of(tiny, make_deal((INTEGRATION,)), people={"engineer": "ben@example.com"}))
    assert theirs["first"].owner == "ben@example.com"


@pytest.mark.parametrize(
    ("lines", "fields", "hours"),
    [
        ((SOFTWARE,), {"Contracted_Hours__c": 120.0}, 120.0),
        ((SOFTWARE, SERVICES), {}, 80.0),
        ((SOFTWARE, SERVICES), {"Contracted_Hours__c": 64.5}, 64.5),
        ((SOFTWARE,), {}, None),
    ],
)
def test_contracted_hours_are_those_of_the_deal_else_of_its_services_else_unknown(
    templates, make_deal, default, lines, fields, hours
):
    assert plan_of(templates["saas_onboarding"], make_deal(lines, **fields), default.calendar).contracted_hours == hours


def test_without_an_expression_contracted_hours_are_those_of_the_deal(tiny, make_deal):
    assert plan_of(tiny, make_deal((), Contracted_Hours__c=40.0)).contracted_hours == 40.0
    assert plan_of(tiny, make_deal(())).contracted_hours is None


def test_the_template_of_highest_priority_that_fits_is_chosen(templates, make_deal, tiny):
    both = tuple(templates.values())
    assert choose(both, make_deal((SOFTWARE,))).name == "saas_onboarding"
    assert choose(both, make_deal((SOFTWARE, FIBRE))).name == "carrier_order"
    assert choose((tiny, replace(tiny, name="second")), make_deal(())).name == "tiny"


def test_a_deal_that_no_template_fits_is_held_back(templates, make_deal):
    with pytest.raises(HeldBack, match="tried: carrier_order") as held:
        choose([templates["carrier_order"]], make_deal((SOFTWARE,)))
    assert held.value.code == "PLAN-TEMPLATE-01"


def test_a_deal_that_lacks_a_value_which_the_template_uses_is_held_back(tmp_path, default, make_deal):
    path = tmp_path / "t.yaml"
    path.write_text(TINY.replace("Start {{ deal.name }}", "Start {{ deal.target_launch }}"))
    (template,) = load_templates([path], default)
    with pytest.raises(HeldBack, match="target_launch") as held:
        plan_of(template, make_deal(()))
    assert held.value.code == "PLAN-VALUE-01"
    with pytest.raises(HeldBack, match="amount") as held:
        plan_of(template, make_deal((), Amount=None))
    assert held.value.code == "PLAN-CONDITION-01"


def test_kickoff_is_proposed_some_business_days_after_the_deal_closed(templates, make_deal, default):
    assert kickoff_of(templates["saas_onboarding"], make_deal(), default.calendar) == date(2026, 3, 9)


def test_a_task_knows_its_canonical_fields(tiny, make_deal, default):
    task = by_key(plan_of(tiny, make_deal((INTEGRATION,))))["finish"]
    canonical = task.canonical()
    assert (canonical["kind"], canonical["status"], canonical["estimated_hours"]) == ("milestone", "not_started", None)
    assert set(canonical) <= {rule.name for rule in default.task.rules}


def test_without_a_mapping_templates_load_as_well():
    assert [t.name for t in load_templates(DEFAULT_TEMPLATES)] == ["saas_onboarding", "carrier_order"]


def task(extra="", key="a"):
    return f"""
name: t
version: "1"
launch_after_kickoff: 5
roles: {{lead: ""}}
phases: [One]
groups:
  - phase: One
    tasks:
      - {{key: z, name: Z}}
      - {{key: {key}, name: A{extra}}}
"""


@pytest.mark.parametrize(
    ("text", "what", "repair"),
    [
        (task(", depends_on: [zz]"), "there is no task 'zz'", "Did you mean 'z'"),
        (task(", start: after y"), "there is no task 'y'", "Use one of"),
        (task(", depends_on: [a]"), "in a circle: a → a", "Remove one"),
        (task(key="z"), "two tasks have the key 'z'", "its own key"),
        (task(", role: leed"), "unknown role 'leed'", "Did you mean 'lead'"),
        (task(", start: kickoff+2"), "'kickoff+2' has not the right form", "`kickoff + 2`"),
        (task(", days: 0"), "greater than or equal to 1", "Correct"),
        (task(", days: three"), "integer, got 'three'", "Correct"),
        (task(", hours: -1"), "greater than or equal to 0", "Correct"),
        (task(", hours: 2.0 *"), "no valid CEL expression", "docs/mappings.md"),
        (task(", hours: line.quantity"), "unknown variable 'line'", "Did you mean 'lines'"),
        (task(", milestone: true, days: 3"), "a milestone takes no time", "Remove `days`"),
        (task(", audience: client"), "'client' is not allowed here", "'customer'"),
        (task(", when: deal.amonut > 1.0"), "a deal has no field 'amonut'", "Did you mean 'amount'"),
        (task(", when: 'amount > 1.0'"), "unknown variable 'amount'", "Use one of: deal, lines"),
        (task(", description: '{{ deal.acount }}'"), "a deal has no field 'acount'", "Did you mean 'account'"),
        (task(", description: '{{ dael.name }}'"), "unknown variable 'dael'", "Did you mean 'deal'"),
        (task(", description: '{{ deal.name '"), "no valid Jinja", "docs/mappings.md"),
        (
            task(", description: '{% for x in lines %}{{ x.famly }}{% endfor %}'"),
            "a line has no field 'famly'",
            "'family'",
        ),
        (task(", wehn: 'true'"), "unknown key 'wehn'", "Did you mean 'when'"),
        (task().replace("phase: One", "phase: Two"), "unknown phase 'Two'", "Use one of: One"),
        (task().replace("phase: One", "phase: One\n    each: 'true'"), "`each` stands without", "for_each: lines"),
        (task().replace('lead: ""', "lead: somebody"), "'somebody' has not the right form", "An e-mail address"),
        (task().replace("name: t\n", "", 1), "'name' is missing", "Add it"),
        (task().replace("key: z, ", ""), "'key' is missing", "Add it"),
        (task().replace("phases: [One]", "phases: One"), "valid list, got 'One'", "Correct"),
    ],
)
def test_a_mistake_in_a_template_is_shown_with_what_to_do(mistakes_in, text, what, repair):
    found = [m for m in mistakes_in(text, "template") if what in m.what]
    assert found, mistakes_in(text, "template")
    assert repair in found[0].repair
    assert found[0].line > 1


def test_a_sound_template_has_no_mistakes(mistakes_in):
    assert mistakes_in(task(), "template") == []


def test_a_circle_is_named_whole_and_once(mistakes_in):
    text = (
        task(", depends_on: [z]")
        .replace("name: Z", "name: Z, start: after b")
        .replace("{key: a,", "{key: b, name: B, depends_on: [a]}\n      - {key: a,")
        .replace("- {key: z,", "- {key: waits_for_the_circle, name: W, depends_on: [a]}\n      - {key: z,")
    )
    (mistake,) = mistakes_in(text, "template")
    assert mistake.what.endswith("in a circle: a → z → b → a")


def test_mistakes_of_several_templates_come_in_one_report(tmp_path, default):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(task(", depends_on: [zz], hours: '1 +'"))
    with pytest.raises(Problems) as problems:
        load_templates([tmp_path / "one.yaml", tmp_path / "two.yaml", tmp_path / "gone.yaml"], default)
    lines = str(problems.value).splitlines()
    assert [line.split(":")[0].rsplit("/", 1)[-1] for line in lines].count("one.yaml") == 2
    assert any("template 't' is also in" in line for line in lines)
    assert any("gone.yaml:1:1: the file cannot be read" in line for line in lines)


def test_a_text_cannot_reach_python(tmp_path, default, make_deal):
    path = tmp_path / "t.yaml"
    path.write_text(task(', description: "{{ deal.name.__class__.__mro__ }}"'))
    (template,) = load_templates([path], default)
    with pytest.raises(HeldBack, match="unsafe"):
        plan_of(template, make_deal(()))


def test_the_template_in_the_manual_works_as_it_stands(tmp_path, default, make_deal):
    manual = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8")
    example = next(block for block in manual.split("```yaml\n")[1:] if "template.schema.json" in block).split("```")[0]
    path = tmp_path / "manual.yaml"
    path.write_text(example)
    (template,) = load_templates([path], default)
    plan = plan_of(template, make_deal((SOFTWARE, INTEGRATION), Amount=20_000.0))
    assert [t.key for t in plan.tasks] == ["contract_review", "kickoff_call", "build.int_sap"]
