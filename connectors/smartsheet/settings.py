"""What an operator says about one Smartsheet connection.

Read by `sync.config` from config.yaml (and the environment, for the token), handed to `SmartsheetConnector`. It never
holds a secret in a form that `repr` shows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.events import check_path
from connectors.http import HttpSettings

MAX_ROWS = 20_000
"""Rows of one sheet (developers.smartsheet.com, Limitations)."""


class Layout(StrEnum):
    """How onboardings are spread over sheets."""

    SHEET_PER_ONBOARDING = "sheet_per_onboarding"
    """Two calls per onboarding; each customer sees a sheet of their own."""
    PORTFOLIO = "portfolio"
    """Many onboardings share a sheet; 39 times fewer calls."""


class SmartsheetSettings(BaseModel):
    """One connection to Smartsheet. Seconds throughout."""

    # hide_input_in_errors: the text of a ValidationError would quote the token beside any wrong setting.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="https://api.smartsheet.com/2.0",
        description="The API's base; https://api.smartsheet.eu/2.0 for accounts hosted in the EU.",
    )
    token: SecretStr = Field(description="Access token of a dedicated service user (Account > Apps > API Access).")
    workspace: str = Field(description="Id of the workspace in which plans are made.", pattern=r"^[0-9]+$")
    layout: Layout = Field(
        default=Layout.SHEET_PER_ONBOARDING, description="A sheet per onboarding, or shared portfolio sheets."
    )
    portfolio_rows: int = Field(
        default=MAX_ROWS, ge=1, le=MAX_ROWS, description="How many rows a shared portfolio sheet takes."
    )
    key_column: str = Field(
        default="Closedwon key", min_length=1, max_length=50, description="Title of the hidden column for write keys."
    )
    deal_column: str = Field(
        default="Deal",
        min_length=1,
        max_length=50,
        description="Title of the column that names a row's deal in a portfolio sheet.",
    )
    change_agent: str = Field(
        default="closedwon",
        min_length=1,
        max_length=512,
        pattern=r"^[\x21-\x7e]+$",
        description="Mark of our own edits in Smartsheet's webhook events.",
    )
    hook_path: SecretStr | None = Field(
        default=None, description="Secret last part of the address that Smartsheet's webhooks call; docs/receiver.md."
    )
    hosts: tuple[str, ...] = Field(default=(), description="Hosts that may be spoken to; the url's own host if empty.")
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection.")
    read_timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for an answer.")
    attempts: int = Field(default=4, ge=1, le=10, description="How often one call is tried where that is safe.")
    patience: float = Field(default=60.0, ge=0, description="The longest pause slept through; longer ones are put off.")
    connections: int = Field(default=8, ge=1, le=64, description="Connections kept open at once.")
    ca_bundle: str | None = Field(default=None, description="File of certificate authorities, where a proxy needs it.")
    proxy: str | None = Field(
        default=None, description="Proxy for all calls; the environment's is not taken.", repr=False
    )

    _hook_path = field_validator("hook_path")(check_path)

    @field_validator("workspace", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Take the id as YAML reads it, a number, too."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        """Check the base and drop a closing slash: the SDK joins base and path as they are."""
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a whole address such as https://api.smartsheet.com/2.0")
        local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.scheme == "http" and not local:
            raise ValueError("must begin with https://, since the token travels with every call")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold neither a user, a password nor a query; the token has its own setting")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if self.key_column == self.deal_column:
            raise ValueError("key_column and deal_column must have different titles")
        return self

    def http(self) -> HttpSettings:
        """Return the transport's part."""
        return HttpSettings(
            hosts=frozenset(self.hosts or (urlsplit(self.url).netloc,)),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            attempts=self.attempts,
            patience=self.patience,
            connections=self.connections,
            ca_bundle=self.ca_bundle,
            proxy=self.proxy,
        )
