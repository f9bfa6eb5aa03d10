"""What a person configures for one Jira Cloud connection.

Read by `sync.config` (one per connection of type `jira`) and by every module of `connectors.jira`. It holds no logic
but the checks that keep a wrong value from reaching the vendor.
"""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.events import check_path
from connectors.http import HttpSettings


class JiraSettings(BaseModel):
    """One Jira Cloud site, project and account."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        description="Address of the API: https://acme.atlassian.net, or for scoped tokens and service accounts "
        "https://api.atlassian.com/ex/jira/CLOUD_ID."
    )
    site: str = Field(default="", description="Address that people open, where it differs from `url` (scoped tokens).")
    email: str = Field(min_length=3, description="The account that the API token belongs to.")
    token: SecretStr = Field(description="The API token. Atlassian lets every token expire within a year.")
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="Key of the project that holds the plans.")
    plan_type: str = Field(default="Epic", min_length=1, description="Issue type of a plan.")
    task_type: str = Field(default="Task", min_length=1, description="Issue type of a task, unless a task names one.")
    label: str = Field(
        default="closedwon", pattern=r"^\S{1,255}$", description="Label of every issue that is ours; no spaces."
    )
    resolution: str = Field(
        default="",
        description="Resolution to give where a transition's screen asks for one; empty: such a step is held.",
    )
    overlap_seconds: int = Field(
        default=300, ge=0, description="How far each look for changes reaches back, since Jira's search index lags."
    )
    parallel: int = Field(default=1, ge=1, le=4, description="How many calls one batch of writes makes side by side.")
    hosts: tuple[str, ...] = Field(default=(), description="Hosts that may be spoken to; by default the url's own.")
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection.")
    read_timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for an answer.")
    attempts: int = Field(
        default=4, ge=1, description="How often one call is made in all, where repeating it is right."
    )
    patience: float = Field(default=60.0, ge=0, description="Longest pause, in seconds, that is slept through.")
    ca_bundle: str | None = Field(default=None, description="File with the certificates to trust.")
    proxy: str | None = Field(
        default=None, repr=False, description="Address of a proxy; the environment's is never used."
    )

    hook_path: SecretStr | None = Field(
        default=None, description="Secret last part of the address that Jira's webhooks call; docs/receiver.md."
    )
    hook_secret: SecretStr | None = Field(default=None, description="The secret that Jira signs its webhooks with.")

    _hook_path = field_validator("hook_path")(check_path)

    @model_validator(mode="after")
    def _hooks_are_signed(self) -> Self:
        if self.hook_path and not self.hook_secret:
            raise ValueError("hook_path needs hook_secret: Jira's webhooks are taken only when they are signed")
        return self

    @field_validator("url", "site")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username):
            raise ValueError("must look like https://acme.atlassian.net, without credentials or a query")
        return value.rstrip("/")

    @property
    def http(self) -> HttpSettings:
        """What the shared transport needs of these."""
        own = urlsplit(self.url)
        return HttpSettings(
            hosts=frozenset(self.hosts) or frozenset({own.netloc}),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            attempts=self.attempts,
            patience=self.patience,
            connections=max(8, self.parallel),
            ca_bundle=self.ca_bundle,
            proxy=self.proxy,
        )

    def browse(self, key: str) -> str:
        """Return where a person opens an issue; never the answer's own `self`, which may be a gateway's address."""
        return f"{self.site or self.url}/browse/{key}"
