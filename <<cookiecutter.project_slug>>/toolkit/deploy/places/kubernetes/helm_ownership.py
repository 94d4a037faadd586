"""Helm's version, and its ownership of objects: conflicts that would stop it half-way are refused before."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.objects import Object, identity

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.apply import Look

# Older versions lack server-side apply, --force-conflicts and --take-ownership; without them a rollback fails.
REQUIRED = (4, 0)
OWNER = {"app.kubernetes.io/managed-by": "Helm"}
RELEASE, RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


def require() -> str:
    """Return the version of the `helm` on PATH. Raises Failed HELM_VERSION for one that cannot roll back a release."""
    done = process.run(["helm", "version", "--template", "{{.Version}}"], seconds=30)
    found = parse_version(done.out)
    if found is None or found < REQUIRED:
        version = done.out.strip() or "of an unknown version"
        raise fail(
            "HELM_VERSION",
            f"helm {version} is on PATH; Helm {REQUIRED[0]}.{REQUIRED[1]} or newer is required",
            shutil.which("helm") or "",
            hint="install Helm 4 (https://helm.sh/docs/intro/install), and check that `helm version` prints it",
        )
    return done.out.strip()


def parse_version(text: str) -> tuple[int, int] | None:
    """Parse major and minor version from the output of `helm version`. Pure."""
    found = re.match(r"v?(\d+)\.(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else None


def require_ownership(looks: Sequence[Look], release: str, *, correct_drift: bool) -> None:
    """Check ownership. Raises Failed NOT_HELMS for objects without a Helm release or of another one.

    `release` is NAMESPACE/NAME. With --correct-drift, those without a release are adopted. Pure.
    """
    owners = {identity(look.wanted): owner_of_release(look.live) for look in looks if look.live is not None}
    foreign = {name: owner for name, owner in owners.items() if owner not in ("", release)}
    unowned = [] if correct_drift else [name for name, owner in owners.items() if not owner]
    if not foreign and not unowned:
        return
    hint = "pass --correct-drift to adopt them" if not foreign else "uninstall that release, or use another namespace"
    raise fail(
        "NOT_HELMS",
        f"objects exist that do not belong to the Helm release {release}",
        *(f"{name} belongs to the Helm release {owner}" for name, owner in foreign.items()),
        *(f"{name} belongs to no Helm release" for name in unowned),
        hint=hint,
    )


def owner_of_release(live: Object) -> str:
    """Return NAMESPACE/NAME of an object's Helm release; empty for none. Pure."""
    metadata = live["metadata"]
    notes = metadata.get("annotations") or {}
    if (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") != "Helm" or RELEASE not in notes:
        return ""
    return f"{notes.get(RELEASE_NAMESPACE, '')}/{notes[RELEASE]}"


def as_owned(item: Object, name: str, namespace: str) -> Object:
    """Return the object with Helm's own additions. Pure."""
    copy = deepcopy(item)
    metadata = copy["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), **OWNER}
    owner = {RELEASE: name, RELEASE_NAMESPACE: namespace}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **owner}
    return copy
