"""Apply of objects to a cluster, and its plan. Both release drivers use it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.outcomes import Change, Failed, fail
from toolkit.deploy.places.kubernetes import ownership
from toolkit.deploy.places.kubernetes.client import HANDOVER, FieldConflict
from toolkit.deploy.places.kubernetes.objects import Conflict, Object, diff, differs, identity
from toolkit.deploy.places.kubernetes.ownership import Stray
from toolkit.deploy.places.kubernetes.replicas import as_handed_over, hand_over, lets_go_of_replicas
from toolkit.deploy.places.kubernetes.retry import NotFound

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster

UNANSWERED = frozenset({"CLUSTER_UNREACHABLE", "UNAUTHENTICATED", "SERVER_ERROR"})


@dataclass(frozen=True)
class Look:
    """An object as wanted, as it is, and as in a dry run (None: the namespace does not exist yet)."""

    wanted: Object
    live: Object | None
    planned: Object | None
    conflicts: tuple[Conflict, ...] = ()
    strays: tuple[Stray, ...] = ()  # fields added by others; `force` removes them
    force: bool = False
    replaced: bool = False  # the change is impossible in place: the template of a Job

    @property
    def same(self) -> bool:
        if self.live is None or self.planned is None or self.strays or self.replaced:
            return False
        return not differs(self.live, self.planned)

    @property
    def action(self) -> str:
        if self.live is None:
            return "create"
        return "replace" if self.replaced else "update"


def look(cluster: Cluster, wanted: Sequence[Object], manager: str, *, force: bool = False) -> list[Look]:
    """Run dry runs on the server, with its defaults and admission. Four at a time: they wait for the network."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda item: _look(cluster, item, manager, force), wanted))


def _look(cluster: Cluster, wanted: Object, manager: str, force: bool) -> Look:
    live = _live(cluster, wanted)
    body = as_handed_over(wanted, live, manager)
    try:
        planned = cluster.apply(body, dry_run=True, force=force, manager=manager)
    except NotFound:
        return Look(wanted, None, None)
    except FieldConflict as conflicted:
        taken = cluster.apply(body, dry_run=True, force=True, manager=manager)
        return Look(wanted, live, live, conflicted.found, _strays(cluster, wanted, taken, manager))
    except Failed as error:
        if live is None or not _is_immutable(error):
            raise
        if wanted["kind"] != "Job":
            raise _immutable(live, error) from None
        return Look(wanted, live, _as_new(cluster, wanted, manager), replaced=True)
    return Look(wanted, live, planned, strays=_strays(cluster, wanted, planned, manager), force=force)


def _strays(cluster: Cluster, wanted: Object, planned: Object, manager: str) -> tuple[Stray, ...]:
    """Return fields that others have added to an object. Only if necessary, a dry run creates a new one to compare."""
    found = ownership.added(planned, manager, ignored=(HANDOVER,))
    if not found:
        return ()
    try:
        fresh = _as_new(cluster, wanted, manager)
    except Failed as error:
        if error.failure.code in UNANSWERED:
            raise
        return ()  # a second one is refused (an admission webhook allows an Ingress's host once): nothing to compare
    return ownership.strays(planned, fresh, found)


def _as_new(cluster: Cluster, wanted: Object, manager: str) -> Object:
    """Return an object as it would be created now: by a dry run under another name, because its own exists."""
    fresh = deepcopy(wanted)
    fresh["metadata"]["name"] = fitted(wanted["metadata"]["name"], "-as-new")
    for port in fresh.get("spec", {}).get("ports", ()):
        port.pop("nodePort", None)  # the object itself has that name
    tried = cluster.apply(fresh, dry_run=True, manager=manager)
    tried["metadata"]["name"] = wanted["metadata"]["name"]
    return tried


def changes(looks: Sequence[Look]) -> tuple[Change, ...]:
    """Check for drift. Raises Failed DRIFT with every field changed or added by others, its manager and time. Pure."""
    drifted = [f"{identity(each.wanted)} {conflict}" for each in looks for conflict in each.conflicts]
    drifted += [f"{identity(each.wanted)} {stray}" for each in looks if not each.force for stray in each.strays]
    if drifted:
        raise fail(
            "DRIFT",
            "another manager has changed objects of this release",
            *drifted,
            hint="add these changes to the inventory or the templates, or pass --correct-drift to revert them",
        )
    return tuple(
        Change(
            each.action,
            identity(each.wanted),
            (*diff(each.live, each.planned or each.wanted), *(f"-{stray}" for stray in each.strays)),
        )
        for each in looks
        if not each.same
    )


def apply(cluster: Cluster, wanted: Object, manager: str, *, force: bool = False, least: int | None = None) -> Object:
    """Run server-side apply; `replicas` that are no longer ours are handed over first, or they would drop to 1.

    `least`: the initial number of pods of a Deployment with an autoscaler.
    """
    if least is not None and lets_go_of_replicas(wanted) and _live(cluster, wanted) is None:
        cluster.apply({**wanted, "spec": {**wanted["spec"], "replicas": least}}, force=force, manager=manager)
    hand_over(cluster, wanted, manager)
    if force:
        take_over(cluster, wanted, manager)
    return cluster.apply(wanted, force=force, manager=manager)


def take_over(cluster: Cluster, wanted: Object, manager: str) -> None:
    """Make `manager` the only owner of fields added by others, so that its next apply removes them."""
    look = _look(cluster, wanted, manager, force=True)
    if look.live is not None and look.strays:
        cluster.set_owners(look.live, ownership.taken_over(look.live, manager, look.strays))


def removals(looks: Sequence[Look]) -> str:
    """Return a line on the fields of others that an apply removes; empty without any. Pure."""
    named = [f"{identity(each.wanted)} {stray}" for each in looks for stray in each.strays]
    return f"removes {'; '.join(named)}" if named else ""


def _is_immutable(error: Failed) -> bool:
    return error.failure.code == "MANIFEST_INVALID" and "field is immutable" in " ".join(error.failure.evidence)


def _immutable(live: Object, error: Failed) -> Failed:
    """Return the failure for another tool's object with an immutable field, mostly the selector of a Deployment."""
    name, metadata = identity(live), live["metadata"]
    command = f"kubectl -n {metadata['namespace']} delete {live['kind'].lower()} {metadata['name']}"
    return fail(
        "IMMUTABLE",
        f"{name} exists with an immutable field that differs from this release",
        *error.failure.evidence,
        hint=f"`{command}`, then deploy again; this stops its pods, so the service is interrupted",
    )


def _live(cluster: Cluster, wanted: Object) -> Object | None:
    return cluster.get(wanted["apiVersion"], wanted["kind"], wanted["metadata"]["name"])
