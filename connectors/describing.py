"""What a connector tells about its vendor: the schema as it is now, and the findings of a check.

Part of `connectors.base`, from which everybody takes these names. `sync.doctor` shows them and holds mappings to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.records import Kind


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field as the vendor describes it to us; a field that we may not see is absent."""

    name: str
    label: str
    type: str
    writable: bool
    required: bool = False
    unique: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()
    """The only values allowed, where the vendor restricts them."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The vendor's present fields for each kind of record that we use."""

    objects: Mapping[Kind, tuple[FieldSchema, ...]]


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: what was checked, how it stands, the exact repair, and the vendor's name of what lacks."""

    level: Level
    code: str
    message: str
    repair: str = ""
    missing: str = ""
