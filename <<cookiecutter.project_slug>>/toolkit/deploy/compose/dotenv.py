"""The checkout's .env: created with a new password, and validated before Compose reads it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from toolkit.deploy.outcomes import fail

FILE = ".env"
PROJECT = "COMPOSE_PROJECT_NAME"
PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the name of a variable
# docker-compose.yml builds DATABASE_URL from them.
ADDRESS_PARTS = (PASSWORD, "POSTGRES_USER", "POSTGRES_DB")
OWNER = "SERVICE_USER"
OWNER_BY_DEFAULT = "1000:1000"  # docker-compose.yml


def owner() -> str:
    return f"{os.getuid()}:{os.getgid()}"


def exists(project: Path) -> bool:
    """Return True if the password of the database is known, from .env or the environment."""
    return (project / FILE).exists() or bool(os.environ.get(PASSWORD))


def write(project: Path, extra: Mapping[str, str]) -> None:
    """Create .env from .env.example with a new password, readable only by its owner; `extra` are more variables."""
    example = (project / ".env.example").read_text("utf-8")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(project / FILE, flags, 0o600), "w", encoding="utf-8") as out:
        out.write(filled(example, {PASSWORD: secrets.token_urlsafe(18), **extra}, owner()))


def filled(example: str, values: Mapping[str, str], user: str) -> str:
    """Return the example with these values, and with the owner of the files if not the usual one. Pure."""
    text = example
    for name, value in {**values, **({} if user == OWNER_BY_DEFAULT else {OWNER: user})}.items():
        line = f"{name}={value}"
        text, count = re.subn(rf"^#?\s*{name}=.*$", line, text, count=1, flags=re.M)
        text = text if count else f"{text.rstrip()}\n{line}\n"
    return text


def values(text: str) -> dict[str, str]:
    """Return the assignments of a .env as written, with quotes and `$`; the last one of a name counts. Pure."""
    found = re.findall(r"^\s*(?:export\s+)?(\w+)\s*=[^\S\n]*(\"[^\"\n]*\"|'[^'\n]*'|.*?)(?:\s+#.*|\s*)$", text, re.M)
    return dict(found)


def read(project: Path, name: str) -> str:
    """Return a variable as Compose resolves it: from the environment, else from .env."""
    if given := os.environ.get(name):
        return given
    path = project / FILE
    written = values(path.read_text("utf-8", errors="replace")) if path.is_file() else {}
    return written.get(name, "").strip("'\"")


def check_file(project: Path) -> None:
    """Check the address. Raises Failed ENV_MALFORMED for a part with `$`: Compose would insert a variable's value."""
    path = project / FILE
    written = values(path.read_text("utf-8", errors="replace")) if path.is_file() else {}
    for name in ADDRESS_PARTS:
        if "$" in written.get(name, ""):
            raise fail(
                "ENV_MALFORMED",
                f"{name} in .env contains `$`, which Compose reads as the start of a variable's name",
                hint="use letters, digits, `-`, `_`, `.` and `~`",
            )


def check_address_parts(parts: Mapping[str, str]) -> None:
    """Check the parts of DATABASE_URL. Raises Failed ENV_MALFORMED for characters that need escaping. Pure."""
    for name, value in parts.items():
        if quote(value, safe="") != value:
            raise fail(
                "ENV_MALFORMED",
                f"{name} contains characters that are not allowed in an address",
                hint="use letters, digits, `-`, `_`, `.` and `~`",
            )
