from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.base import Value
from sync.store.codec import decode_fields, decode_items, encode_fields, encode_items

_any_text = st.text(st.characters(exclude_categories=()))  # half surrogate pairs too, as vendors cut texts
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    _any_text,
    st.dates(),
    st.datetimes(timezones=_zones).map(lambda moment: moment.replace(fold=0)),  # says nothing where the offset is fixed
    st.lists(_any_text).map(tuple),
)
_fields = st.dictionaries(_any_text, _values, max_size=6)


def _exactly(value: Any) -> Any:
    """Make 1, 1.0 and True different, and nan equal to itself."""
    if isinstance(value, dict):
        return {key: _exactly(each) for key, each in value.items()}
    return type(value).__name__, repr(value)


@given(_fields)
@settings(max_examples=120, deadline=None)
@example({"start": date(2026, 2, 28), "closed": datetime(2026, 2, 28, tzinfo=UTC), "products": ("SIP", "Fax")})
@example({"huge": 2**200, "edge": 2**53, "nan": float("nan"), "minus zero": -0.0, "whole": 1.0})
@example({"cut": "\ud83d", "nul": "a\0b", "d": "2026-01-01", "": ""})
def test_every_value_comes_back_as_it_was_with_its_type(fields: dict[str, Value]) -> None:
    assert _exactly(decode_fields(encode_fields(fields))) == _exactly(fields)


@given(st.dictionaries(_any_text, _fields, max_size=3))
@settings(max_examples=50, deadline=None)
def test_every_item_comes_back_as_it_was(items: dict[str, dict[str, Value]]) -> None:
    assert _exactly(decode_items(encode_items(items))) == _exactly(items)


def test_the_text_is_plain_json_that_other_programs_can_read() -> None:
    text = encode_fields({"name": "Kickoff", "target": date(2026, 11, 21), "seconds": 3600})
    assert orjson.loads(text) == {"name": "Kickoff", "target": {"d": "2026-11-21"}, "seconds": 3600}
    assert encode_fields({"big": 2**53}) == '{"big":{"n":"9007199254740992"}}'


def test_nothing_is_no_fields() -> None:
    assert decode_fields(None) == decode_fields("") == decode_items(None) == {}


def test_what_is_no_value_is_refused_instead_of_bent() -> None:
    with pytest.raises(TypeError, match="list is not a value"):
        encode_fields({"products": ["SIP"]})  # type: ignore[dict-item]


def test_a_value_of_a_type_from_the_future_is_refused_instead_of_guessed() -> None:
    with pytest.raises(ValueError, match="newer Closedwon"):
        decode_fields('{"price": {"decimal": "1.10"}}')
