"""The service with default settings only: variables and files of one machine are not part of its API."""

from __future__ import annotations

import os
from pathlib import Path

from app.api.application import Service
from app.commands.check import known_variables
from app.core import config
from app.main import create_app


def service_of_defaults() -> Service:
    """Return the application with the defaults only. The process loses its own settings: it does nothing else."""
    known = known_variables()
    for name in [name for name in os.environ if name.upper() in known]:
        del os.environ[name]
    os.environ["ENVIRONMENT"] = "test"  # where .env is not read
    config.SECRETS_DIR = Path(os.devnull)
    config.get_settings.cache_clear()
    return create_app()
