"""References of a release to secrets: a version of each, so that a rollback gets the value of its time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure
from toolkit.deploy.places.ecs.definition import secrets_of
from toolkit.deploy.stores import reference

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.values import Definition

PARTS = 10  # of `valueFrom` with a version: the seven of an ARN, property, stage and version


@dataclass(frozen=True)
class References:
    """`values`: variable -> `valueFrom`. `mark`: a short name of the newest versions.

    `rotating`: variables whose secret AWS itself changes. They name no version: the old one stops working then, and
    every task that is started later would fail.
    """

    values: Mapping[str, str]
    mark: str = ""
    absent: tuple[str, ...] = ()
    rotating: tuple[str, ...] = ()


def read(calls: Calls, environment: EcsEnvironment) -> References:
    """Look the secrets up, without reading a value."""
    values, versions, absent, rotating = {}, {}, [], []
    for variable, text in sorted(keys_of(environment).items()):
        wanted = reference(text)
        found = calls.found("secretsmanager", "describe_secret", SecretId=wanted.key)
        if found is None or found.get("DeletedDate"):
            absent.append(f"{variable}: {wanted.key} does not exist in AWS Secrets Manager of {environment.region}")
            continue
        version = current(found.get("VersionIdsToStages") or {})
        versions[variable] = version
        if found.get("RotationEnabled"):
            rotating.append(variable)
            version = ""
        values[variable] = value_from(str(found["ARN"]), wanted.property, version)
    return References(values, mark_of(versions), tuple(absent), tuple(rotating))


def keys_of(environment: EcsEnvironment) -> Mapping[str, str]:
    """Return the secrets of the inventory: variable -> NAME or NAME#PROPERTY."""
    keys = environment.secret.keys
    return keys if isinstance(keys, Mapping) else {}


def value_from(arn: str, name: str, version: str = "") -> str:
    """Return the reference of a task definition: an ARN, with json-key:version-stage:version-id. Pure."""
    return f"{arn}:{name}::{version}" if name or version else arn


def named(environment: EcsEnvironment, text: str) -> str:
    """Return the reference to a secret that was not looked up: an ARN without its random suffix. Pure."""
    wanted = reference(text)
    prefix = f"arn:aws:secretsmanager:{environment.region}:{environment.account}:secret:"
    return value_from(wanted.key if wanted.key.startswith("arn:") else prefix + wanted.key, wanted.property)


def current(stages: Mapping[str, Sequence[str]]) -> str:
    return next((version for version, named in stages.items() if "AWSCURRENT" in named), "")


def mark_of(versions: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(sorted(versions.items()))).encode()).hexdigest()[:16]


def missing(found: References) -> Failure | None:
    if not found.absent:
        return None
    hint = "create them there, or correct `secret.keys` in deploy/inventory.yaml"
    return Failure("SECRET_NOT_FOUND", "secrets are missing", found.absent, hint)


def version_of(reference: str) -> tuple[str, str]:
    """Return the ARN and the version of a `valueFrom`; an empty version for the newest one. Pure."""
    parts = reference.split(":")
    return ":".join(parts[:7]), parts[-1] if len(parts) == PARTS else ""


def gone(calls: Calls, definitions: Sequence[Definition]) -> Failure | None:
    """Check that the versions of a record exist: Secrets Manager deletes old ones when there are a hundred."""
    wanted = {(name, *version_of(text)) for each in definitions for name, text in secrets_of(each).items()}
    lines = []
    for name, arn, version in sorted(wanted):
        if version and version not in _versions(calls, arn):
            lines.append(f"{name}: version {version} of {arn} no longer exists")
    if not lines:
        return None
    hint = "deploy the same image again (`-e image=sha256:...`), which refers to the newest values"
    return Failure("SECRET_VERSION_GONE", "secrets of that release are missing", tuple(lines), hint)


def _versions(calls: Calls, arn: str) -> set[str]:
    """Return every version of a secret, also those without a label."""
    found: set[str] = set()
    token: dict[str, object] = {}
    while True:
        answer = calls.found("secretsmanager", "list_secret_version_ids", SecretId=arn, IncludeDeprecated=True, **token)
        found |= {str(item.get("VersionId", "")) for item in (answer or {}).get("Versions", ())}
        if not answer or not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def gone_or_note(calls: Calls, definitions: Sequence[Definition]) -> tuple[Failure | None, str]:
    """Return the failure of `gone`, or a note if these credentials may not look."""
    try:
        return gone(calls, definitions), ""
    except Failed as error:
        if error.failure.code != "ACCESS_DENIED":
            raise
        return None, f"versions of secrets not checked: {error.failure.hint}"
