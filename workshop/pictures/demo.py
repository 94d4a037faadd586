"""The picture of `demo`: a generated service, and a product created and read."""

import os
import re
import sys
from pathlib import Path

from workshop.pictures import terminal

COMMAND = "python3 tasks.py demo --once"
LOG = re.compile(r"^(?:\x1b\[[0-9;]*m)*\d{4}-\d\d-\d\dT.*\n?", re.MULTILINE)  # the service's own log


def record(root: Path) -> str:
    """Run the demo and return its output. Raises SystemExit when it fails."""
    # Unbuffered, a line and its end are two writes, and the service's log may come between them.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    code, screen = terminal.record([sys.executable, "tasks.py", "demo", "--once"], root, variables)
    if code:
        raise SystemExit(f"{COMMAND} ended with {code}:\n{terminal.plain(screen)}")
    return shown(root, screen)


def shown(root: Path, screen: str) -> str:
    """Return the same without the service's log and without names of this machine."""
    text = LOG.sub("", screen).replace(f"{root}/", "").replace("Creating the environment in .venv\n", "")
    text = re.sub(r"/tmp/postgres-\w+", ".demo/product-catalogue/.dev", text)  # noqa: S108  # of root
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text)
    return f"$ {COMMAND}\n{text.strip()}\n"
