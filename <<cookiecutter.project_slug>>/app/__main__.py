"""`python -m app`: the service as it runs in production. `python -m app COMMAND`: what tools ask the service.

Exit codes: 0 after a clean shutdown, 2 for an unknown command, 3 when the start failed, 78 for settings or revisions
that do not allow one.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.api.application import Service
    from app.lifecycle import Lifecycle

# Imported when they are called: `revisions` needs a tenth of the time that the whole service takes.
COMMANDS = {
    "check": "validate the settings of a deployment (JSON)",
    "database-url": "print the address of the database that migrations run on",
    "example": "print an example body for a POST of each resource (JSON)",
    "openapi": "print the OpenAPI document (JSON)",
    "revisions": "print the revisions of the schema and how they build on each other (JSON)",
    # % if cookiecutter.auth != "none"
    "token": "print a token for development",
    # % endif
    # % if cookiecutter.auth == "accounts"
    "keys": "print a new signing key, or the next step of its rotation",
    "user": "create or disable a user, or set the password",
    # % endif
}


def main() -> int:
    command, *arguments = sys.argv[1:] or ["serve"]
    try:
        return _serve() if command == "serve" else _run(command, arguments)
    except Exception as error:
        from app.core.config import EXIT_CONFIGURATION, ConfigurationError

        if not isinstance(error, ConfigurationError):
            raise
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION


def _run(command: str, arguments: Sequence[str]) -> int:
    if command not in COMMANDS:
        listed = "".join(f"  {name:<14}{text}\n" for name, text in {"serve": "serve (the default)", **COMMANDS}.items())
        sys.stderr.write(f"Unknown command {command}. Use one of these:\n{listed}")
        return 2
    code: int = importlib.import_module(f"app.commands.{command.replace('-', '_')}").main(arguments)
    return code


def _serve() -> int:
    """Listen, and build the application at the same time. Raises ConfigurationError."""
    # Imports produce no garbage; app/server/early_start.py turns the collector on again.
    gc.disable()
    from app.core.config import ConfigurationError, get_settings
    from app.lifecycle import Lifecycle

    lifecycle = Lifecycle()
    try:
        settings = get_settings()
    except ConfigurationError:
        _put_together(lifecycle)  # raises it again, with the problems of the other settings
        raise
    from app.observability.logging import configure_logging
    from app.server.draining import serve
    from app.server.early_start import EarlyStart

    configure_logging(settings)
    early = EarlyStart(lambda: _put_together(lifecycle), settings, lifecycle)
    code = serve(early, settings, lifecycle)
    if isinstance(early.failure, ConfigurationError):
        raise early.failure
    return code


def _put_together(lifecycle: Lifecycle) -> Service:
    from app.db.schema import require_one_head
    from app.main import create_app  # most of the time of a start

    app = create_app(lifecycle)
    require_one_head()
    return app


def leave(code: int) -> None:
    """End the process now, without waiting for an OpenAPI document that is still being built."""
    if (document := sys.modules.get("app.api.document")) and document.is_being_built():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave(main())
