from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import TryLater, Unknown
from connectors.jira import adf, shapes
from connectors.jira.client import endpoint
from connectors.jira.failures import part_failure
from connectors.jira.fields import type_name
from connectors.jira.identity import label_of, number_of, write_key_of


@given(st.text(max_size=400))
def test_text_survives_the_way_there_and_back(text):
    tidy = shapes.TEXT.tidy(text)
    assert shapes.TEXT.read(shapes.TEXT.write(tidy)) == tidy
    assert shapes.TEXT.tidy(tidy) == tidy


@given(st.text(max_size=400))
def test_a_line_is_stored_as_it_is_once_it_is_tidy(text):
    tidy = shapes.LINE.tidy(text)
    assert shapes.LINE.tidy(tidy) == tidy
    assert tidy is None or (len(tidy.encode("utf-16-le")) <= 510 and "\n" not in tidy and tidy == tidy.strip())


@given(st.integers(min_value=0, max_value=10**8))
def test_an_estimate_is_kept_in_whole_minutes(seconds):
    tidy = shapes.ESTIMATE.tidy(seconds)
    assert abs(tidy - seconds) <= 30
    assert shapes.ESTIMATE.write(tidy) == {"originalEstimate": f"{tidy // 60}m"}


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_to_the_millisecond(moment):
    tidy = shapes.MOMENT.tidy(moment)
    if moment.year >= 1000:
        assert shapes.MOMENT.read(shapes.MOMENT.write(tidy)) == tidy


def test_a_moment_of_another_offset_is_the_same_moment():
    moment = datetime(2026, 11, 20, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert shapes.MOMENT.write(shapes.MOMENT.tidy(moment)) == "2026-11-20T09:30:00.000+0000"


def test_a_whole_number_reads_as_one():
    assert shapes.NUMBER.read(5.0) == 5
    assert isinstance(shapes.NUMBER.read(5.0), int)
    assert shapes.NUMBER.read(2.5) == 2.5


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (shapes.LINE, 5),
        (shapes.DAY, "2026-01-01"),
        (shapes.MOMENT, datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
        (shapes.NUMBER, "5"),
        (shapes.NUMBER, True),
        (shapes.ESTIMATE, -60),
        (shapes.LABELS, "one"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(shape, value):
    with pytest.raises(shapes.Unfit):
        shape.tidy(value)


@pytest.mark.parametrize(
    ("shape", "value", "wire"),
    [
        (shapes.PEOPLE, ("b", "a"), [{"accountId": "a"}, {"accountId": "b"}]),
        (shapes.CHOICES, ("x",), [{"value": "x"}]),
        (shapes.NAMES, ("Core",), [{"name": "Core"}]),
        (shapes.LABELS, (), []),
        (shapes.DAY, date(2026, 1, 2), "2026-01-02"),
        (shapes.PARENT, "10001", {"id": "10001"}),
        (shapes.PARENT, "ONB-1", {"key": "ONB-1"}),
    ],
)
def test_each_shape_is_written_as_jira_wants_it_and_read_back(shape, value, wire):
    tidy = shape.tidy(value)
    assert shape.write(tidy) == wire
    if shape is not shapes.PARENT:
        assert shape.read(wire) == tidy


def test_what_people_wrote_with_rich_text_is_read_as_its_words():
    def text(words):
        return {"type": "text", "text": words, "marks": [{"type": "strong"}]}

    def block(kind, *content, **attrs):
        return {"type": kind, "content": list(content), "attrs": attrs}

    document = block(
        "doc",
        block("heading", text("Kick-off"), level=2),
        block(
            "paragraph",
            text("Ask "),
            {"type": "mention", "attrs": {"id": "x", "text": "@Ada"}},
            {"type": "hardBreak"},
            text("soon"),
        ),
        block(
            "bulletList",
            block("listItem", block("paragraph", text("one"))),
            block("listItem", block("paragraph", text("two"))),
        ),
        block("panel", block("paragraph", {"type": "inlineCard", "attrs": {"url": "https://acme.example"}})),
        block(
            "table",
            block(
                "tableRow",
                block("tableCell", block("paragraph", text("a"))),
                block("tableCell", block("paragraph", text("b"))),
            ),
        ),
        {"type": "rule"},
    )
    assert adf.plain(document) == "Kick-off\nAsk @Ada\nsoon\n- one\n- two\nhttps://acme.example\na | b"


def test_what_is_no_document_reads_as_nothing():
    assert [shapes.TEXT.read(raw) for raw in (None, [], {}, {"type": "doc", "content": None}, "old text")] == [
        None
    ] * 4 + ["old text"]


def test_unknown_types_are_read_as_far_as_they_go_and_never_written():
    assert shapes.OTHER.read({"value": "Europe", "child": {"value": "NL"}}) == "Europe"
    assert shapes.OTHER.read([1, 2]) is None
    assert not shapes.OTHER.writable


def test_a_type_is_named_from_the_schema():
    custom = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"
    assert type_name({"type": "string", "custom": custom}) == "string:textarea"
    assert type_name({"type": "array", "items": "option"}) == "array:option"
    assert type_name({}) == ""


@given(st.text(min_size=1, max_size=600))
def test_a_label_is_one_word_of_at_most_255_characters_and_always_the_same(key):
    label = label_of(key)
    assert len(label) <= 255
    assert not any(c.isspace() for c in label)
    assert label == label_of(key)


def test_two_long_keys_that_differ_at_the_end_have_two_labels():
    assert label_of("k" * 400 + "a") != label_of("k" * 400 + "b")


def test_a_write_key_is_read_from_the_property_only():
    assert write_key_of({"properties": {"closedwon": {"key": "k"}}}) == "k"
    for odd in (
        {},
        {"properties": None},
        {"properties": {"closedwon": "k"}},
        {"properties": {"closedwon": {"key": 5}}},
    ):
        assert write_key_of(odd) == ""


def test_only_keys_of_the_project_have_a_number():
    assert [number_of(k, "ONB") for k in ("ONB-17", "OPS-99", "ONB-", "", None)] == [17, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("POST", "https://a.example/rest/api/3/issue/bulk", "POST /rest/api/3/issue/bulk"),
        ("GET", "https://a.example/rest/api/3/issue/10001", "GET /rest/api/3/issue/{id}"),
        ("POST", "/rest/api/3/issue/ONB-1/transitions", "POST /rest/api/3/issue/{id}/transitions"),
        ("GET", "/ex/jira/5ab5-de13/rest/api/3/project/ONB/statuses", "GET /rest/api/3/project/{id}/statuses"),
        ("GET", "/rest/api/3/search/jql", "GET /rest/api/3/search/jql"),
    ],
)
def test_an_endpoint_is_named_without_ids_and_without_a_gateways_prefix(method, url, name):
    assert endpoint(method, url) == name


def test_the_parts_of_a_bulk_answer_fail_each_in_its_own_way():
    assert isinstance(part_failure({"status": 429}), TryLater)
    assert isinstance(part_failure({"status": 503}), Unknown)
    assert part_failure({"status": 400, "elementErrors": None}).code == "JIRA-REQUEST-01"
