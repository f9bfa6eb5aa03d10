from __future__ import annotations

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connectors.base import DealQuery, Written
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater
from connectors.salesforce import SalesforceSettings

TOKEN = "POST /services/oauth2/token"
QUERY = "GET */query"
PLANTED = "planted-secret"


@pytest.fixture(scope="session")
def keys():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, public.decode()


def by_key(rig, **changes):
    """A connector that signs in by JWT; an assertion is judged by the machine's time, not the simulator's."""
    given = {"client_secret": None, "username": "closedwon@example.com", **changes}
    return rig.connect(clock=lambda: datetime.now(UTC), **given)


def test_a_private_key_signs_in_as_the_named_user(rig, keys):
    rig.vendor.knobs["jwt_public_key"] = keys[1]
    deal = rig.win()
    assert [record.ref.id for record in by_key(rig, private_key=keys[0]).deals(DealQuery())] == [deal]


def test_a_private_key_may_stand_in_a_file(rig, keys, tmp_path):
    rig.vendor.knobs["jwt_public_key"] = keys[1]
    file = tmp_path / "key.pem"
    file.write_text(keys[0])
    assert by_key(rig, private_key_file=file).changes("").cursor


def test_a_user_who_is_not_approved_is_told_what_to_approve(rig, keys):
    rig.vendor.knobs["jwt_public_key"] = keys[1]
    with pytest.raises(NotAuthorised, match="pre-authorise") as caught:
        by_key(rig, private_key=keys[0], username="other@example.com").changes("")
    assert caught.value.code == "SF-LOGIN-01"


def test_a_broken_key_and_a_missing_key_file_are_told_apart(rig, tmp_path):
    with pytest.raises(NotAuthorised) as broken:
        by_key(rig, private_key="-----BEGIN PRIVATE KEY-----\nplanted-key\n").changes("")
    with pytest.raises(NotAuthorised) as missing:
        by_key(rig, private_key_file=tmp_path / "none.pem").changes("")
    assert broken.value.code == "SF-LOGIN-04"
    assert missing.value.code == "SF-LOGIN-05"
    assert rig.logins() == 0


def test_a_wrong_secret_is_refused_once_and_not_tried_again(rig):
    with pytest.raises(NotAuthorised, match="client_secret") as caught:
        rig.connect(client_secret=PLANTED).changes("")
    assert caught.value.code == "SF-LOGIN-01"
    assert rig.logins() == 1


def test_too_many_sign_ins_wait_and_are_not_hammered(rig):
    rig.fail("login_rate", TOKEN, times=None)
    with pytest.raises(TryLater) as caught:
        rig.connect().changes("")
    assert caught.value.code == "SF-LOGIN-02"
    assert rig.logins() == 1


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "truncate", "html"])
def test_a_sign_in_that_breaks_is_tried_again(rig, fault):
    rig.fail(fault, TOKEN)
    assert rig.connect().changes("").cursor
    assert rig.logins() == 2


def test_a_page_in_place_of_a_token_is_not_taken_for_one(rig):
    rig.fail("status", TOKEN, args={"status": 200, "body": {"hello": "portal"}})
    with pytest.raises(NotAuthorised, match="token_url") as caught:
        rig.connect().changes("")
    assert caught.value.code == "SF-LOGIN-03"


def test_an_expired_token_costs_one_sign_in_and_the_same_call_with_its_headers(rig, monkeypatch):
    rig.win("One")
    crm = rig.connect()
    list(crm.deals(DealQuery()))
    with rig.world.lock:
        rig.vendor.auth.expire_all()
    seen = _headers_of_queries(rig, monkeypatch)
    assert len(list(crm.deals(DealQuery()))) == 1
    assert rig.logins() == 2
    assert len(seen) == 2
    assert seen[0]["sforce-query-options"] == seen[1]["sforce-query-options"] == "batchSize=2000"
    assert seen[0]["sforce-call-options"] == seen[1]["sforce-call-options"] == "client=closedwon"
    assert seen[0]["authorization"] != seen[1]["authorization"]
    assert "x-prettyprint" not in seen[0]


def _headers_of_queries(rig, monkeypatch):
    """Collect the headers of every query from now on, at the vendor's door."""
    seen = []
    handle = rig.vendor.handle

    def listening(request):
        if "/query" in request.path:
            seen.append(request.headers)
        return handle(request)

    monkeypatch.setattr(rig.vendor, "handle", listening)
    return seen


@pytest.mark.parametrize("fault", ["session_expired", "html_401"])
def test_a_token_refused_for_ever_signs_in_once_more_and_stops(rig, fault):
    rig.fail(fault, QUERY, times=None)
    with pytest.raises(NotAuthorised) as caught:
        rig.connect().changes("")
    assert caught.value.code == "SF-SESSION-01"
    assert rig.logins() == 2
    assert rig.calls() == 2


def test_a_401_that_no_new_token_mends_is_not_answered_by_signing_in(rig):
    said = "This session is not valid for use with the REST API"
    rig.fail("error", QUERY, times=None, args={"status": 401, "code": "INVALID_SESSION_ID", "message": said})
    with pytest.raises(NotAuthorised) as caught:
        rig.connect().changes("")
    assert caught.value.code == "SF-SESSION-02"
    assert rig.logins() == 1


def test_threads_that_meet_an_expired_token_sign_in_once(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(12)]
    crm = rig.connect()
    list(crm.deals(DealQuery(ids=tuple(deals[:1]))))
    with rig.world.lock:
        rig.vendor.auth.expire_all()
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda deal: next(crm.write([upsert(deal)])), deals))
    assert all(isinstance(result, Written) for result in results)
    assert rig.logins() == 2


def test_the_api_is_spoken_to_where_the_token_says(rig):
    rig.vendor.knobs["instance_url"] = rig.url
    deal = rig.win()
    crm = rig.connect(url="https://acme.my.salesforce.com", token_url=f"{rig.url}/services/oauth2/token")
    [record] = crm.deals(DealQuery())
    assert record.url == f"https://acme.my.salesforce.com/{deal}"


def test_a_token_is_not_sent_to_a_host_off_the_list_whatever_it_says(rig):
    rig.vendor.knobs["instance_url"] = "https://elsewhere.example.com"
    crm = rig.connect(url="https://acme.my.salesforce.com", token_url=f"{rig.url}/services/oauth2/token")
    with pytest.raises(Refused, match=r"elsewhere\.example\.com is not on this connection's allow-list") as caught:
        crm.changes("")
    assert caught.value.code == "HTTP-HOST-01"


def test_no_secret_shows_in_reprs_logs_or_errors(rig, keys, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HTTPS_PROXY", "http://planted-proxy:1")
    shown = []
    crm = rig.connect()
    token = crm._client.sign_in()
    pem_line = keys[0].splitlines()[3]
    rig.fail("drop_after", QUERY, times=2)
    rig.fail("session_expired", QUERY, times=2)
    rig.fail("html", QUERY, times=None)
    for attempt in (
        lambda: crm.changes(""),
        lambda: crm.changes(""),
        lambda: rig.connect(client_secret=PLANTED).changes(""),
        lambda: by_key(rig, private_key=keys[0]).changes(""),
    ):
        with pytest.raises(ConnectorError) as caught:
            attempt()
        shown += traceback.format_exception(caught.value)
        shown += [repr(error) for error in _chain(caught.value)]
    shown += [
        repr(part)
        for part in (
            crm,
            crm._client,
            crm._settings,
            token,
            crm._client._tokens,
            rig.settings(client_secret=PLANTED),
        )
    ]
    text = "\n".join([*shown, caplog.text])
    assert "Salesforce" in text
    for secret in (token.text, "simulator-secret", PLANTED, pem_line, "planted-proxy"):
        assert secret not in text


def _chain(error):
    seen = []
    waiting = [error]
    while waiting:
        error = waiting.pop()
        if error is not None and error not in seen:
            seen.append(error)
            waiting += [error.__cause__, error.__context__]
    return seen


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"client_secret": None}, "exactly one"),
        ({"private_key": "planted-key"}, "exactly one"),
        ({"client_secret": None, "private_key": "planted-key"}, "username"),
        ({"url": "http://acme.my.salesforce.com"}, "https"),
        ({"url": "acme"}, "must look like"),
        ({"url": ""}, "My Domain"),
        ({"url": "https://user:planted-key@acme.my.salesforce.com"}, "without credentials"),
        ({"api_version": "v67"}, "api_version"),
        ({"onboarding_object": "Onboarding c"}, "onboarding_object"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_hint_and_without_the_secret(changes, hint):
    given = {
        "url": "https://acme.my.salesforce.com",
        "client_id": "closedwon",
        "client_secret": PLANTED,
        **changes,
    }
    with pytest.raises(ValidationError, match=hint) as caught:
        SalesforceSettings.model_validate(given)
    assert "planted" not in str(caught.value)


def test_every_setting_is_described():
    assert all(field.description for field in SalesforceSettings.model_fields.values())
