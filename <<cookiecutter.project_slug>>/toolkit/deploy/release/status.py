"""Status and history of an environment, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.release.state import Target


# Shown if a Secret or ConfigMap was changed after the pods read their variables.
STALE = "changed since the pods started; `python3 tasks.py deploy {env}` replaces them"


def history_lines(records: Sequence[ReleaseRecord], lost: Collection[str] = (), *, as_json: bool = False) -> list[str]:
    """A line for each release, the oldest first; with JSON an object for each, without the rendered objects. Pure.

    `lost`: images missing from their registry.
    """
    if as_json:
        listed = [{**asdict(record), "image_gone": record.image in lost} for record in records]
        return [json.dumps({key: value for key, value in record.items() if key != "objects"}) for record in listed]
    if not records:
        return ["There are no releases yet."]
    head = f"{'release':>7}  {'when':<25}  {'outcome':<12}  {'image':<19}  {'git':<13}  {'schema':<14}  user"
    return [head, *(_line(record) + ("  IMAGE GONE" if record.image in lost else "") for record in records)]


def status_lines(target: Target, *, as_json: bool = False) -> list[str]:
    """Return the running objects, the version that answers, and the last release."""
    state = _status(target)
    if as_json:
        return [json.dumps(state)]
    lines = [
        f"{target.service} in {target.environment.name} ({target.place.name})",
        f"  image     {state['image'] or 'not deployed'}",
        f"  serves    {state['serves'] or 'no pod answers'}",
        f"  schema    {state['schema'] or 'unknown'}",
        f"  replicas  {state['ready']} of {state['desired']} ready, {state['old']} of an older revision",
        f"  release   {state['release'] or 'none on record'}",
    ]
    lines += [f"  {name:<9} {state[name]}" for name in ("unready", "sources") if state[name]]
    for process in state["processes"]:
        lines.append(f"  process   {process['name']}  {process['summary']}")
    for pod in state["pods"]:
        ready = "ready" if pod["ready"] else pod["phase"]
        lines.append(f"  pod       {pod['name']}  {ready}  {pod['restarts']} restarts  {pod['node']}")
    return lines


def _status(target: Target) -> dict[str, Any]:
    running = target.place.status()
    health, ready = (target.place.ask(path) if running.image else None for path in ("/health", "/ready"))
    last = last_good(target.place.records())
    return {
        "namespace": target.environment.scope,
        "image": running.image,
        "serves": health.get("image_digest", "") if isinstance(health, dict) else "",
        "schema": ready.get("schema", "") if isinstance(ready, dict) else "",
        "desired": running.desired,
        "ready": running.ready,
        "old": running.old,
        "release": last.number if last else None,
        "unready": running.unready,
        "sources": STALE.format(env=target.environment.name) if running.stale else "",
        "pods": [asdict(instance) for instance in running.instances],
        "processes": [asdict(process) for process in running.processes],
    }


def _line(record: ReleaseRecord) -> str:
    outcome = record.outcome + (f" ({record.reason})" if record.reason else "")
    back = f" rollback of {record.rollback_of}" if record.rollback_of else ""
    return (
        f"{record.number:>7}  {record.at:<25}  {outcome:<12}  {record.digest[:19]:<19}  {record.git:<13}  "
        f"{record.schema_after:<14}  {record.actor}{back}"
    )
