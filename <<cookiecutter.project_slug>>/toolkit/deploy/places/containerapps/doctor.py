"""Checks of the resource group for `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.lease import parsed
from toolkit.deploy.places.values import Finding

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace


def identify(place: ContainerAppsPlace) -> Finding:
    if place.error:
        failure = place.error.failure
        return Finding(False, failure.message, failure.hint, lines=failure.evidence)
    env = place.environment
    return Finding(True, f"subscription {env.subscription}, {env.resource_group}, app {env.app}")


def checks(place: ContainerAppsPlace) -> Mapping[str, Callable[[], Finding]]:
    return {
        "permissions": lambda: permissions(place),
        "secret": lambda: secret(place),
        "traffic": lambda: traffic(place),
        "lock": lambda: lock(place),
    }


def permissions(place: ContainerAppsPlace) -> Finding:
    """Read what a deploy reads; a missing permission raises Failed AZURE_DENIED."""
    where = place.app.environment()["location"]
    place.app.get()
    place.app.jobs()
    return Finding(True, f"environment in {where}, app and Jobs can be read; those to write are not tried")


def secret(place: ContainerAppsPlace) -> Finding:
    found = [f"{name} version {version}" for name, version in place.secrets.by_variable.items()]
    return Finding(True, ", ".join(found) or "none")


def traffic(place: ContainerAppsPlace) -> Finding:
    live = place.app.get()
    if live is None:
        return Finding(True, "not deployed yet")
    shown = targets.shown(live.traffic)
    if targets.is_interrupted(live.traffic):
        hint = f"`python3 tasks.py deploy {place.environment.name}` gives all requests to one revision again"
        return Finding(False, f"a deploy has not ended: {shown}", hint)
    return Finding(True, shown)


def lock(place: ContainerAppsPlace) -> Finding:
    held = parsed(place.ledger.read())
    return Finding(True, f"held by {held.holder}, renewed {held.renewed}" if held else "free")
