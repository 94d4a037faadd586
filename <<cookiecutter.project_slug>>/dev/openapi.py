"""The task `openapi`: docs/openapi.json, checked in so that a change of the API shows in its diff."""

import json
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

    return create_app().openapi()


if __name__ == "__main__":
    write(Path(__file__).resolve().parent.parent)
