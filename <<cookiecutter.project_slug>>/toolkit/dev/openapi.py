"""The task `openapi`: docs/openapi.json, checked in so that a change of the API is visible in the diff.

It uses the default settings: variables of one machine's shell or `.env` are not part of the API.
"""

import json
from pathlib import Path

from toolkit.dev import service

FILE = Path("docs", "openapi.json")


def write(project: Path, *, check: bool = False) -> None:
    """Update docs/openapi.json; with `check`, only check it (exit code 1 when it is out of date)."""
    path = project / FILE
    wanted = document(project)
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        print("docs/openapi.json is up to date")
    elif check:
        raise SystemExit("docs/openapi.json is out of date; run: python3 tasks.py openapi")
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted, encoding="utf-8")
        print("docs/openapi.json")


def is_current(project: Path) -> bool:
    """Return True if the file is what the service would write. Raises SystemExit as `document` does."""
    path = project / FILE
    return path.is_file() and path.read_text(encoding="utf-8") == document(project)


def document(project: Path) -> str:
    """The service's document as the file has it. Raises SystemExit with why there is none."""
    try:
        return json.dumps(json.loads(service.openapi(project)), indent=2, ensure_ascii=False) + "\n"
    except service.ServiceError as error:
        raise SystemExit(f"openapi: {error}") from None


if __name__ == "__main__":
    write(Path.cwd())
