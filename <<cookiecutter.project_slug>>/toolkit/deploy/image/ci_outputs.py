"""Outputs of a pipeline step for the next one: `name=value` lines in the file that the pipeline names."""

from __future__ import annotations

import os
from pathlib import Path

# GitHub's; elsewhere (GitLab's dotenv report) the pipeline sets the other variable.
FILES = ("PIPELINE_OUTPUT", "GITHUB_OUTPUT")


def tell(**values: str) -> None:
    """Write the outputs; nothing outside a pipeline."""
    path = next((os.environ[name] for name in FILES if os.environ.get(name)), "")
    if path:
        with Path(path).open("a", encoding="utf-8") as output:
            output.writelines(f"{name}={value}\n" for name, value in values.items())
