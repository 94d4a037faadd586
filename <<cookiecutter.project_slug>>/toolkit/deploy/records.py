"""Records of releases, and the selection of those that count. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

GOOD = "deployed"
OPERATIONS = ("restarted", "scaled", "secret_set", "restored")
Kept = dict[str, Any]  # an object of a release in the form of its place, for a rollback: only the place reads it


@dataclass(frozen=True)
class ReleaseRecord:
    """A release. `outcome`: deployed (smoke test passed), rolled_back, failed or interrupted. `objects`: no Secrets.

    An operation on the running release is recorded too: `outcome` is one of OPERATIONS, without an image.
    """

    number: int
    digest: str
    image: str
    outcome: str
    driver: str
    at: str = ""
    actor: str = ""
    git: str = ""  # the checkout's commit, with `+` for uncommitted changes
    commit_time: str = ""
    image_commit: str = ""  # the image's commit: an earlier one, if its content has not changed since
    run_url: str = ""
    reason: str = ""
    schema_before: str = ""
    schema_after: str = ""
    image_schema: str = ""
    rollback_of: int | None = None
    helm_revision: int | None = None
    objects: tuple[Kept, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.outcome == GOOD


def to_json(record: ReleaseRecord) -> str:
    """Return the record as one line."""
    return json.dumps(asdict(record))


def from_json(line: str) -> ReleaseRecord | None:
    """Parse a record, also one of another version of the toolkit; None for anything else."""
    try:
        content = json.loads(line)
        known: dict[str, Any] = {name: content[name] for name in ReleaseRecord.__dataclass_fields__ if name in content}
        known["objects"] = tuple(content.get("objects", ()))
        return ReleaseRecord(**known)
    except (KeyError, ValueError, TypeError):
        return None


def last_good(records: Sequence[ReleaseRecord], before: int | None = None) -> ReleaseRecord | None:
    """Return the newest release that passed its smoke test, or the newest such release below a number."""
    return next(
        (record for record in reversed(records) if record.good and (before is None or record.number < before)), None
    )


def prune(records: Sequence[ReleaseRecord], keep: int) -> list[ReleaseRecord]:
    """Return the records to remove: all but the newest `keep` releases, the last good one, and as many operations."""
    good = last_good(records)
    operations = [record for record in records if record.outcome in OPERATIONS]
    releases = [record for record in records if record.outcome not in OPERATIONS]
    return [record for record in (*releases[:-keep], *operations[:-keep]) if record is not good]
