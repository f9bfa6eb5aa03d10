from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.conditions import BadExpression, Condition, NotEvaluated, Scope, WrongTypes, visible

SCOPE = Scope.of(
    {
        "deal": visible(
            {"amount": 2500.0, "region": "EMEA", "close_date": date(2026, 3, 2), "hours": None, "seats": 7}
        ),
        "lines": [{"family": "Services", "quantity": 3.0}, {"family": "Software", "quantity": 1.0}],
    }
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('lines.exists(l, l.family == "Services")', True),
        ("deal.amount > 1000 && deal.region in ['EMEA', 'APAC']", True),
        ("has(deal.hours)", False),
        ("deal.close_date < '2026-04-01'", True),
        ("deal.seats * 2.0 == 14.0", True),
        ("sum(lines.map(l, l.quantity)) == 4.0", True),
        ("ceil(deal.amount / 1000.0) == 3.0", True),
    ],
)
def test_a_condition_tells_yes_or_no(text, answer):
    assert Condition.compile(text).test(SCOPE) is answer


def test_an_amount_is_a_number():
    assert (
        Condition.compile("8.0 * sum(lines.filter(l, l.family == 'Services').map(l, l.quantity))").number(SCOPE) == 24
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deal.hours > 3.0", r"needs `hours`, which is empty here.*has\("),
        ("deal.amount / 0.0", "not a number"),
        ("deal.region", "not a number"),
        ("lines[9].quantity", "index out of bounds"),
        ("int(deal.region)", "cannot be worked out"),
    ],
)
def test_what_a_deal_lacks_is_said_with_what_to_do(text, words):
    with pytest.raises(NotEvaluated, match=words):
        Condition.compile(text).number(SCOPE)


def test_a_condition_that_is_no_yes_or_no_is_no_condition():
    with pytest.raises(NotEvaluated, match="not true or false"):
        Condition.compile("deal.amount").test(SCOPE)


def test_mixed_types_are_told_apart_from_missing_values():
    with pytest.raises(WrongTypes, match=r"write 2\.0, not 2"):
        Condition.compile("deal.amount * 2").value(SCOPE)


def test_a_syntax_error_tells_its_place():
    with pytest.raises(BadExpression, match=r"line 2, column 3"):
        Condition.compile("deal.a ==\n  = 3")


def test_names_members_and_functions_are_known_without_running():
    condition = Condition.compile(
        "deal.amount > 1.0 && lines.exists(l, l.family == 'deal.fake' && l.code.startsWith(other.x)) && size(lines) > 0"
    )
    assert condition.names() == {"deal", "lines", "other"}
    assert condition.members("deal") == {"amount"}
    assert condition.members("line", "lines") == {"family", "code"}
    assert condition.functions() == {"startsWith", "size"}


@given(st.text(max_size=30))
def test_no_text_does_worse_than_a_bad_expression(text):
    with suppress(BadExpression):
        assert Condition.compile(text).text == text


def test_an_expression_reaches_nothing_of_python():
    for text in ("deal.__class__", "''.__class__", "__import__('os')", "open('/etc/passwd')"):
        with pytest.raises(NotEvaluated):
            Condition.compile(text).value(SCOPE)
