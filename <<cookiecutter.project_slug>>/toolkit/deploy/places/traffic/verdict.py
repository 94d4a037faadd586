"""A verdict on a revision, and the failure page that it becomes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.deploy.outcomes import Failed, Failure

KILLED = 137
LOG = "see the last lines of its log: `python3 tasks.py logs --env ENV`"


@dataclass(frozen=True)
class Verdict:
    """A fatal failure. `exit_code`: of the container, if it is known. `lines`: what the platform reports."""

    code: str
    message: str
    hint: str
    exit_code: int | None = None
    lines: tuple[str, ...] = ()

    def failure(self, revision: str, logged: Sequence[str], environment: str) -> Failed:
        """Return the failure page: cause, revision, exit code, what the platform reports, and the last log lines."""
        ended = (f"exit code {self.exit_code}",) if self.exit_code is not None else ()
        said = tuple(f"| {line}" for line in self.lines)
        rest = tuple(line for line in logged if line not in said)
        hint = self.hint.replace("ENV", environment)
        return Failed(Failure(self.code, self.message, (f"revision {revision}", *ended, *said, *rest), hint))
