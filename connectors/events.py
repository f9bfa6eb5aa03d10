"""The contract for events: what a vendor sends us by itself, and how it is asked to.

Fulfilled by `connectors.<vendor>.events` (and by third parties), called by `sync.receiver` and `closedwon webhooks`. A
connector that can hear has a method `events`, see `Hearing`; the others simply lack it and are swept as ever.

An event is a hint that something may have changed: of all that a vendor tells, only ids leave this floor. So whoever
forges one makes us look at a record once, no more; still nothing is taken that is not proved to come from the vendor.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from pydantic import SecretStr

from connectors.errors import NotAuthorised, Refused, TryLater

MOST_IDS = 500
"""Ids of one event that are kept; an event of more names what contains them, or is cut up."""
METHODS = frozenset({"sha256", "sha384", "sha512"})
"""Digests that a signature may be made with."""
TIME_ENTRY = "time/"
"""Begins an id that names a time entry, not a record."""
ABSENT = "-"
"""What `sync.config` puts for a secret that could not be had; it has been reported already."""

_PATH = re.compile(r"[A-Za-z0-9_-]{20,200}")
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,100}")


@dataclass(frozen=True, slots=True)
class Event:
    """One accepted event: the sender's own id of it (the same when it is sent again), and what it concerns.

    `ids` are vendor ids of records or of what contains them, as in `Changes.touched`. One that begins with TIME_ENTRY
    names a time entry that was added or changed, to be read by `Connector.time_entries`.
    """

    id: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the vendor wants to hear once its events are safe; header names in lower case."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A delivery that is genuine. `events` must be on disk before `reply` is sent; there may be none."""

    reply: Reply
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """One registration at the vendor. `target` is what it watches ("" for all), `state` the vendor's own word for it.

    `here` tells whether it calls the address that was asked about, or an earlier one of ours. `dropped` tells that the
    vendor itself switched it off, and would switch it on again when asked: never what a person switched off. `ends` is
    when it ends by itself unless it is renewed, None for never.
    """

    id: str
    target: str
    state: str
    active: bool
    here: bool = True
    dropped: bool = False
    ends: datetime | None = None

    @property
    def sound(self) -> bool:
        """Whether its events reach us."""
        return self.active and self.here


class Events(Protocol):
    """The events of one connection. `accept` is called from several threads at once."""

    path: SecretStr
    """Last part of the address that the vendor calls: as secret as a password."""
    media_types: frozenset[str]
    """Content types that the vendor sends; others are turned away unread."""

    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Prove and read one delivery; `headers` have lower-case names.

        Raises NotAuthorised when it is not proved to be the vendor's, Refused when it cannot be read, and TryLater when
        the vendor had to be asked and could not.
        """
        ...

    def hooks(self, url: str, targets: Sequence[str]) -> tuple[Hook, ...]:
        """List our registrations: those that call `url`, or differ from it in the secret path only.

        What has none is listed with "" as id. Raises ConnectorErrors.
        """
        ...

    def install(self, url: str, targets: Sequence[str]) -> Iterator[Hook]:
        """Register what these targets lack, and put right what is there for them; others are left as they are.

        Repeating it changes nothing. Raises ConnectorErrors.
        """
        ...

    def renew(self, url: str, ids: Collection[str] | None = None) -> Iterator[Hook]:
        """Put right what is there (disabled, another path or secret, soon to end), and register nothing.

        Given `ids`, only those registrations. Raises ConnectorErrors.
        """
        ...

    def remove(self, url: str) -> Iterator[Hook]:
        """Take all our registrations back. Raises ConnectorErrors."""
        ...

    def steps(self, url: str) -> str:
        """Say what a person must set up by hand; "" where `install` does it all."""
        ...


@runtime_checkable
class Hearing(Protocol):
    """A connector that can hear events."""

    def events(self) -> Events | None:
        """Return what hears this connection's events; None when it is not configured to."""
        ...


def check_path(path: SecretStr | None) -> SecretStr | None:
    """Check a connection's secret path, for its settings; raises ValueError."""
    if path is not None and path.get_secret_value() != ABSENT and not _PATH.fullmatch(path.get_secret_value()):
        raise ValueError("must be 20 to 200 letters, digits, - or _ that nobody can guess: `openssl rand -hex 24`")
    return path


def check_signature(secret: SecretStr | bytes, message: bytes, given: str) -> None:
    """Compare a signature `METHOD=HEX` in constant time; raises NotAuthorised."""
    key = secret if isinstance(secret, bytes) else secret.get_secret_value().encode()
    method, _, digest = given.partition("=")
    known = method in METHODS
    expected = hmac.new(key, message, method if known else hashlib.sha256).hexdigest()
    if not (hmac.compare_digest(expected.encode(), digest.lower().encode()) and known):
        raise forged("The signature is not the one that our secret makes")


def check_moment(moment: datetime, now: datetime, *, past: timedelta, ahead: timedelta = timedelta(minutes=5)) -> None:
    """Refuse what is too old (a replay) or from the future; raises NotAuthorised."""
    if not now - past <= moment <= now + ahead:
        raise NotAuthorised(
            "An event came that is too old, or from the future. Check this machine's clock.", code="EVENT-REPLAY-01"
        )


def event_id(given: str, body: bytes) -> str:
    """Return the sender's id of an event, or a digest of its body where that is none that we could keep."""
    return given if _EVENT_ID.fullmatch(given) else hashlib.sha256(body).hexdigest()


def same_but_path(ours: str, theirs: str) -> bool:
    """Tell whether two addresses differ in their last part at most: a registration of ours under an earlier path."""
    return ours.rpartition("/")[0] == theirs.rpartition("/")[0]


def forged(what: str) -> NotAuthorised:
    """Make the error for a delivery that is not proved; the sender never sees its text."""
    return NotAuthorised(
        f"{what}. Check the secrets at both ends; `closedwon webhooks renew` sets them anew.", code="EVENT-SENDER-01"
    )


def unanswered(what: str, delay: float) -> TryLater:
    """Make the error for a delivery that cannot be proved now, because its vendor does not answer us."""
    return TryLater(f"{what} cannot be had now. The sender is told to come again.", code="EVENT-ASK-01", delay=delay)


def unreadable(what: str) -> Refused:
    """Make the error for a delivery that cannot be read."""
    return Refused(f"{what}. Check what sends to this address.", code="EVENT-BODY-01")
