"""Verdict on a revision or an execution, from what Azure reports about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.places.azure.failures import by_exit, from_message, lines_of
from toolkit.deploy.places.traffic.verdict import LOG, Verdict

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.state import Replica, Revision

RESTARTS = 2  # so often a container has ended before that is a verdict


_ENDED = re.compile(r"terminated with exit code '(\d+)'(?: and reason '(\w+)')?")
_BACKING_OFF = re.compile(r"CrashLoop|Back-?[Oo]ff")


def judge(
    revision: Revision | None, replicas: Sequence[Replica], events: Sequence[str], seconds: float, limit: float
) -> Verdict | None:
    """Return what is fatal; None for a revision that is ready, or may still become ready within `limit` seconds.

    `events`: lines of the system log about it, the oldest first; they may be late, or missing.
    """
    if revision is None:
        return (
            Verdict("NOT_READY", f"the revision was not created within {limit:.0f} s", "deploy again")
            if (seconds > limit)
            else None
        )
    if revision.provisioning == "Failed":
        return from_message(revision.error) or Verdict(
            "REVISION_FAILED", "Azure could not provision the revision", LOG, lines=lines_of(revision.error)
        )
    if revision.is_ready:
        return None
    details = "; ".join(dict.fromkeys(replica.details for replica in replicas if replica.details))
    ended = any(replica.restarts >= RESTARTS or _BACKING_OFF.search(replica.details) for replica in replicas)
    if ended or (revision.gave_up and any(map(_ENDED.search, events))):
        return crashed(events, details)
    if revision.gave_up or seconds > limit:
        known = from_message(f"{details} {' '.join(events)}")
        reason = "Azure gave it up" if revision.gave_up else f"not ready after {limit:.0f} s"
        said = (*lines_of(details), *events[-3:])
        return known or Verdict("NOT_READY", f"{reason}: /ready has not answered with 200", LOG, lines=said)
    return None


def crashed(events: Sequence[str], details: str = "") -> Verdict:
    """Return the verdict on a container that ends, by its last exit code."""
    found = [match for line in events if (match := _ENDED.search(line))]
    if not found:
        return Verdict("CRASH_LOOP", "the container has ended", LOG, lines=lines_of(details))
    return by_exit(int(found[-1][1]), found[-1][2] or "", tuple(events[-3:]))


def exit_code_of(events: Sequence[str]) -> int | None:
    """Return the last exit code in lines of the system log."""
    found = [match for line in events if (match := _ENDED.search(line))]
    return int(found[-1][1]) if found else None
