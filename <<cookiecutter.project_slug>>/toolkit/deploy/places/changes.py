"""Changes by a place: the permission to make one, and a comparison whose changes are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from toolkit.deploy.outcomes import Change, Plan


class Changes:
    """Permission to change: never while a plan is made; under the lock only while it is held."""

    def __init__(self) -> None:
        self.count = 0
        self.guard: Callable[[], None] | None = None
        self._forbidden = False

    def allow(self) -> None:
        """Count a change. Raises AssertionError in `reading`, and Failed LEASE_LOST without the lock."""
        if self._forbidden:
            raise AssertionError("a change while the toolkit only looks")
        self.require()
        self.count += 1

    def require(self) -> None:
        """Check the lock, if one is held. Raises Failed LEASE_LOST."""
        if self.guard:
            self.guard()

    @contextmanager
    def guarded(self, guard: Callable[[], None]) -> Iterator[None]:
        """Check the lock by `guard` before every change in this block."""
        self.guard = guard
        try:
            yield
        finally:
            self.guard = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        before, self._forbidden = self._forbidden, True
        try:
            yield
        finally:
            self._forbidden = before


@dataclass(frozen=True)
class Compared:
    """An observation whose changes are known."""

    changes: Sequence[Change]
    note: str = ""

    def plan(self) -> Plan:
        return Plan(tuple(self.changes), note=self.note)
