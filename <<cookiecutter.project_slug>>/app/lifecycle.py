"""Where the process stands between its start and its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Lifecycle:
    """`started`: start-up is over. `failed`: it will never be, and the process ends.

    `draining`: the first signal has come, traffic is to go elsewhere.
    `schema`: the revision that the database was found at, once it was good enough; None before, and while the database
    refuses this service. `asked`: when that was, by the event loop's clock.
    """

    started: bool = False
    failed: bool = False
    draining: bool = False
    schema: str | None = None
    asked: float = 0.0

    @property
    def ready(self) -> bool:
        """What the last probe of /ready was told, or would be told now that the process drains."""
        return self.started and not self.draining and self.schema is not None
