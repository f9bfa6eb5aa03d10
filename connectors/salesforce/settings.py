"""What a person configures for one Salesforce connection.

Read by `sync.config` (one per connection of type `salesforce`) and by every module of `connectors.salesforce`. It holds
no logic but the checks that keep a wrong value from reaching the vendor.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.events import check_path
from connectors.http import HttpSettings

_NAME = r"^[A-Za-z]\w*$"
_TOPIC = re.compile(r"/data/(?:\w+ChangeEvent|ChangeEvents|\w+__chn)")
_CDC_NEEDS = ("grpc", "fastavro")
DEAL = "Opportunity"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class CdcSettings(BaseModel):
    """Where change events are fetched: Salesforce's Pub/Sub API. Needs the extra `cdc`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    topics: tuple[str, ...] = Field(
        default=("/data/OpportunityChangeEvent", "/data/OpportunityLineItemChangeEvent"),
        min_length=1,
        description="Topics to subscribe to; each is a stream of its own.",
    )
    endpoint: str = Field(
        default="https://api.pubsub.salesforce.com:7443",
        description="The Pub/Sub API; https://api.deu.pubsub.salesforce.com:7443 keeps to Europe.",
    )
    silence_seconds: float = Field(
        default=300.0, gt=0, description="How long a stream may be silent; Salesforce says something within 270 s."
    )

    @field_validator("topics")
    @classmethod
    def _topics(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TOPIC.fullmatch(topic) for topic in topics):
            raise ValueError("a topic looks like /data/OpportunityChangeEvent, /data/ChangeEvents or /data/Mine__chn")
        return tuple(dict.fromkeys(topics))

    @field_validator("endpoint")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if not (parts.hostname and (parts.scheme == "https" or _local(parts))) or parts.path or parts.username:
            raise ValueError("must look like https://api.pubsub.salesforce.com:7443, since the token goes there")
        return value

    @model_validator(mode="after")
    def _installed(self) -> Self:
        lacking = [name for name in _CDC_NEEDS if importlib.util.find_spec(name) is None]
        if lacking:
            raise ValueError(f"needs {' and '.join(lacking)}: install the extra, pip install 'closedwon[cdc]'")
        return self


class SalesforceSettings(BaseModel):
    """One Salesforce org and the external client app that signs in to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(description="The org's My Domain: https://acme.my.salesforce.com.")
    client_id: str = Field(min_length=1, description="Consumer key of the external client app.")
    client_secret: SecretStr | None = Field(
        default=None, description="Consumer secret: signs in by the client-credentials flow, as the app's run-as user."
    )
    username: str = Field(default="", description="For the JWT flow: the integration user's username.")
    private_key: SecretStr | None = Field(default=None, description="For the JWT flow: the private key, as PEM text.")
    private_key_file: Path | None = Field(default=None, description="For the JWT flow: a file with that key instead.")
    token_url: str = Field(default="", description="Where tokens are had; by default the url's /services/oauth2/token.")
    audience: str = Field(default="", description="The JWT's `aud`; by default the url, as external client apps want.")
    instance_url: str = Field(default="", description="Host of the API, where it is not the one the token names.")
    api_version: str = Field(
        default="67.0", pattern=r"^\d{2,3}\.0$", description="REST API version (67.0 = Summer '26)."
    )
    onboarding_object: str = Field(
        default="Onboarding__c",
        pattern=r"^([A-Za-z]\w*)?$",
        description="The object that takes the roll-ups; Opportunity for custom fields of the deal itself.",
    )
    onboarding_key: str = Field(
        default="Deal_Key__c", pattern=_NAME, description="Its external-id field, unique, that holds the deal's Id."
    )
    onboarding_relationship: str = Field(
        default="Onboardings__r", pattern=_NAME, description="Name of its child relationship on the opportunity."
    )
    overlap_seconds: int = Field(
        default=600, ge=0, description="How far each look for changes reaches back: rows show up after their stamp."
    )
    bulk_above: int = Field(
        default=2000, ge=1, description="One batch with more upserts than this goes by Bulk API 2.0."
    )
    bulk_wait: float = Field(default=600.0, gt=0, description="Longest wait, in seconds, for a Bulk job to finish.")
    hosts: tuple[str, ...] = Field(default=(), description="Hosts that may be spoken to; by default those of the urls.")
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection.")
    read_timeout: float = Field(default=120.0, gt=0, description="Seconds to wait for an answer.")
    attempts: int = Field(default=4, ge=1, le=10, description="How often one call is made in all.")
    patience: float = Field(default=60.0, ge=0, description="Longest pause, in seconds, that is slept through.")
    ca_bundle: str | None = Field(default=None, description="File with the certificates to trust.")
    proxy: str | None = Field(
        default=None, repr=False, description="Address of a proxy; the environment's is never used."
    )

    hook_path: SecretStr | None = Field(
        default=None, description="Secret last part of the address that outbound messages go to; docs/receiver.md."
    )
    hook_secret: SecretStr | None = Field(default=None, description="The secret that JSON callouts are signed with.")

    cdc: CdcSettings | None = Field(
        default=None, description="Fetches change events; {} takes what is usual. See docs/receiver.md."
    )

    _hook_path = field_validator("hook_path")(check_path)

    @field_validator("url", "token_url", "instance_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username):
            raise ValueError("must look like https://acme.my.salesforce.com, without credentials or a query")
        if parts.scheme == "http" and not _local(parts):
            raise ValueError("must begin with https://, since the token travels with every call")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_flow(self) -> Self:
        if not self.url:
            raise ValueError("url is missing; give the org's My Domain, https://acme.my.salesforce.com")
        keys = sum(part is not None for part in (self.client_secret, self.private_key, self.private_key_file))
        if keys != 1:
            raise ValueError("give exactly one of client_secret, private_key and private_key_file")
        if self.client_secret is None and not self.username:
            raise ValueError("the JWT flow needs the integration user's username")
        return self

    @property
    def on_deal(self) -> bool:
        """Whether roll-ups go to custom fields of the deal itself, which then needs no key but its Id."""
        return self.onboarding_object == DEAL

    @property
    def key_field(self) -> str:
        """The field of the roll-ups' record that holds the deal's Id."""
        return "Id" if self.on_deal else self.onboarding_key

    @property
    def token_address(self) -> str:
        """Where tokens are had."""
        return self.token_url or f"{self.url}/services/oauth2/token"

    @property
    def fixed_instance(self) -> str:
        """The API's address where it is not the token's to say: set by hand, or local."""
        return self.instance_url or (self.url if _local(urlsplit(self.url)) else "")

    @property
    def http(self) -> HttpSettings:
        """What the shared transport needs of these."""
        ours = [urlsplit(url) for url in (self.url, self.token_address, self.instance_url) if url]
        return HttpSettings(
            hosts=frozenset(self.hosts) or frozenset(part.netloc for part in ours),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            attempts=self.attempts,
            patience=self.patience,
            ca_bundle=self.ca_bundle,
            proxy=self.proxy,
            # The SDK throws the scheme away and speaks https everywhere (simple-salesforce 1.12.10, api.py:165-172).
            rewrite={f"https://{part.netloc}": f"http://{part.netloc}" for part in ours if part.scheme == "http"},
        )

    def link(self, record_id: str) -> str:
        """Return where a person opens a record: My Domain redirects an id to its page."""
        return f"{self.url}/{record_id}"


def _local(parts: SplitResult) -> bool:
    return parts.scheme == "http" and parts.hostname in _LOOPBACK
