"""Whether traces are wanted, and where they go: what config.yaml says, and OpenTelemetry's own variables.

Read by `sync.config` and `sync.wiring`. It imports nothing of OpenTelemetry, so that whoever wants no traces pays
nothing for them. Source of the variables: opentelemetry.io, "OTLP Exporter Configuration" and "General SDK
Configuration".
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_NEEDS = "opentelemetry.exporter.otlp.proto.http"


class TracesDoc(BaseModel):
    """Where traces go. Needs the extra `traces`; headers with secrets stand in OTEL_EXPORTER_OTLP_HEADERS."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    endpoint: str = Field(
        default="", description="An OTLP collector, http://127.0.0.1:4318; else OpenTelemetry's variables say."
    )

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query):
            raise ValueError("must look like http://127.0.0.1:4318, without credentials")
        return value

    @model_validator(mode="after")
    def _installed(self) -> Self:
        if self.endpoint and not _has_extra():
            raise ValueError("needs the extra: pip install 'closedwon[traces]'")
        return self


def collector(doc: TracesDoc, environment: Mapping[str, str]) -> str | None:
    """Return the collector's address, "" where OpenTelemetry itself is to read it, None where no traces are wanted.

    Variables that are meant for all programs of a machine switch nothing on that is not installed, nor what does not
    speak OTLP over HTTP.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if doc.endpoint:
        return doc.endpoint
    exporter = environment.get("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), "http/protobuf")
    if exporter != "otlp" or protocol != "http/protobuf":
        return None
    return "" if any(environment.get(name) for name in _ENDPOINTS) and _has_extra() else None


def _has_extra() -> bool:
    try:
        return importlib.util.find_spec(_NEEDS) is not None
    except ModuleNotFoundError:  # not even the package that it would be in
        return False
