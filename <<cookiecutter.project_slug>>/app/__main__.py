"""`python -m app`: the service as it runs in production. `python -m app COMMAND`: what the toolkit asks the service.

Commands: `check` validates settings (app/check.py), `token` prints a token for development.
Exit codes: 0 after a clean shutdown, 2 for an unknown command, 3 when the start failed, 78 for settings or revisions
that do not allow one.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.api.application import Service
    from app.lifecycle import Lifecycle


def main() -> int:
    if arguments := sys.argv[1:]:
        return _command(*arguments)
    # Imports produce no garbage; app/server/early_start.py turns the collector on again.
    gc.disable()
    from app.core.config import EXIT_CONFIGURATION, ConfigurationError

    try:
        return _serve()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION


def _command(name: str, *arguments: str) -> int:
    if name == "check":
        from app import check

        return check.main()
    # % if cookiecutter.auth == "jwt"
    if name == "token":
        from app import token

        return token.main(arguments)
    # % endif
    sys.stderr.write(f"{__doc__}\nUnknown command: {name}\n")
    return 2


def _serve() -> int:
    """Listen, and build the application at the same time. Raises ConfigurationError."""
    from app.core.config import ConfigurationError, get_settings
    from app.lifecycle import Lifecycle

    lifecycle = Lifecycle()
    try:
        settings = get_settings()
    except ConfigurationError:
        _put_together(lifecycle)  # raises it again, with what is wrong with the other settings
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
