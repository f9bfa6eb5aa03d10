"""What a connector is asked to write, and what became of it.

Part of `connectors.base`, from which everybody takes these names. Each write has one result; a create of unknown
outcome is looked up by what is `Wanted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from connectors.errors import ConnectorError
from connectors.records import Fields, Kind, Ref


@dataclass(frozen=True, slots=True)
class Create:
    """Make a record that must exist once. An intent with this `write_key` is on disk before a connector sees this.

    `plan` is the plan's Ref for a TASK, None for a PLAN. `size` tells, for a PLAN, how many tasks will follow.
    """

    write_key: str
    kind: Kind
    fields: Fields
    plan: Ref | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Update:
    """Change these fields (and no others) of a record."""

    write_key: str
    kind: Kind
    ref: Ref
    fields: Fields


@dataclass(frozen=True, slots=True)
class Upsert:
    """Create or change the record that carries this key in a unique field of the vendor's; idempotent at the vendor."""

    write_key: str
    kind: Kind
    fields: Fields


Write: TypeAlias = Create | Update | Upsert


@dataclass(frozen=True, slots=True)
class Written:
    """The vendor confirmed this write.

    `fields` are the values as the vendor stored them, or None where its answer does not show them.
    """

    write: Write
    ref: Ref
    fields: Fields | None = None
    version: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """This write did not succeed, or its outcome is Unknown; the others of the batch are not affected."""

    write: Write
    error: ConnectorError


WriteResult: TypeAlias = Written | Failed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A create whose outcome is unknown: what to look for. `mark` is what `Connector.mark` said before the attempt."""

    write_key: str
    kind: Kind
    plan: Ref | None
    mark: str
    name: str = ""
