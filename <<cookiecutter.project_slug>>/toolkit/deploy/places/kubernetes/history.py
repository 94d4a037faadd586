"""The history of releases: a ConfigMap for each, with time, user and outcome; the newest ones are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.kubernetes import external_secret
from toolkit.deploy.places.kubernetes.labels import LABEL
from toolkit.deploy.places.kubernetes.objects import Object, identity
from toolkit.deploy.places.kubernetes.retry import WriteConflict
from toolkit.deploy.records import from_json, to_json

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.records import ReleaseRecord

RECORD_LABEL = "deploy/record"
CONFIG_APIS = (("v1", "ConfigMap"), ("v1", "Secret"), ("batch/v1", "Job"))


def read(cluster: Cluster, service: str) -> list[ReleaseRecord]:
    """Return every record of the service, the oldest first."""
    found = cluster.list("v1", "ConfigMap", f"{RECORD_LABEL}={service}")
    records = [from_json(str((item.get("data") or {}).get("record", ""))) for item in found]
    return sorted((record for record in records if record), key=lambda record: record.number)


def write(cluster: Cluster, service: str, record: ReleaseRecord) -> ReleaseRecord:
    """Write under the next free number; if our own record already exists, the response was lost."""
    while True:
        body = _body(cluster.namespace, service, record)
        try:
            cluster.create(body)
        except WriteConflict:
            live = cluster.get("v1", "ConfigMap", body["metadata"]["name"])
            if live is None or live.get("data") != body["data"]:
                record = replace(record, number=record.number + 1)
                continue
        return record


def prune(
    cluster: Cluster,
    service: str,
    gone: Sequence[ReleaseRecord],
    kept: Sequence[ReleaseRecord],
    objects: Sequence[Object],
) -> None:
    """Delete the records `gone`, and ConfigMaps, Secrets and finished Jobs of ours that nothing kept refers to.

    `objects`: those of the release that is being recorded.
    """
    for old in gone:
        cluster.delete("v1", "ConfigMap", _name(service, old))
    needed = referenced(kept) | {identity(item) for item in objects}
    external = any(item["kind"] == external_secret.KIND for item in objects)
    for api, kind in ((external_secret.API, external_secret.KIND), *CONFIG_APIS) if external else CONFIG_APIS:
        for item in cluster.list(api, kind, f"{LABEL}={service}"):
            # The Secret of an ExternalSecret goes with that one.
            if identity(item) not in needed and not item["metadata"].get("ownerReferences"):
                cluster.delete(api, kind, item["metadata"]["name"])


def referenced(records: Sequence[ReleaseRecord]) -> set[str]:
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


def _body(namespace: str, service: str, record: ReleaseRecord) -> Object:
    metadata = {"name": _name(service, record), "namespace": namespace, "labels": {RECORD_LABEL: service}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"record": to_json(record)},
    }


def _name(service: str, record: ReleaseRecord) -> str:
    return f"{service}-release-{record.number}"
