"""Previews in a place: the protocol `Previews`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class Previews(Protocol):
    """Previews of one service. Members raise Failed."""

    def prepare(self, until: datetime, given: Mapping[str, str]) -> str:
        """Create the environment's place, its database and its secrets, or keep them; it expires at `until`.

        `given`: the secret variables besides the database's.
        """
        ...

    def address(self) -> str:
        """Return the address, or how to reach it without one."""
        ...

    def remove(self) -> bool:
        """Delete the preview with its database; False without one. Raises Failed NOT_A_PREVIEW."""
        ...

    def all(self) -> Sequence[tuple[str, datetime]]:
        """Return the name of each preview of this service, and when it expires."""
        ...
