"""`python -m app`: the service as it runs in production.

Exit codes: 0 after a clean shutdown, 3 when the start failed, 78 for settings that do not allow one.
"""

from __future__ import annotations

import gc
import sys


def main() -> int:
    # Nothing that the imports make is garbage; the server turns the collector on again once it has started.
    gc.disable()
    from app.core.config import EXIT_CONFIGURATION, ConfigurationError
    from app.core.server import serve
    from app.main import create_app

    try:
        app = create_app()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    return serve(app, app.state.settings, app.state.lifecycle)


if __name__ == "__main__":
    sys.exit(main())
