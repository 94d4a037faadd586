"""The history of releases: a ConfigMap for each, with time, user and outcome; the newest ones are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from toolkit.deploy.current_user import whoami
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.objects import Object, identity
from toolkit.deploy.places.kubernetes.retry import Stale

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster

LABEL = "deploy/record"
GOOD = "deployed"


@dataclass(frozen=True)
class Record:
    """A release. `outcome`: deployed (smoke test passed), rolled_back, failed or interrupted. `objects`: no Secrets."""

    number: int
    digest: str
    image: str
    outcome: str
    driver: str
    at: str = ""
    actor: str = ""
    git: str = ""  # the checkout's commit, with `+` for uncommitted changes
    commit_time: str = ""
    image_commit: str = ""  # the image's commit: an earlier one, if its content has not changed since
    run_url: str = ""
    reason: str = ""
    schema_before: str = ""
    schema_after: str = ""
    image_schema: str = ""
    rollback_of: int | None = None
    helm_revision: int | None = None
    objects: tuple[Object, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.outcome == GOOD


def read(cluster: Cluster, service: str) -> list[Record]:
    """Return every record of the service, the oldest first."""
    found = cluster.list("v1", "ConfigMap", f"{LABEL}={service}")
    records = [_parsed(item) for item in found]
    return sorted((record for record in records if record), key=lambda record: record.number)


def write(cluster: Cluster, service: str, record: Record) -> Record:
    """Write under the next free number; if our own record already exists, the response was lost."""
    while True:
        body = _body(cluster.namespace, service, record)
        try:
            cluster.create(body)
        except Stale:
            live = cluster.get("v1", "ConfigMap", body["metadata"]["name"])
            if live is None or live.get("data") != body["data"]:
                record = replace(record, number=record.number + 1)
                continue
        return record


def last_good(records: Sequence[Record], before: int | None = None) -> Record | None:
    """Return the newest release that passed its smoke test, or the newest such release below a number."""
    return next(
        (record for record in reversed(records) if record.good and (before is None or record.number < before)), None
    )


def rollback_target(records: Sequence[Record], running: str, to: int | None) -> Record:
    """Return the target of a rollback: release `to`, or the last good one with a different image or objects.

    Raises Failed NO_SUCH_RELEASE, NOTHING_TO_ROLL_BACK_TO.
    """
    if to is not None:
        chosen = next((record for record in records if record.number == to), None)
        if chosen is None or not chosen.good:
            known = ", ".join(str(record.number) for record in records if record.good) or "none"
            raise fail(
                "NO_SUCH_RELEASE",
                f"release {to} does not exist, or did not pass its smoke test",
                f"releases that passed: {known}",
                hint="`python3 tasks.py history ENV`",
            )
        return chosen
    current = last_good(records)
    broken = current is not None and current.digest != running
    chosen = current if broken else last_good(records, current.number if current else None)
    if chosen is None:
        raise fail(
            "NOTHING_TO_ROLL_BACK_TO", "no earlier release passed its smoke test", hint="deploy a working version"
        )
    return chosen


def prune(records: Sequence[Record], keep: int) -> list[Record]:
    """Return the records to remove: all but the newest `keep` and the last good one."""
    good = last_good(records)
    return [record for record in records[:-keep] if record is not good]


def referenced(records: Sequence[Record]) -> set[str]:
    """Return `Kind/name` of every ConfigMap and Secret that a release still refers to."""
    names = set()
    for record in records:
        names |= {identity(item) for item in record.objects}
        for item in record.objects:
            names |= set(_references(item))
    return names


def _references(item: Any) -> list[str]:
    """Yield the ConfigMaps and Secrets named anywhere in an object."""
    if isinstance(item, Mapping):
        found = []
        for key, value in item.items():
            if key in ("configMapRef", "secretKeyRef", "secretRef", "configMapKeyRef") and isinstance(value, Mapping):
                found.append(f"{'ConfigMap' if key.startswith('config') else 'Secret'}/{value.get('name')}")
            else:
                found += _references(value)
        return found
    return [name for value in item for name in _references(value)] if isinstance(item, list | tuple) else []


def actor() -> str:
    return os.environ.get("GITHUB_ACTOR") or whoami()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_url() -> str:
    """Return the pipeline's page of this run, in a pipeline."""
    env = os.environ
    if env.get("DEPLOY_RUN_URL"):
        return env["DEPLOY_RUN_URL"]
    if env.get("GITHUB_RUN_ID"):
        return f"{env.get('GITHUB_SERVER_URL')}/{env.get('GITHUB_REPOSITORY')}/actions/runs/{env['GITHUB_RUN_ID']}"
    return ""


def _body(namespace: str, service: str, record: Record) -> Object:
    metadata = {"name": f"{service}-release-{record.number}", "namespace": namespace, "labels": {LABEL: service}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"record": json.dumps(asdict(record))},
    }


def _parsed(item: Object) -> Record | None:
    """Parse a record; None for a ConfigMap that is not one of ours."""
    try:
        content = json.loads(item["data"]["record"])
        known: dict[str, Any] = {name: content[name] for name in Record.__dataclass_fields__ if name in content}
        known["objects"] = tuple(content.get("objects", ()))
        return Record(**known)
    except (KeyError, ValueError, TypeError):
        return None
