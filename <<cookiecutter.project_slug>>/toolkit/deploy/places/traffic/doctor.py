"""Checks for `doctor` that every platform with revisions has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.lease import parsed
from toolkit.deploy.places.values import Finding

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Failed
    from toolkit.deploy.places.traffic.platform import Live


def identify(error: Failed | None, described: str) -> Finding:
    """Return the failure of the connection; else what the place is."""
    if error is None:
        return Finding(True, described)
    failure = error.failure
    return Finding(False, failure.message, failure.hint, lines=failure.evidence)


def secret(versions: Mapping[str, str]) -> Finding:
    """Return the version of each secret variable."""
    return Finding(True, ", ".join(f"{name} version {version}" for name, version in versions.items()) or "none")


def traffic(live: Live | None, environment: str) -> Finding:
    """Return the division of the requests; a failure for that of a deploy that has not ended."""
    if live is None:
        return Finding(True, "not deployed yet")
    shown = targets.shown(live.traffic)
    if targets.is_interrupted(live.asked):
        hint = f"`python3 tasks.py deploy {environment}` gives all requests to one revision again"
        return Finding(False, f"a deploy has not ended: {shown}", hint)
    return Finding(True, shown)


def lock(text: str) -> Finding:
    """Return the holder of the lock. `text`: of its slot."""
    held = parsed(text)
    return Finding(True, f"held by {held.holder}, renewed {held.renewed}" if held else "free")
