"""The steps of a deploy, in the order in which they run: a file for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Plan

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Known


@dataclass(frozen=True)
class Undecided:
    """Observation of a step before the image is known: nothing."""

    known: Known

    def plan(self) -> Plan:
        return Plan(deferred="decided after build")

    def learned(self) -> Known:
        return self.known
