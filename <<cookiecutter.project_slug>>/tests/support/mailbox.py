"""An SMTP server on this machine, which keeps what it gets."""

import asyncio
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.waiting import PATIENCE


class Mailbox:
    """The messages by recipient, oldest first."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, EmailMessage]] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="localhost"), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Refuse connections from now on."""
        assert self._server is not None
        self._server.close()

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages += [(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def texts(self, recipient: str) -> list[str]:
        return [message.get_content() for to, message in self.messages if to == recipient]

    async def token(self, recipient: str) -> str:
        """Wait for the first message to a recipient, take it out, and return the token in it."""
        async with asyncio.timeout(PATIENCE):
            while not self.texts(recipient):
                await asyncio.sleep(0.02)
        text = self.texts(recipient)[0]
        self.messages.remove(next(entry for entry in self.messages if entry[0] == recipient))
        [found] = (word for word in text.split() if re.fullmatch(r"[A-Za-z0-9_-]{43}", word))
        return found
