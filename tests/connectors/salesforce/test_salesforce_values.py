from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from connectors.errors import Refused
from connectors.salesforce.values import pick, plain, wire


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (date(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20, 12, 0, 5, tzinfo=timezone(timedelta(hours=2))), "2026-11-20T10:00:05Z"),
        (("Data", "Voice"), "Data;Voice"),
        ("text", "text"),
        (12.5, 12.5),
        (True, True),
        (None, None),
    ],
)
def test_plain_values_go_out_as_salesforce_reads_them(value, expected):
    assert wire(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-20", date(2026, 11, 20)),
        ("2026-11-20T10:00:05.000+0000", datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)),
        ("2026-11-20T10:00:05Z", datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)),
        ("2026-13-45", "2026-13-45"),
        ("2026-11-20T99:00:05Z", "2026-11-20T99:00:05Z"),
        ("on 2026-11-20", "on 2026-11-20"),
        (1.0e7, 10_000_000),
        (10.5, 10.5),
        (False, False),
        (None, None),
    ],
)
def test_values_come_in_as_plain_python_told_by_their_shape(value, expected):
    found = plain(value, "Field__c")
    assert found == expected
    assert type(found) is type(expected)


def test_a_path_through_an_empty_relationship_is_empty():
    assert pick({"Account": None}, "Account.Owner.Email") is None


def test_a_name_is_found_whatever_its_case():
    assert pick({"Account": {"Name": "Northwind"}}, "account.name") == "Northwind"


def test_an_address_as_a_whole_is_refused_with_what_to_map_instead():
    with pytest.raises(Refused, match="BillingCity") as caught:
        plain({"city": "Utrecht", "country": "NL"}, "Account.BillingAddress")
    assert caught.value.code == "SF-COMPOUND-01"
