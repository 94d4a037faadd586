"""Settings that a person's shell exports are theirs: tests do without, and reach this machine past any proxy."""

import os
from collections.abc import Iterator

from app.core.config import Settings
from toolkit.dev import loopback


def settings_there() -> Iterator[str]:
    """The variables that are settings of the service."""
    wanted = {name.upper() for name in Settings.model_fields} | {"OTEL_SERVICE_NAME"}
    for name in list(os.environ):
        # % if cookiecutter.auth == "jwt"
        if name.startswith("JWT_"):
            yield name
        # % endif
        # % if cookiecutter.auth == "accounts"
        if name.startswith(("ACCOUNTS_", "SMTP_")):
            yield name
        # % endif
        if name.upper() in wanted:
            yield name


def forget() -> None:
    """For this process and its children: no settings, and no proxy between them and what they start."""
    for name in settings_there():
        del os.environ[name]
    loopback.bypass_proxy(os.environ)
