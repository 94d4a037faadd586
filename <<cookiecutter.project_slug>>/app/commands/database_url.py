"""`python -m app database-url`: the address of the database that migrations run on, with its password, for libpq."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.config import get_settings
from app.settings.database_url import plain_url


def main(_: Sequence[str]) -> int:
    """Raises ConfigurationError."""
    print(plain_url(get_settings().migration_url))
    return 0
