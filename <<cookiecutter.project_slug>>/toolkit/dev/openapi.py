"""The task `openapi`: docs/openapi.json, checked in so that a change of the API shows in its diff.

It is that of the defaults: what a shell exports or `.env` holds on one machine is no part of the API.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write(project: Path, *, check: bool = False) -> None:
    """Bring docs/openapi.json up to date; with `check`, only say whether it is (exit code 1 when it is not)."""
    path = project / "docs" / "openapi.json"
    wanted = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        print("docs/openapi.json is up to date")
    elif check:
        raise SystemExit("docs/openapi.json is not what the service serves: python3 tasks.py openapi")
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted, encoding="utf-8")
        print("docs/openapi.json")


def document() -> dict[str, Any]:
    from app.main import create_app

    with _no_settings():
        return create_app().openapi()


@contextmanager
def _no_settings() -> Iterator[None]:
    """Let the service find no setting: neither in the environment, nor in a file."""
    from app import check
    from app.core import config

    kept, secrets = dict(os.environ), config.SECRETS_DIR
    for name in kept:
        if name.upper() in check.known_variables():
            del os.environ[name]
    os.environ["ENVIRONMENT"] = "test"  # where .env is not read
    config.SECRETS_DIR = Path(os.devnull)
    config.get_settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        config.SECRETS_DIR = secrets
        config.get_settings.cache_clear()


if __name__ == "__main__":
    write(Path.cwd())
