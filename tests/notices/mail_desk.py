"""A mail server on loopback that speaks SMTP: it asks for a password and refuses recipients whom it does not know."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "closedwon", "s3cret-of-the-mail"


@dataclass
class Mailbox:
    """What was taken, with the recipients it was taken for; who is among `unknown` is refused."""

    port: int = 0
    unknown: set[str] = field(default_factory=set)
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of a channel that reaches people by this server."""
        sender = "from=plans@us.com&to={to}&mode=insecure"
        return f"mailto://{USER}:{PASSWORD}@127.0.0.1:{self.port}?{sender}"

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient or refuse it."""
        if address in self.unknown:
            self.refused.append(address)
            return "550 5.1.1 nobody of that name lives here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a letter."""
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.taken.append((list(envelope.rcpt_tos), letter))
        return "250 OK"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Serve one until left."""
    box = Mailbox()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _smtp(box, loop), "127.0.0.1", 0))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _smtp(box: Mailbox, loop: asyncio.AbstractEventLoop) -> SMTP:
    return SMTP(
        box, authenticator=_known, auth_required=True, auth_require_tls=False, hostname="mail.us.com", loop=loop
    )


def _known(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: Any) -> AuthResult:
    """Tell whether somebody may send."""
    known = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=isinstance(login, LoginPassword) and login == known)
