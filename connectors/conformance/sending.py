"""What the sentences on events need of a rig: a vendor that sends by itself, and strangers who would like to.

Returned by `Rig.sending` where the connector can hear, used by the sentences in `hearing`. As with the rest of the rig
it never goes through the connector: what the vendor sends is made by the vendor, what is registered is told by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from connectors.events import Reply


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of the vendor's; header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


Answering: TypeAlias = Callable[[Delivery], Reply]
"""What a request is handed to, in any thread; it never raises."""


class Sending(Protocol):
    """The vendor as one that sends. Nothing is registered with it when the rig is made."""

    def listening(self, answer: Answering) -> AbstractContextManager[str]:
        """Open an address that the vendor can reach: while it is open, each request below it is given to `answer`.

        The address ends before the secret path: what is registered is `{address}/{path}`.
        """
        ...

    def by_hand(self, url: str) -> None:
        """Have a person do what `Events.steps` says for this url; does nothing where `install` does it all."""
        ...

    def deliver(self) -> None:
        """Return when all that the vendor has to send by now was sent and answered."""
        ...

    def sealed(self, body: bytes) -> Sequence[Delivery]:
        """Return a body as the vendor would send it, signed by it: one delivery for each form in which it sends."""
        ...

    def altered(self, delivery: Delivery) -> Sequence[Delivery]:
        """Return a genuine delivery as it would come if it was changed on its way.

        Change what the vendor's proof covers; none where it covers nothing of this delivery.
        """
        ...

    def forged(self, delivery: Delivery) -> Sequence[Delivery]:
        """Return a genuine delivery as somebody would send it who does not know the secret: another, none."""
        ...

    def addresses(self) -> Sequence[str]:
        """Return where each registration at the vendor calls, those of others too."""
        ...

    def other_registers(self, url: str, target: str) -> None:
        """Have another program register an address of its own. Needed where `install` registers, as is the next."""
        ...

    def switch_off(self) -> None:
        """Have a person switch all registrations off."""
        ...
