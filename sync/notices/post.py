"""Sends one message through apprise: Slack, Teams, e-mail and a hundred more, by the addresses of the configuration.

Called by `sync.notices.rounds`. A channel's address holds its secret: it is never logged, shown or stored, and the log
of apprise, which may quote it, is switched off.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import apprise
from pydantic import SecretStr

_PERSON = "{to}"


class BadChannel(ValueError):
    """An address that apprise does not understand; the message names the channel and never quotes it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A named way to people. With `{to}` in its address it reaches the person who is meant, else all who read it.

    `handles` says by e-mail how people are called there; where it says anything, it reaches nobody else.
    """

    name: str
    address: SecretStr
    handles: Mapping[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """Whether it reaches one person."""
        return _PERSON in self.address.get_secret_value()

    def reaches(self, to: str) -> bool:
        """Tell whether it knows the way to somebody."""
        if not self.personal:
            return True
        return to in self.handles if self.handles else bool(to)

    def way(self, to: str) -> str:
        """Return the address for somebody: a secret."""
        return self.address.get_secret_value().replace(_PERSON, quote(self.handles.get(to, to), safe=""))


class Post:
    """All channels, and which kinds of notice go where. Raises BadChannel for an address that is none."""

    def __init__(self, channels: Sequence[Channel], routes: Mapping[str, Sequence[str]]) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._routes = {kind: tuple(names) for kind, names in routes.items()}
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        for channel in channels:
            if not apprise.Apprise().add(channel.way("ada@example.com")):
                raise BadChannel(
                    f"The address of notice channel {channel.name} is none that apprise knows. "
                    "docs/notices.md shows how to write one; the secret that holds it must hold nothing else."
                )

    def wanted(self, kind: str) -> bool:
        """Tell whether a kind of notice goes anywhere."""
        return bool(self._routes.get(kind))

    def ways(self, kind: str, to: str) -> tuple[str, ...]:
        """Name the channels by which a kind of notice reaches somebody; a personal one needs to know whom."""
        return tuple(name for name in self._routes.get(kind, ()) if self._channels[name].reaches(to))

    def send(self, name: str, *, to: str, subject: str, body: str) -> bool:
        """Send by one channel; False when it was not taken. May take some seconds, as the far side lets it."""
        channel = self._channels[name]
        sender = apprise.Apprise()
        if not sender.add(channel.way(to)):
            return False
        told = body if channel.personal or not to else f"For {to}\n\n{body}"
        title = " ".join(subject.split())  # names come from people: a line break in one must not begin a header
        return bool(sender.notify(title=title, body=told, body_format=apprise.NotifyFormat.TEXT))
