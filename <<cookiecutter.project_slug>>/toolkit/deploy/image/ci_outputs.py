"""What a step of a pipeline leaves for the next one: `name=value` lines in the file that the pipeline names."""

from __future__ import annotations

import os
from pathlib import Path

# GitHub's own; elsewhere (GitLab's dotenv report) the pipeline sets the other one.
FILES = ("PIPELINE_OUTPUT", "GITHUB_OUTPUT")


def tell(**values: str) -> None:
    """Nothing happens outside of a pipeline."""
    path = next((os.environ[name] for name in FILES if os.environ.get(name)), "")
    if path:
        with Path(path).open("a", encoding="utf-8") as output:
            output.writelines(f"{name}={value}\n" for name, value in values.items())
