"""The release driver `helm`: the Helm CLI with argument lists, watched and rolled back by the toolkit itself.

`--wait` and `--rollback-on-failure` are not used: they destroy the evidence and hide the reason. Helm creates revisions
even without a change, so an upgrade runs only if a server-side dry run as Helm's own field manager shows a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import replace_jobs
from toolkit.deploy.places.kubernetes.helm_commands import rollback_command, run, upgrade_command
from toolkit.deploy.places.kubernetes.helm_ownership import OWNER, RELEASE, as_owned, require, require_ownership
from toolkit.deploy.places.kubernetes.helm_values import values, values_file
from toolkit.deploy.places.kubernetes.leftovers import leftovers
from toolkit.deploy.places.kubernetes.naming import with_migration_named
from toolkit.deploy.places.kubernetes.objects import Object, checked, diff, identity, ordered
from toolkit.deploy.places.kubernetes.replicas import hand_over

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec

manager = "helm"
HOOK = "helm.sh/hook"


def render(project: Path, release: ReleaseSpec) -> list[Object]:
    """Return every object of the chart. Raises Failed MANIFEST_INVALID with Helm's message."""
    import yaml

    name, namespace = release.service, release.environment.scope
    with values_file(values(release)) as path:
        command = ["helm", "template", name, str(project / "helm"), "--namespace", namespace, "--values", str(path)]
        done = process.run(command, seconds=60)
    if done.code:
        raise fail(
            "MANIFEST_INVALID",
            "the chart cannot be rendered",
            *done.err.strip().splitlines()[-4:],
            hint="correct helm/ or the inventory",
        )
    # Hooks are left to Helm, which creates and deletes them during an upgrade.
    found = checked(yaml.safe_load_all(done.out), "helm/")
    objects = [item for item in found if HOOK not in (item["metadata"].get("annotations") or {})]
    return ordered(with_migration_named(objects, name))


@dataclass(frozen=True)
class Compared:
    """Observe each object by a dry run as Helm, the objects that this release drops, and Helm's revisions."""

    release: str
    looks: tuple[applying.Look, ...]
    leftovers: tuple[Object, ...]
    revisions: Mapping[int, str]
    correct_drift: bool

    def plan(self) -> Plan:
        """Plan. Raises Failed DRIFT, NOT_HELMS.

        A release that is not `deployed` is upgraded even without a difference.
        """
        status = self.revisions[max(self.revisions)] if self.revisions else "none"
        gone = tuple(Change("delete", identity(item), diff(item, None)) for item in self.leftovers)
        changes = (*applying.changes(self.looks), *gone)
        require_ownership(self.looks, self.release, correct_drift=self.correct_drift)
        if status != "deployed" and not changes:
            name = self.release.partition("/")[2]
            changes = (Change("upgrade", f"the Helm release {name}, which is {status}"),)
        return Plan(changes, note=applying.removals(self.looks))


def observe(place: KubernetesPlace, wanted: list[Object]) -> Compared:
    namespace = place.environment.namespace
    owned = [as_owned(item, place.service, namespace) for item in wanted]
    looks = tuple(applying.look(place.cluster, owned, manager, force=place.correct_drift))
    release = f"{namespace}/{place.service}"
    if place.namespace_missing:
        return Compared(release, looks, (), {}, place.correct_drift)
    return Compared(release, looks, tuple(_leftovers(place, wanted)), revisions(place), place.correct_drift)


def apply(place: KubernetesPlace, spec: ReleaseSpec, wanted: list[Object], _: Plan) -> int | None:
    """Run `helm upgrade --install`, or `helm rollback N` to an earlier release."""
    _make_way(place, wanted)
    if spec.again is not None:
        run(rollback_command(place, _revision_of(spec.again)))
    else:
        _hand_over(place, wanted)
        # Configuration and the migration's Job are already applied; Helm must not own them.
        with values_file(values(spec, config=False, job=False)) as path:
            run(upgrade_command(place, path))
    return max(revisions(place), default=None)


def undo(place: KubernetesPlace, record: ReleaseRecord) -> int | None:
    _make_way(place, record.objects)
    run(rollback_command(place, _revision_of(record)))
    return max(revisions(place), default=None)


def recover(place: KubernetesPlace, last: ReleaseRecord | None) -> str:
    """Repair a `pending-*` release: under the lock it is an orphan of a killed deployer."""
    present = revisions(place)
    if not present or not present[max(present)].startswith("pending-"):
        return ""
    newest = max(present)
    if present[newest] != "pending-install" and last is not None and last.helm_revision in present:
        run(rollback_command(place, _revision_of(last)))
        return f"{present[newest]} left by a killed deployer: rolled back to revision {last.helm_revision}"
    place.cluster.delete("v1", "Secret", f"sh.helm.release.v1.{place.service}.v{newest}")
    return f"{present[newest]} left by a killed deployer: removed"


def revisions(place: KubernetesPlace) -> dict[int, str]:
    """Return Helm's revisions with their status, from its Secrets' labels (ten times faster than `helm history`)."""
    found = place.cluster.list("v1", "Secret", f"owner=helm,name={place.service}")
    return {int(item["metadata"]["labels"]["version"]): item["metadata"]["labels"]["status"] for item in found}


def _leftovers(place: KubernetesPlace, wanted: Sequence[Object]) -> list[Object]:
    """Return objects that Helm created for this release and that the chart no longer has, labelled or not."""
    name = place.service
    selector = ",".join(f"{key}={value}" for key, value in OWNER.items())
    found = leftovers(place.cluster, name, wanted, selector)
    return [item for item in found if (item["metadata"].get("annotations") or {}).get(RELEASE) == name]


def _make_way(place: KubernetesPlace, wanted: Sequence[Object]) -> None:
    for item in wanted:
        owned = as_owned(item, place.service, place.environment.namespace)
        replace_jobs.make_way(place.cluster, owned, manager)


def _hand_over(place: KubernetesPlace, wanted: list[Object]) -> None:
    for item in wanted:
        hand_over(place.cluster, item, manager)
        if place.correct_drift:
            owned = as_owned(item, place.service, place.environment.namespace)
            applying.take_over(place.cluster, owned, manager)


def _revision_of(record: ReleaseRecord) -> int:
    if record.helm_revision is None:
        raise fail(
            "NO_HELM_REVISION", "that release has no Helm revision in its record", hint="deploy its version again"
        )
    return record.helm_revision


__all__ = ["apply", "manager", "observe", "recover", "render", "require", "undo"]
