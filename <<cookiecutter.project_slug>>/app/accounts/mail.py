"""E-mail to users, by SMTP. In development without a server it is printed."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Protocol

import aiosmtplib

from app.auth.account_settings import MailSettings


class Mailer(Protocol):
    """Sends one message. Raises OSError or aiosmtplib.SMTPException."""

    async def send(self, to: str, subject: str, text: str) -> None: ...


class SmtpMailer:
    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, to: str, subject: str, text: str) -> None:
        settings = self._settings
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = settings.sender, to, subject
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer by a machine
        message.set_content(text)
        await aiosmtplib.send(
            message,
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.timeout_seconds,
        )


class PrintingMailer:
    async def send(self, to: str, subject: str, text: str) -> None:
        print(f"\n--- mail to {to}: {subject}\n{text}---\n", flush=True)


class NoMailer:
    """Refuses: a message holds a token, and the output of production is kept and read by many."""

    async def send(self, to: str, subject: str, text: str) -> None:
        raise OSError("SMTP_HOST is not set")


def make_mailer(settings: MailSettings) -> Mailer:
    if settings.host:
        return SmtpMailer(settings)
    return PrintingMailer() if settings.is_development else NoMailer()


def link(base: str | None, path: str, token: str) -> str:
    """Return what a message asks the user to open; without a front end, the token for the API."""
    return f"{base}/{path}?token={token}" if base else token
