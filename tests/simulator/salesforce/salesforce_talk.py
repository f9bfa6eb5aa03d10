"""How the tests of the Salesforce simulator speak to it: the real SDK over plain HTTP, and plain requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


class ToHttp(HTTPAdapter):
    """Sends the SDK's https requests to the simulator, since the SDK knows no other scheme."""

    def __init__(self, base: str) -> None:
        self.base = base
        super().__init__()

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        request.url = self.base + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **options)


class Http:
    """Plain HTTP with a token."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def sign_in(self) -> Http:
        form = {"grant_type": "client_credentials", "client_id": "closedwon", "client_secret": "simulator-secret"}
        token = self.session.post(f"{self.base}/services/oauth2/token", data=form).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        return self

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        root = "" if path.startswith("/services") else "/services/data/v67.0"
        return self.session.request(method, f"{self.base}{root}{path}", timeout=10, **options)

    def query(self, text: str, **options: Any) -> dict[str, Any]:
        answer = self("GET", "/query", params={"q": text}, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, text: str) -> dict[str, Any]:
        answer = self("GET", "/query", params={"q": text})
        assert answer.status_code == 400, answer.text
        return answer.json()[0]
