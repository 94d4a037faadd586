"""A step of a release, as the runner uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Outcome, Plan
    from toolkit.deploy.release.state import Known, Target


class Observed(Protocol):
    """Observation of a step: a frozen value. Both members are pure."""

    def plan(self) -> Plan:
        """Raises Failed for what must not be done."""
        ...

    def learned(self) -> Known:
        """Return the data known before, with those of this observation."""
        ...


class Step(Protocol):
    """`observe` only reads; `apply` is called with a plan that is not empty, and returns what is known then.

    `undoable`: when this step fails, the release may be taken back. `touches`: it changes what runs, from its first
    moment on. `before_lock`: what the lock itself needs.
    """

    name: str
    undoable: bool
    touches: bool
    before_lock: bool

    def observe(self, target: Target, known: Known) -> Observed: ...
    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]: ...
