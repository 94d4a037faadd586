"""Machines as a place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment
    from toolkit.deploy.places import Place
    from toolkit.deploy.report import Report


def open_place(project: Path, service: str, environment: MachineEnvironment, report: Report) -> Place:
    """Connect to the hosts. Raises Failed."""
    raise fail("NOT_SUPPORTED", "this version cannot deploy to a machine", hint="use place: kubernetes")


def closed_place(
    project: Path, service: str, environment: MachineEnvironment, report: Report, error: Failed | None = None
) -> Place:
    """Return a place that is asked nothing; each question raises `error`."""
    raise error or fail("NOT_SUPPORTED", "this version cannot deploy to a machine", hint="use place: kubernetes")
