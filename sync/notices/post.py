"""Sends one message through apprise: Slack, Teams, e-mail and a hundred more, by the addresses of the configuration.

Called by `sync.notices.rounds`. A channel's address holds its secret: it is never logged, shown or stored, and the log
of apprise, which may quote it, is switched off.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import apprise
from pydantic import SecretStr

_PERSON = "{to}"


@dataclass(frozen=True, slots=True)
class Channel:
    """A named way to people. With `{to}` in its address it reaches the person who is meant, else all who read it."""

    name: str
    address: SecretStr

    @property
    def personal(self) -> bool:
        """Whether it reaches one person."""
        return _PERSON in self.address.get_secret_value()


class Post:
    """All channels, and which kinds of notice go where."""

    def __init__(self, channels: Sequence[Channel], routes: Mapping[str, Sequence[str]]) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._routes = {kind: tuple(names) for kind, names in routes.items()}
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

    def ways(self, kind: str, to: str) -> tuple[str, ...]:
        """Name the channels by which a kind of notice reaches somebody; a personal one needs to know whom."""
        names = self._routes.get(kind, ())
        return tuple(name for name in names if to or not self._channels[name].personal)

    def send(self, name: str, *, to: str, subject: str, body: str) -> bool:
        """Send by one channel; False when it was not taken. May take some seconds, as the far side lets it."""
        channel = self._channels[name]
        address = channel.address.get_secret_value().replace(_PERSON, quote(to, safe=""))
        sender = apprise.Apprise()
        if not sender.add(address):
            return False
        told = body if channel.personal or not to else f"For {to}\n\n{body}"
        return bool(sender.notify(title=subject, body=told, body_format=apprise.NotifyFormat.TEXT))
