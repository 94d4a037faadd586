"""Requirements of a deploy to Container Apps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Plan

if TYPE_CHECKING:
    from toolkit.deploy.places.values import Variables


@dataclass(frozen=True)
class ContainerAppsPrerequisites:
    """The credentials may read environment and app, and every secret has a version; else reading has raised Failed."""

    name: str
    variables: Variables
    denied: bool = False
    refused: Failed | None = None

    def plan(self) -> Plan:
        return Plan(note=self.name)
