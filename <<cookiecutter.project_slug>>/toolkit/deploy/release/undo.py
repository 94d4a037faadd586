"""The way back: the last good release is put back, and seen to serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Exit, Outcome, Status, fail
from toolkit.deploy.records import last_good
from toolkit.deploy.release.steps import smoke

if TYPE_CHECKING:
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.release.state import Known, Target


def undo(target: Target, known: Known) -> tuple[Outcome, Known]:
    """Roll back to the last good release, and wait until it serves. Raises Failed if that is impossible."""
    last = last_good(target.place.records())
    if known.destructive_ran:
        raise fail(
            "FORWARD_FIX",
            "a destructive migration has run and the older code would not work on the new schema: NOT rolled back",
            hint="; ".join(("correct the fault, keep the schema, and deploy again", *_way_back(target, known, last))),
            exit=Exit.NOT_ROLLED_BACK,
        )
    if last is None:
        raise fail(
            "NOTHING_TO_ROLL_BACK_TO",
            "this was the first release: no earlier one to roll back to",
            hint="correct the fault and deploy again; the failed release is kept for inspection",
            exit=Exit.NOT_ROLLED_BACK,
        )
    revision = target.place.put_back(last)
    target.place.watch(target.environment.rollout_seconds, 1)
    smoke.check_version(target, last.digest)
    outcome = Outcome(Status.RESCUED, f"release {last.number} serves again ({last.digest[:19]})")
    return outcome, replace(known, revision=revision if revision is not None else known.revision)


def _way_back(target: Target, known: Known, last: ReleaseRecord | None) -> Sequence[str]:
    """Return the commands that bring back the data before the migration, and the code that works on it."""
    if not (known.backup and last):
        return ()
    tasks, name = "python3 tasks.py", target.environment.name
    return (
        f"or lose what was written since backup {known.backup}: `{tasks} restore {name} {known.backup}`, then "
        f"`{tasks} rollback {name} --to {last.number}`",
    )
