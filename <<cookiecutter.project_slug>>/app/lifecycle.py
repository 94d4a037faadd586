"""State of the process between start and end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Lifecycle:
    """`started`: start-up has succeeded. `failed`: it has failed, and the process ends.

    `draining`: the first signal has arrived; traffic must move to other instances.
    `schema`: the database's revision, once it was recent enough; None before, and while the database rejects this
    service. `asked`: time of that check, by the event loop's clock.
    """

    started: bool = False
    failed: bool = False
    draining: bool = False
    schema: str | None = None
    asked: float = 0.0

    @property
    def ready(self) -> bool:
        """Return the result of the last probe of /ready, or of the next one while the process drains."""
        return self.started and not self.draining and self.schema is not None
