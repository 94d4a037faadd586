"""Status and history of an environment, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.kubernetes import sources, unready
from toolkit.deploy.places.kubernetes.objects import image_of
from toolkit.deploy.places.kubernetes.pod_failures import is_ready
from toolkit.deploy.release import history as records_of
from toolkit.deploy.release.steps import rollout

if TYPE_CHECKING:
    from toolkit.deploy.release.history import Record
    from toolkit.deploy.release.state import Target


# Shown if a Secret or ConfigMap was changed after the pods read their variables.
STALE = "changed since the pods started; `python3 tasks.py deploy {env}` replaces them"


def history_lines(records: Sequence[Record], lost: Collection[str] = (), *, as_json: bool = False) -> list[str]:
    """Return a line for each release, the oldest first; with JSON an object for each, without rendered objects. Pure.

    `lost`: images missing from their registry.
    """
    if as_json:
        told = [{**asdict(record), "image_gone": record.image in lost} for record in records]
        return [json.dumps({key: value for key, value in record.items() if key != "objects"}) for record in told]
    if not records:
        return ["There are no releases yet."]
    head = f"{'release':>7}  {'when':<25}  {'outcome':<12}  {'image':<19}  {'git':<13}  {'schema':<14}  user"
    return [head, *(_line(record) + ("  IMAGE GONE" if record.image in lost else "") for record in records)]


def status_lines(target: Target, *, as_json: bool = False) -> list[str]:
    """Show the Deployment, its pods, the version that answers through the Service, and the last release."""
    found = _status(target)
    if as_json:
        return [json.dumps(found)]
    host = target.cluster.client.configuration.host
    lines = [
        f"{target.facts.name} in {target.environment.name} ({host} {found['namespace']})",
        f"  image     {found['image'] or 'not deployed'}",
        f"  serves    {found['serves'] or 'no pod answers'}",
        f"  schema    {found['schema'] or 'unknown'}",
        f"  replicas  {found['ready']} of {found['desired']} ready, {found['old']} of an older revision",
        f"  release   {found['release'] or 'none on record'}",
    ]
    lines += [f"  {name:<9} {found[name]}" for name in ("unready", "sources") if found[name]]
    for pod in found["pods"]:
        state = "ready" if pod["ready"] else pod["phase"]
        lines.append(f"  pod       {pod['name']}  {state}  {pod['restarts']} restarts  {pod['node']}")
    return lines


def log_lines(target: Target, lines: int) -> list[str]:
    """Return the newest lines of each pod of the Deployment, each after the pod's name."""
    seen = rollout.view(target.cluster, target.facts.name, events=False)
    found = []
    for pod in (*seen.pods, *seen.old):
        name = pod["metadata"]["name"]
        for container in pod["spec"]["containers"]:
            found += [f"{name}  {line}" for line in target.cluster.logs(name, container["name"], lines=lines)]
    return found or [f"No pod of {target.facts.name} has logged anything in {target.environment.namespace}."]


def _status(target: Target) -> dict[str, Any]:
    seen = rollout.view(target.cluster, target.facts.name, events=False)
    deployment = seen.deployment or {}
    health = target.cluster.proxy(target.facts.name, target.environment.port, "/health") if deployment else None
    ready = target.cluster.proxy(target.facts.name, target.environment.port, "/ready") if deployment else None
    last, cause = records_of.last_good(target.records), unready.cause(target, seen.pods)
    mark = sources.mark(sources.read(target))
    return {
        "namespace": target.environment.namespace,
        "image": image_of(deployment),
        "serves": health.get("image_digest", "") if isinstance(health, dict) else "",
        "schema": ready.get("schema", "") if isinstance(ready, dict) else "",
        "desired": deployment.get("spec", {}).get("replicas", 0),
        "ready": sum(map(is_ready, seen.pods)),
        "old": len(seen.old),
        "release": last.number if last else None,
        "unready": f"{cause.pod}: {cause.reason}" if cause else "",
        "sources": STALE.format(env=target.environment.name) if sources.stale(seen.deployment, mark) else "",
        "pods": [_pod(pod) for pod in (*seen.pods, *seen.old)],
    }


def _pod(pod: dict[str, Any]) -> dict[str, Any]:
    status = pod.get("status", {})
    return {
        "name": pod["metadata"]["name"],
        "ready": is_ready(pod),
        "phase": status.get("phase", "?"),
        "restarts": sum(int(entry.get("restartCount", 0)) for entry in status.get("containerStatuses", ())),
        "node": pod["spec"].get("nodeName", "no node"),
    }


def _line(record: Record) -> str:
    outcome = record.outcome + (f" ({record.reason})" if record.reason else "")
    back = f" rollback of {record.rollback_of}" if record.rollback_of else ""
    return (
        f"{record.number:>7}  {record.at:<25}  {outcome:<12}  {record.digest[:19]:<19}  {record.git:<13}  "
        f"{record.schema_after:<14}  {record.actor}{back}"
    )
