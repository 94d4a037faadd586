"""The task `openapi`: docs/openapi.json, checked in so that a change of the API is visible in the diff.

It uses the default settings: variables of one machine's shell or `.env` are not part of the API.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write(project: Path, *, check: bool = False) -> None:
    """Update docs/openapi.json; with `check`, only check it (exit code 1 when it is out of date)."""
    path = project / "docs" / "openapi.json"
    wanted = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        print("docs/openapi.json is up to date")
    elif check:
        raise SystemExit("docs/openapi.json is out of date; run: python3 tasks.py openapi")
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
    """Hide all settings from the service: those of the environment and those of files."""
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
