"""Kubernetes objects as dicts: normalised, compared and shown without secrets. Pure."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from toolkit.deploy.outcomes import fail

Object = dict[str, Any]
JOB_LABELS = ("controller-uid", "job-name")
SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
# Order of the apply: a kind comes before those that refer to it.
ORDER = ("Namespace", "ServiceAccount", "ConfigMap", "Secret", "ExternalSecret", "Service", "NetworkPolicy",
         "PodDisruptionBudget", "Job", "Deployment", "HorizontalPodAutoscaler", "Ingress", "HTTPRoute")  # fmt: skip
CONFIG_KINDS = frozenset({"ServiceAccount", "ConfigMap", "Secret", "ExternalSecret"})


@dataclass(frozen=True)
class Conflict:
    """A field that this release sets and another manager has changed."""

    field: str
    manager: str
    since: str

    def __str__(self) -> str:
        return f"{self.field} is set by {self.manager}" + (f" since {self.since}" if self.since else "")


def identity(item: Mapping[str, Any]) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def checked(documents: Iterable[Any], where: str) -> list[Object]:
    """Return the objects of a rendered file. Raises Failed MANIFEST_INVALID for an invalid document."""
    objects = []
    for item in documents:
        if not item:
            continue
        found = item if isinstance(item, dict) else {}
        metadata = found.get("metadata") if isinstance(found.get("metadata"), dict) else {}
        required = {
            "apiVersion": found.get("apiVersion"),
            "kind": found.get("kind"),
            "metadata.name": metadata.get("name"),
        }
        missing = [key for key, value in required.items() if not isinstance(value, str) or not value]
        if missing:
            message = f"{where} has a document without {', '.join(missing)}: {str(item)[:200]}"
            hint = "add it; a name that the server generates (`generateName`) cannot be applied twice"
            raise fail("MANIFEST_INVALID", message, hint=hint)
        objects.append(found)
    return objects


def ordered(objects: Iterable[Object]) -> list[Object]:
    known = {kind: place for place, kind in enumerate(ORDER)}
    return sorted(objects, key=lambda item: (known.get(item["kind"], len(known)), item["metadata"]["name"]))


def normalised(item: Mapping[str, Any]) -> Object:
    """Return the object without server-managed fields."""
    copy = deepcopy({key: value for key, value in item.items() if key != "status"})
    copy["metadata"] = {key: value for key, value in copy.get("metadata", {}).items() if key not in SERVER_FIELDS}
    copy["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    if not copy["metadata"].get("annotations", True):
        del copy["metadata"]["annotations"]
    if copy["kind"] == "Job":
        _forget_generated(copy)
    return copy


def _forget_generated(job: Object) -> None:
    """Remove the selector that the server generates, a different one in each dry run, and its labels on the pods."""
    if not job["spec"].get("manualSelector"):
        job["spec"].pop("selector", None)
    labels = job["spec"].get("template", {}).get("metadata", {}).get("labels") or {}
    for label in JOB_LABELS:
        labels.pop(label, None)
        labels.pop(f"batch.kubernetes.io/{label}", None)


def differs(live: Mapping[str, Any], planned: Mapping[str, Any]) -> bool:
    return normalised(live) != normalised(planned)


def diff(live: Mapping[str, Any] | None, planned: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return unified diff lines; values of a Secret only as `<changed>` and `<same>`."""
    before, after = (normalised(item) if item else {} for item in (live, planned))
    if "Secret" in (before.get("kind"), after.get("kind")):
        before, after = masked(before, after), masked(after, before, new=True)
    lines = difflib.unified_diff(_yaml(before), _yaml(after), "live", "planned", n=2, lineterm="")
    return tuple(lines)[2:]


def masked(item: Object, other: Object, *, new: bool = False) -> Object:
    """Return the Secret with each value replaced by changed or same, compared in memory."""
    copy = deepcopy(item)
    for block in ("data", "stringData"):
        for key, value in copy.get(block, {}).items():
            same = other.get(block, {}).get(key) == value
            copy[block][key] = "<same>" if same else ("<changed>" if new else "<hidden>")
    return copy


def image_of(deployment: Mapping[str, Any] | None) -> str:
    """Return the image of the service's own container, even after other containers; empty without one."""
    containers = (deployment or {}).get("spec", {}).get("template", {}).get("spec", {}).get("containers") or ()
    return next((str(entry.get("image", "")) for entry in containers if entry["name"] == "app"), "")


def content_hash(content: Mapping[str, Any]) -> str:
    """Return ten hex digits that identify a content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def conflicts(error: Mapping[str, Any], live: Mapping[str, Any] | None) -> tuple[Conflict, ...]:
    """Return the fields in a 409 of server-side apply, with their manager and, if known, the time."""
    found = []
    for cause in (error.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "FieldManagerConflict":
            manager = _manager_in(cause.get("message", ""))
            found.append(Conflict(cause.get("field", "?"), manager, _since(live, manager)))
    return tuple(found)


def owner_of(item: Mapping[str, Any], path: tuple[str, ...]) -> set[str]:
    """Return the field managers that own the field at `path`, for example ("spec", "replicas")."""
    owners = set()
    for entry in item.get("metadata", {}).get("managedFields", ()):
        inside: Any = entry.get("fieldsV1", {})
        for part in path:
            inside = inside.get(f"f:{part}") if isinstance(inside, Mapping) else None
        if inside is not None:
            owners.add(entry.get("manager", ""))
    return owners


def _manager_in(message: str) -> str:
    # conflict with "kubectl-set" using apps/v1 at 2026-01-02T03:04:05Z
    parts = message.split('"')
    return parts[1] if len(parts) > 2 else message


def _since(live: Mapping[str, Any] | None, manager: str) -> str:
    entries = (live or {}).get("metadata", {}).get("managedFields", ())
    times = [entry.get("time", "") for entry in entries if entry.get("manager") == manager]
    return max(times, default="")


def _yaml(item: Object) -> list[str]:
    import yaml

    return yaml.safe_dump(item, default_flow_style=False, sort_keys=True, width=200).splitlines() if item else []
