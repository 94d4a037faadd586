"""The change of one file, as the generator plans it and reports it."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "create", "update", "merge", "ok", "edited", "deleted", "remove", "foreign", "orphan", "conflict", "unresolved"
]
MEANING: Mapping[Status, str] = {
    "create": "new",
    "update": "regenerated",
    "merge": "regenerated and merged with your edits",
    "ok": "unchanged",
    "edited": "edited since it was generated; kept",
    "deleted": "deleted since it was generated; to create it again, remove it from .generated.json",
    "remove": "deleted; it had no edits",
    "foreign": "exists and was not generated; move it away, or give the resource another name",
    "orphan": "generated for a resource that no longer exists; delete it when it is no longer needed",
    "conflict": "the change and your edits are in the same lines",
    "unresolved": "has the conflict marks of a git merge; resolve them, then run this again",
}


class GeneratorError(ValueError):
    """Nothing was written; the message has the reason and the next step."""


@dataclass(frozen=True)
class Change:
    """One file of the service: `content` is what is written, `found` the existing text (None: no file).

    `generated` is the generator's own text, where the file has the owner's edits too. `source` is the former path of
    a file that moves.
    """

    path: str
    content: str
    status: Status
    found: str | None = None
    generated: str | None = None
    source: str = ""

    @property
    def writes(self) -> bool:
        """Return True if this file is written, moved or deleted."""
        return self.status in ("create", "update", "merge", "remove") or bool(self.source)

    def __str__(self) -> str:
        moved = f"; moved from {self.source}" if self.source else ""
        return f"{self.status:<8} {self.path}  ({MEANING[self.status]}{moved})"

    def diff(self) -> str:
        """Return the unified diff from the existing file to the written one."""
        old, new = (self.found or "").splitlines(keepends=True), self.content.splitlines(keepends=True)
        target = "/dev/null" if self.status == "remove" else f"b/{self.path}"
        source = "/dev/null" if self.found is None else f"a/{self.source or self.path}"
        return "".join(difflib.unified_diff(old, new, source, target))
