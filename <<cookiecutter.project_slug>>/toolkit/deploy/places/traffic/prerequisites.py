"""Requirements of a deploy to a platform that keeps revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Plan

if TYPE_CHECKING:
    from toolkit.deploy.places.values import Variables


@dataclass(frozen=True)
class TrafficPrerequisites:
    """The credentials may read the service, and every secret has a version; else reading them has raised Failed."""

    name: str
    variables: Variables
    denied: bool = False
    refused: Failed | None = None

    def plan(self) -> Plan:
        return Plan(note=self.name)
