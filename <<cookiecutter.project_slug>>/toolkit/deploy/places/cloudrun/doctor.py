"""Checks of the project for `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.values import Finding

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.place import CloudRunPlace


def identify(place: CloudRunPlace) -> Finding:
    if place.error:
        failure = place.error.failure
        return Finding(False, failure.message, failure.hint, lines=failure.evidence)
    env = place.environment
    return Finding(True, f"project {env.project}, {env.region}, service {env.service}")


def checks(place: CloudRunPlace) -> Mapping[str, Callable[[], Finding]]:
    return {
        "permissions": lambda: permissions(place),
        "secret": lambda: secret(place),
        "traffic": lambda: traffic(place),
        "lock": lambda: lock(place),
    }


def permissions(place: CloudRunPlace) -> Finding:
    """Read what a deploy reads; a missing permission raises Failed GOOGLE_DENIED."""
    place.run.get()
    place.run.revisions()
    place.run.jobs()
    return Finding(True, "services, revisions and Jobs can be read; those to write are not tried")


def secret(place: CloudRunPlace) -> Finding:
    found = [f"{name} version {version}" for name, version in place.secrets.by_variable.items()]
    return Finding(True, ", ".join(found) or "none")


def traffic(place: CloudRunPlace) -> Finding:
    live = place.run.get()
    if live is None:
        return Finding(True, "not deployed yet")
    shown = targets.shown(live.traffic)
    if targets.is_interrupted(live.asked):
        hint = f"`python3 tasks.py deploy {place.environment.name}` gives all requests to one revision again"
        return Finding(False, f"a deploy has not ended: {shown}", hint)
    return Finding(True, shown)


def lock(place: CloudRunPlace) -> Finding:
    from toolkit.deploy.places.traffic.lease import parsed

    held = parsed(place.ledger.read())
    return Finding(True, f"held by {held.holder}, renewed {held.renewed}" if held else "free")
