"""The service as its code alone has it: what one machine exports, or keeps in files, is no part of its API."""

from __future__ import annotations

import os
from pathlib import Path

from app.api.application import Service
from app.commands.check import known_variables
from app.core import config
from app.main import create_app


def service_of_defaults() -> Service:
    """The application with no setting but the defaults. The process loses its own: it does nothing else."""
    known = known_variables()
    for name in [name for name in os.environ if name.upper() in known]:
        del os.environ[name]
    os.environ["ENVIRONMENT"] = "test"  # where .env is not read
    config.SECRETS_DIR = Path(os.devnull)
    config.get_settings.cache_clear()
    return create_app()
