"""Finds connectors by name: ours and third parties' alike register under the entry-point group `closedwon.connectors`.

Called by `sync.config` and `sync.wiring`. It never guesses from module paths, since import names this generic collide.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Protocol, cast

from pydantic import BaseModel

from connectors.base import Connector

GROUP = "closedwon.connectors"


class ConnectorClass(Protocol):
    """What an entry point must name: a class with a settings model, built as below."""

    Settings: ClassVar[type[BaseModel]]

    def __call__(self, settings: Any, **collaborators: Any) -> Connector:
        """Build the connector; see docs/writing-a-connector.md for the collaborators."""
        ...


class UnknownConnector(LookupError):
    """No installed distribution registers this name; the message lists those that are."""


@functools.cache
def installed() -> Mapping[str, EntryPoint]:
    """Return all registered connectors by name, looked up once: it reads a file of every installed distribution."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(name: str) -> ConnectorClass:
    """Import and return a connector's class; raises UnknownConnector."""
    known = installed()
    if name not in known:
        raise UnknownConnector(
            f"No connector {name!r} is installed. Use one of {', '.join(sorted(known))}, or install its package."
        )
    return cast("ConnectorClass", known[name].load())
