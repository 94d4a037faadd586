"""Verdict on a container group, from its state. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.azure.failures import by_exit, from_message
from toolkit.deploy.places.instances import state
from toolkit.deploy.places.traffic.verdict import LOG, Verdict

if TYPE_CHECKING:
    from toolkit.deploy.places.instances.state import Group

MESSAGES = 3


def judge(group: Group | None, seconds: float, limit: float) -> Verdict | None:
    """Return what is fatal; None for a group that runs, or may still do so within `limit` seconds."""
    if group is None:
        return Verdict("NOT_READY", "the container group does not exist", "deploy again") if seconds > limit else None
    said = group.messages[-MESSAGES:]
    ended = group.container == state.TERMINATED or group.restarts > 0
    if ended and group.exit_code is not None:
        return by_exit(group.exit_code, group.reason, said)
    if group.provisioning == "Failed":
        known = from_message("\n".join((group.detail, *group.messages)))
        return known or Verdict("GROUP_FAILED", "Azure could not provision the container group", LOG, lines=said)
    if seconds <= limit:
        return None
    known = from_message("\n".join(group.messages)) if group.container != state.RUNNING else None
    return known or Verdict("NOT_READY", f"not ready after {limit:.0f} s: /ready has not answered", LOG, lines=said)
