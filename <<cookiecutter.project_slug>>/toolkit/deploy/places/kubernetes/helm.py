"""The release driver `helm`: the Helm CLI with argument lists, watched and rolled back by the toolkit itself.

`--wait` and `--rollback-on-failure` are not used: they destroy the evidence and hide the reason. Helm creates revisions
even without a change, so an upgrade runs only if a server-side dry run as Helm's own field manager shows a change.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy import process
from toolkit.deploy.inventory.pod_keys import PodKeys
from toolkit.deploy.outcomes import Change, Outcome, Plan, Result, Status, fail
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import replace_jobs
from toolkit.deploy.places.kubernetes.connect import helm_arguments
from toolkit.deploy.places.kubernetes.helm_ownership import OWNER, RELEASE, as_owned, require, require_ownership
from toolkit.deploy.places.kubernetes.naming import with_migration_named
from toolkit.deploy.places.kubernetes.objects import Object, checked, diff, identity, ordered
from toolkit.deploy.places.kubernetes.refusals import refusal_in
from toolkit.deploy.release import history as records_of

if TYPE_CHECKING:
    from toolkit.deploy.release.history import Record
    from toolkit.deploy.release.spec import Release
    from toolkit.deploy.release.state import Target

manager = "helm"
# Keys of the inventory with the same names in the chart.
KEYS = (
    *PodKeys.model_fields,
    *("repository", "autoscale", "resources", "settings", "probes"),
    *("port", "service_type", "node_port", "ingress", "network_policy"),
    *("drain_seconds", "graceful_seconds", "min_ready_seconds", "progress_deadline_seconds", "migration_seconds"),
)
HOOK = "helm.sh/hook"


def render(project: Path, release: Release) -> list[Object]:
    """Return every object of the chart. Raises Failed MANIFEST_INVALID with Helm's message."""
    import yaml

    name, env = release.service, release.environment
    with values_file(values(release)) as path:
        command = ["helm", "template", name, str(project / "helm"), "--namespace", env.namespace, "--values", str(path)]
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


def values(release: Release, **create: bool) -> dict[str, Any]:
    """Return the chart's values: the inventory's keys under their own names, and the release's additions. Pure."""
    env, given = release.environment, release.values()
    content = env.model_dump(mode="json", include=set(KEYS))
    external = env.secret.external.model_dump() if env.secret.external else None
    secret = {
        "name": given["secret_name"],
        "keys": list(given["secret_keys"]),
        "data": given["secret_data"],
        "external": external,
    }
    return {
        **content,
        "annotations": given["annotations"],
        "name": release.service,
        "digest": release.digest,
        "replicas": release.replicas,
        "least": given["least"],
        "config_name": given["config_name"],
        "job_name": f"{release.service}-migrate",  # render() gives it the hash that both drivers use
        "secret": secret,
        "create": {"config": True, "job": True, **create},
    }


@contextmanager
def values_file(content: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a private temporary file: values contain secrets, and argument lists are visible to all users."""
    handle, name = tempfile.mkstemp(prefix="values-", suffix=".json")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False)  # Helm reads it as YAML, which does not allow surrogates
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def upgrade_command(target: Target, path: Path) -> list[str]:
    """Pure."""
    command = ["helm", "upgrade", "--install", target.facts.name, str(target.project / "helm")]
    command += [*helm_arguments(target.environment), "--values", str(path)]
    command += ["--history-max", str(target.environment.history + 10)]
    # An existing object does not belong to a Helm release; without the second option it is refused.
    return [*command, "--force-conflicts", "--take-ownership"] if target.options.correct_drift else command


def rollback_command(target: Target, revision: int) -> list[str]:
    """Return the argument list of a rollback. The revision is explicit: without it Helm chose another bad one. Pure."""
    history = str(target.environment.history + 10)
    return [
        "helm",
        "rollback",
        target.facts.name,
        str(revision),
        *helm_arguments(target.environment),
        "--history-max",
        history,
        "--force-conflicts",
    ]


def observe(target: Target, wanted: list[Object]) -> tuple[list[applying.Look], list[Object], dict[int, str]]:
    """Observe each object by a dry run as Helm, the objects that this release drops, and Helm's revisions."""
    owned = [as_owned(item, target.facts.name, target.environment.namespace) for item in wanted]
    seen = applying.look(target.cluster, owned, manager, force=target.options.correct_drift)
    if target.namespace_missing:
        return seen, [], {}
    return seen, _leftovers(target, wanted), revisions(target)


def plan(target: Target, seen: tuple[list[applying.Look], list[Object], dict[int, str]]) -> Plan:
    """Plan. Raises Failed DRIFT, NOT_HELMS. A release that is not `deployed` is upgraded even without a difference."""
    looks, leftovers, found = seen
    status = found[max(found)] if found else "none"
    gone = tuple(Change("delete", identity(item), diff(item, None)) for item in leftovers)
    changes = (*applying.changes(looks), *gone)
    require_ownership(looks, target)
    if status != "deployed" and not changes:
        changes = (Change("upgrade", f"the Helm release {target.facts.name}, which is {status}"),)
    return Plan(changes, note=applying.removals(looks))


def apply(target: Target, wanted: list[Object], planned: Plan) -> None:
    """Run `helm upgrade --install`, or `helm rollback N` to an earlier release."""
    _make_way(target, wanted)
    if target.rollback_of is not None:
        _run(rollback_command(target, _revision_of(target.helm_revision)))
    else:
        release = target.release
        if release is None:
            raise AssertionError("released before the image was known")
        _hand_over(target, wanted)
        # Configuration and the migration's Job are already applied; Helm must not own them.
        with values_file(values(release, config=False, job=False)) as path:
            _run(upgrade_command(target, path))
    target.helm_revision = max(revisions(target), default=None)


def undo(target: Target, record: Record) -> None:
    _make_way(target, record.objects)
    _run(rollback_command(target, _revision_of(record.helm_revision)))
    target.helm_revision = max(revisions(target), default=None)


def recover(target: Target) -> bool:
    """Repair a `pending-*` release: under the lock it is an orphan of a killed deployer. True if there was one."""
    found = revisions(target)
    if not found or not found[max(found)].startswith("pending-"):
        return False
    newest, name = max(found), target.facts.name
    good = records_of.last_good(target.records)
    if found[newest] != "pending-install" and good is not None and good.helm_revision in found:
        _run(rollback_command(target, _revision_of(good.helm_revision)))
        told = f"{found[newest]} left by a killed deployer: rolled back to revision {good.helm_revision}"
    else:
        target.cluster.delete("v1", "Secret", f"sh.helm.release.v1.{name}.v{newest}")
        told = f"{found[newest]} left by a killed deployer: removed"
    target.report.result(Result("recover", Status.RESCUED, 0.0, told))
    return True


def revisions(target: Target) -> dict[int, str]:
    """Return Helm's revisions with their status, from its Secrets' labels (ten times faster than `helm history`)."""
    found = target.cluster.list("v1", "Secret", f"owner=helm,name={target.facts.name}")
    return {int(item["metadata"]["labels"]["version"]): item["metadata"]["labels"]["status"] for item in found}


def _leftovers(target: Target, wanted: Sequence[Object]) -> list[Object]:
    """Return objects that Helm created for this release and that the chart no longer has, labelled or not."""
    name = target.facts.name
    selector = ",".join(f"{key}={value}" for key, value in OWNER.items())
    found = applying.leftovers(target.cluster, name, wanted, selector)
    return [item for item in found if (item["metadata"].get("annotations") or {}).get(RELEASE) == name]


def _make_way(target: Target, wanted: Sequence[Object]) -> None:
    for item in wanted:
        owned = as_owned(item, target.facts.name, target.environment.namespace)
        replace_jobs.make_way(target.cluster, owned, manager)


def _hand_over(target: Target, wanted: list[Object]) -> None:
    for item in wanted:
        applying.hand_over(target.cluster, item, manager)
        if target.options.correct_drift:
            owned = as_owned(item, target.facts.name, target.environment.namespace)
            applying.take_over(target.cluster, owned, manager)


def _revision_of(revision: int | None) -> int:
    if revision is None:
        raise fail(
            "NO_HELM_REVISION", "that release has no Helm revision in its record", hint="deploy its version again"
        )
    return revision


def _run(command: list[str]) -> Outcome:
    done = process.run(command, seconds=300)
    if done.code:
        evidence = done.err.strip().splitlines()[-6:]
        if known := refusal_in(done.err):
            raise fail(known.code, known.title, *evidence, hint=known.hint)
        code = "DRIFT" if "conflict" in done.err.lower() else "HELM_FAILED"
        raise fail(
            code,
            f"`{' '.join(command[:4])}` failed",
            *evidence,
            hint="correct the error reported by Helm above, then deploy again",
        )
    return Outcome()


__all__ = ["apply", "manager", "observe", "plan", "recover", "render", "require", "undo"]
