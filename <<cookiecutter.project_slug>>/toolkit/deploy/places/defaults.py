"""Answers of a place without programs, leftovers, canary or database of its own. Places derive from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from toolkit.deploy.places.values import Variables

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
    from toolkit.deploy.places import Canary
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.values import Figures
    from toolkit.deploy.spec import ReleaseSpec


class PlaceDefaults:
    """`changes`: counts and guards every change of this place."""

    def __init__(self, changes: Changes, error: Failed | None = None) -> None:
        self.changes, self._error = changes, error

    @property
    def writes(self) -> int:
        return self.changes.count

    def reading(self) -> AbstractContextManager[None]:
        return self.changes.reading()

    def explained(self) -> AbstractContextManager[None]:
        return nullcontext()  # such a place raises Failed where it meets its interface

    def require_lock(self) -> None:
        self.changes.require()

    def clear_orphan(self) -> bool:
        return False

    def recover(self) -> str:
        return ""

    def refuse_ending(self) -> None:
        """Only a namespace can be ending."""

    @property
    def programs(self) -> Sequence[str]:
        return ()

    def require_programs(self) -> str:
        return ""

    def findings(self) -> Sequence[Failure]:
        return ()

    def variables(self) -> Variables:
        return Variables()

    def create(self) -> str:
        return ""

    def shortages(self, spec: ReleaseSpec, *, migrates: bool, release: Plan) -> Sequence[str]:
        return ()

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        return None

    def schema(self) -> str | None:
        return None

    def plan_backup(self) -> Change | None:
        return None

    def back_up(self, reason: str) -> str:
        raise AssertionError("no database of the toolkit's")

    def canary(self, spec: ReleaseSpec) -> Canary | None:
        return None

    def figures(self) -> Mapping[str, Figures]:
        return {}

    def refusal_of_database(self) -> Failed | None:
        return None

    @property
    def unconnected(self) -> str:
        return "no connection" if self._error else ""
