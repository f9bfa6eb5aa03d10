from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.conditions import Condition
from mappings.model import Lens, Untranslatable
from mappings.transforms import (
    Affix,
    Chain,
    Checkbox,
    Choice,
    Computed,
    Constant,
    Day,
    Hours,
    Identity,
    Listed,
    Number,
    Percent,
    Text,
    Truncate,
    Truth,
    User,
)
from mappings.translate import put, read

STATUS = Choice({"todo": ("To Do",), "doing": ("In Progress", "In Review"), "done": ("Done",)}, "tracker.status")
USERS = User({"ada@example.com": "5b1", "ben@example.com": "5b2"}, "tracker.assignee")
words = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40)
texts = st.none() | words.map(str.strip).filter(bool)
emails = st.from_regex(r"[a-z]{1,9}@example\.com", fullmatch=True)
hours = st.none() | st.integers(0, 10_000_000).map(lambda n: n / 100)
statuses = st.sampled_from([None, "todo", "doing", "done"])

INVERTIBLE = [
    (Identity(), st.none() | st.booleans() | words),
    (Text(), texts),
    (Number(2), st.none() | st.integers(-(10**9), 10**9).map(lambda n: n / 100)),
    (Number(0), st.none() | st.integers(-(10**9), 10**9).map(float)),
    (Hours(), hours),
    (Percent(), st.none() | st.integers(0, 10_000).map(lambda n: n / 100)),
    (Day(), st.none() | st.dates()),
    (Truth(), st.booleans()),
    (STATUS, statuses),
    (Checkbox("done", "doing"), st.sampled_from(["done", "doing"])),
    (USERS, st.sampled_from([None, "ada@example.com", "ben@example.com"])),
    (User(None), st.none() | emails),
    (Listed(), st.lists(words).map(tuple)),
    (Listed(";"), st.lists(words.filter(lambda w: ";" not in w)).map(tuple)),
    (Affix("[ACME] ", "!"), texts),
    (Chain((Text(), Affix("[ACME] "))), texts),
    (Chain((Affix("", "a"), Affix("", "b"))), texts),
    (Chain((Text(), Truncate(60))), texts),
]
LOSSY = [
    (Checkbox("done", "doing"), statuses),
    (Chain((Text(), Truncate(5))), texts),
    (Hours(), st.none() | st.floats(0, 10_000)),
    (Percent(), st.none() | st.floats(0, 100)),
    (Number(1), st.none() | st.floats(-1e9, 1e9)),
    (USERS, st.none() | emails),
    (Constant("Task"), words),
]


def lens(transform):
    return Lens("sheets", "Column", transform, reads=True, writes=True)


@pytest.mark.parametrize(("transform", "domain"), INVERTIBLE, ids=lambda x: type(x).__name__)
def test_what_was_put_is_got_back(transform, domain):
    @given(domain)
    def check(value):
        assert transform.get(transform.put(value)) == value

    check()


@pytest.mark.parametrize(("transform", "domain"), INVERTIBLE + LOSSY, ids=lambda x: type(x).__name__)
def test_reading_what_was_written_gives_the_base_however_lossy_the_lens(transform, domain):
    @given(domain)
    def check(base):
        assert read(lens(transform), put(lens(transform), base), base) == base

    check()


@pytest.mark.parametrize(("transform", "domain"), INVERTIBLE + LOSSY, ids=lambda x: type(x).__name__)
def test_an_empty_field_reads_as_nothing_where_nothing_was(transform, domain):
    if isinstance(transform, Constant):
        return
    base = transform.get(None)
    for empty in (None, "", ()):
        assert read(lens(transform), empty, base) == base


def test_an_unticked_box_over_a_blocked_task_leaves_it_blocked():
    box = lens(Checkbox("done", "in_progress"))
    assert read(box, False, "blocked") == "blocked"
    assert read(box, None, "not_started") == "not_started"
    assert read(box, True, "blocked") == "done"
    assert read(box, False, "done") == "in_progress"
    assert read(box, None, "done") == "in_progress"


def test_of_several_native_values_the_first_is_written_and_all_are_read():
    assert STATUS.put("doing") == "In Progress"
    assert STATUS.get("In Review") == STATUS.get("in progress ") == "doing"


def test_a_name_cut_at_the_vendor_stays_whole_here_until_somebody_changes_it():
    short = lens(Chain((Text(), Truncate(8))))
    assert put(short, "Acme rollout") == "Acme ro…"
    assert read(short, "Acme ro…", "Acme rollout") == "Acme rollout"
    assert read(short, "Acme EU", "Acme rollout") == "Acme EU"


def test_a_prefix_that_somebody_dropped_loses_nothing():
    assert Affix("[ACME] ").get("Kickoff") == "Kickoff"


def test_seconds_are_whole_and_hours_have_two_decimals():
    assert Hours().put(1.33) == 4788
    assert Hours().put(1.13) == 4068  # floating point gives a hair less
    assert isinstance(Hours().put(0.1), int)
    assert Hours().get(100) == 0.03


def test_a_sheet_s_number_as_text_is_read():
    assert Number(2).get(" 12.5 ") == 12.5


def test_a_zero_has_no_sign():
    assert str(Number(2).get(-0.001)) == "0.0"


@pytest.mark.parametrize(
    ("transform", "native", "code"),
    [
        (STATUS, "Waiting", "MAP-VALUE-01"),
        (USERS, "5b9", "MAP-USER-01"),
        (Number(2), "about three", "MAP-NUMBER-01"),
        (Number(2), "nan", "MAP-NUMBER-01"),
        (Number(2), True, "MAP-NUMBER-01"),
        (Hours(), "3h", "MAP-NUMBER-01"),
        (Day(), "next week", "MAP-DATE-01"),
        (Truth(), "perhaps", "MAP-BOOLEAN-01"),
        (Computed(Condition.compile("native * 2.0")), "x", "MAP-COMPUTED-01"),
    ],
)
def test_a_native_value_that_nothing_translates_is_held_with_its_code(transform, native, code):
    with pytest.raises(Untranslatable) as held:
        transform.get(native)
    assert held.value.code == code
    assert ":" in held.value.message or "," in held.value.message


def test_a_moment_is_read_as_its_day():
    assert Day().get(datetime(2026, 3, 2, 23, tzinfo=UTC)) == Day().get("2026-03-02T23:00:00Z") == date(2026, 3, 2)


def test_an_expression_computes_what_is_read():
    assert Computed(Condition.compile("native == 'Gold' ? 10.0 : 5.0")).get("Gold") == 10.0


def test_a_person_unknown_to_a_connection_is_shown_as_nobody_and_not_forgotten():
    owner = lens(USERS)
    assert put(owner, "zoe@example.com") is None
    assert read(owner, None, "zoe@example.com") == "zoe@example.com"
    assert read(owner, "5b2", "zoe@example.com") == "ben@example.com"
