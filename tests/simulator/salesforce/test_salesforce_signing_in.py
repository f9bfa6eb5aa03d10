"""Tokens: how they are had, refused, counted and lost."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(http: Http, **form: str) -> Any:
    return http.session.post(f"{http.base}/services/oauth2/token", data=form, headers={"Authorization": ""})


def assertion(key: rsa.RSAPrivateKey = KEY, **claims: Any) -> str:
    standard = {
        "iss": "closedwon",
        "sub": "closedwon@example.com",
        "aud": "https://acme.my.salesforce.com",
        "exp": str(int(time.time()) + 180),
    }
    return jwt.encode({**standard, **claims}, key, algorithm="RS256")


def test_client_credentials_are_taken_from_the_form_and_from_basic(http: Http) -> None:
    form = ask(http, grant_type="client_credentials", client_id="closedwon", client_secret="simulator-secret")
    assert form.status_code == 200
    assert form.json()["token_type"] == "Bearer"
    assert form.json()["instance_url"] == http.base
    basic = http.session.post(
        f"{http.base}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("closedwon", "simulator-secret"),
    )
    assert basic.status_code == 200
    assert basic.json()["access_token"] != form.json()["access_token"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "closedwon", "client_secret": "no"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "who"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_are_refused_with_an_oauth_object(http: Http, form: dict[str, str], error: str) -> None:
    answer = ask(http, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_signed_assertion_gets_a_token_that_works(vendor: Salesforce, http: Http) -> None:
    vendor.knobs["jwt_public_key"] = PUBLIC.decode()
    answer = ask(http, grant_type=JWT_BEARER, assertion=assertion())
    assert answer.status_code == 200, answer.text
    http.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert http("GET", "/limits").status_code == 200


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"sub": "who@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "who"}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://elsewhere.example.com"}, "invalid_grant", "audience is invalid"),
        ({"exp": str(int(time.time()) - 5)}, "invalid_grant", "expired authorization code"),
        ({"exp": str(int(time.time()) + 3600)}, "invalid_grant", "expired authorization code"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(
    vendor: Salesforce, http: Http, claims: dict[str, str], error: str, description: str
) -> None:
    vendor.knobs["jwt_public_key"] = PUBLIC.decode()
    answer = ask(http, grant_type=JWT_BEARER, assertion=assertion(**claims))
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_an_assertion_signed_by_another_key_is_refused(vendor: Salesforce, http: Http) -> None:
    vendor.knobs["jwt_public_key"] = PUBLIC.decode()
    answer = ask(http, grant_type=JWT_BEARER, assertion=assertion(OTHER))
    assert answer.json()["error_description"] == "invalid assertion"


def test_no_assertion_is_believed_while_no_key_is_set(http: Http) -> None:
    assert ask(http, grant_type=JWT_BEARER, assertion=assertion()).json()["error"] == "invalid_grant"


def test_a_token_dies_of_age_and_by_an_admin(world: World, vendor: Salesforce, http: Http) -> None:
    world.clock.advance(7199)
    assert http("GET", "/limits").status_code == 200
    world.clock.advance(2)
    expired = http("GET", "/limits")
    assert expired.status_code == 401
    assert expired.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    http.sign_in()
    vendor.act("expire_sessions", {})
    assert http("GET", "/limits").status_code == 401


def test_logins_beyond_the_hourly_limit_are_refused_until_an_hour_has_passed(
    world: World, vendor: Salesforce, http: Http
) -> None:
    vendor.knobs["logins_per_hour"] = 3
    granted = {"grant_type": "client_credentials", "client_id": "closedwon", "client_secret": "simulator-secret"}
    assert [ask(http, **granted).status_code for _ in range(3)] == [200, 200, 400]
    assert ask(http, **granted).json()["error_description"] == "login rate exceeded"
    world.clock.advance(3601)
    assert ask(http, **granted).status_code == 200


def test_versions_that_are_retired_or_not_yet_there_are_told_apart(http: Http) -> None:
    retired = http("GET", "/services/data/v30.0/limits")
    assert (retired.status_code, retired.json()[0]["errorCode"]) == (410, "UNSUPPORTED_API_VERSION")
    assert http("GET", "/services/data/v69.0/limits").status_code == 404
    assert http("GET", "/services/data/v31.0/limits").status_code == 200
    assert http("GET", "/services/data/v68.0/limits").status_code == 200
