"""Daily operations on an environment, besides its releases: the protocol `Operations`. Each place implements it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Plan
    from toolkit.deploy.places.values import Tunnel

Undo = Callable[[], None]


class Operations(Protocol):
    """Operations on the released service. Members raise Failed, and NOT_DEPLOYED without a release."""

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        """Run a command once, in an instance of its own with the released image and settings; `show` gets each line.

        Returns the command's exit code. The instance is removed in any case. Raises Failed if it cannot start.
        """
        ...

    def shell(self) -> int:
        """Open an interactive shell in an instance of its own. Returns the shell's exit code."""
        ...

    def database(self, port: int) -> AbstractContextManager[Tunnel]:
        """Forward a local port (0: any free one) to the service's database, as long as the block runs."""
        ...

    def restart(self) -> Undo:
        """Begin to replace every instance of the release. Returns the way back. `Place.watch` has the verdict."""
        ...

    def autoscaler(self) -> str:
        """Return what else sets the number of instances, for a message; empty without any."""
        ...

    def scale(self, count: int, process: str = "") -> Undo:
        """Begin to run `count` instances, of the service or of one of its `processes`. Returns the way back.

        `Place.watch` has the verdict.
        """
        ...

    def set_secret(self, name: str, value: str) -> str:
        """Store a secret variable where the environment keeps its secrets. Returns a summary without the value."""
        ...

    def removal(self, *, database: bool) -> Plan:
        """Return what `remove` deletes; `note` has what it keeps. `database`: with the environment's database."""
        ...

    def remove(self, plan: Plan) -> None:
        """Delete what is in the plan."""
        ...
