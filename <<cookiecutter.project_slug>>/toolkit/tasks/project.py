"""The service that the tasks work on."""

from pathlib import Path

from invoke import Context


def project(c: Context) -> Path:
    """Return the service's folder, which its tasks.py passes in the configuration."""
    return Path(c.config["project"])
