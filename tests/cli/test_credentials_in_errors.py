"""A vendor's reason may be quoted; a credential that it echoes may not."""

from __future__ import annotations

import pytest

from connectors.errors import ConnectorError

ECHOED = {
    "Header Authorization: Bearer 00DWx0000fwEOl!AQ4.xyz refused": "Header Authorization: Bearer … refused",
    "got Basic Y2xvc2Vkd29uOjEyMw==": "got Basic …",
    'body {"access_token": "00Dabc123!xyz", "a": 1}': 'body {"access_token": "…", "a": 1}',
    "client_secret=3MVG9abc123&grant_type=x": "client_secret=…&grant_type=x",
}
QUOTED = (
    "Record 006Wx0000fwEOlGIAW:plan has this key: 006Wx0000fwEOlGIAW already",
    "Basic authentication with passwords is deprecated",
    "Check the token: it has expired. Make a new one",
    "The field customfield_10050 cannot be set",
)


@pytest.mark.parametrize("text", ECHOED)
def test_an_echoed_credential_is_cut_out(text: str) -> None:
    assert ConnectorError(text, code="X-01").message == ECHOED[text]


@pytest.mark.parametrize("text", QUOTED)
def test_other_words_of_a_vendor_are_left_alone(text: str) -> None:
    assert ConnectorError(text, code="X-01").message == text
