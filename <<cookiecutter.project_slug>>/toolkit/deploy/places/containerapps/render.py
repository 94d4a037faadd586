"""A release in the form of Microsoft.App: the app's template, its references to secrets, and its Jobs. Pure."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.containerapps_keys import TEMPLATE
from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.places.traffic.targets import Traffic

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.containerapps.client import Object
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec

CONTAINER = "app"
SYSTEM = "system"  # the app's own identity
SERVICE_TAG = "deploy-service"
JOB_LIMIT = 32
DIGEST_LENGTH, HASH_LENGTH, VERSION_LENGTH = 7, 8, 12
STARTUP_PERIOD, LIVE_PERIOD, LIVE_THRESHOLD, READY_PERIOD, READY_THRESHOLD = 1, 5, 3, 2, 2
LONGEST_START = 240  # Azure's limits: a threshold of 10 for the kinds below, 240 for the start
LATEST = "latest"


def web(spec: ReleaseSpec, env: ContainerAppsEnvironment, versions: Mapping[str, str]) -> Kept:
    """Return what the record keeps of the app: references to secrets, and no value. `versions`: by variable."""
    if spec.again:
        return dict(spec.again.objects[0])
    return {
        "kind": "ContainerApp",
        "digest": spec.digest,
        "secrets": secrets(env, versions),
        "ingress": {"external": env.external, "targetPort": env.port, "transport": "auto", "allowInsecure": False},
        "template": {
            **env.template,
            "terminationGracePeriodSeconds": env.termination_grace,
            "containers": [_serving(spec, env, versions)],
            "scale": {
                "minReplicas": env.replicas,
                "maxReplicas": env.max_replicas,
                "rules": [{"name": "http", "http": {"metadata": {"concurrentRequests": str(env.concurrency)}}}],
            },
        },
    }


def _serving(spec: ReleaseSpec, env: ContainerAppsEnvironment, versions: Mapping[str, str]) -> Object:
    return {
        **container(spec, env, versions),
        "probes": [
            _probe("Startup", "/ready", env.port, STARTUP_PERIOD, LONGEST_START // STARTUP_PERIOD),
            _probe("Readiness", "/ready", env.port, READY_PERIOD, READY_THRESHOLD),
            _probe("Liveness", "/health", env.port, LIVE_PERIOD, LIVE_THRESHOLD),
        ],
    }


def container(spec: ReleaseSpec, env: ContainerAppsEnvironment, versions: Mapping[str, str]) -> Object:
    given = {**spec.config(), "IMAGE_DIGEST": spec.digest, "FORWARDED_ALLOW_IPS": "*"}
    return {
        "name": CONTAINER,
        "image": spec.image,
        "env": [
            *({"name": name, "value": value} for name, value in sorted(given.items())),
            *(
                {"name": name, "secretRef": secret_name(name, version_of(key, versions.get(name, "")))}
                for name, key in references(env).items()
            ),
        ],
        "resources": {"cpu": env.cpu, "memory": env.memory},
    }


def _probe(kind: str, path: str, port: int, period: int, threshold: int) -> Object:
    return {
        "type": kind,
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": 1,
        "failureThreshold": threshold,
    }


# secrets


def references(env: ContainerAppsEnvironment) -> dict[str, str]:
    """Return the reference of each secret variable: VAULT/NAME or VAULT/NAME@VERSION."""
    keys = env.secret.keys
    return dict(sorted(keys.items())) if isinstance(keys, Mapping) else {}


def version_of(reference: str, newest: str) -> str:
    return reference.partition("@")[2] or newest or LATEST


def secret_name(variable: str, version: str) -> str:
    """Return the app's name of a secret. All revisions share one list of them, so the version is part of it."""
    return f"{variable.lower().replace('_', '-')}-{version[:VERSION_LENGTH]}"


def secrets(env: ContainerAppsEnvironment, versions: Mapping[str, str]) -> list[Object]:
    """Return the references of the app to its Key Vault."""
    made = []
    for variable, reference in references(env).items():
        vault, _, name = reference.partition("@")[0].partition("/")
        version = version_of(reference, versions.get(variable, ""))
        url = f"https://{vault}.vault.azure.net/secrets/{name}" + ("" if version == LATEST else f"/{version}")
        made.append({"name": secret_name(variable, version), "keyVaultUrl": url, "identity": env.identity or SYSTEM})
    return made


# the app


def identity(env: ContainerAppsEnvironment) -> Object:
    names = sorted({name for name in (env.identity, env.registry_identity) if name})
    own = "SystemAssigned" if env.identity is None else ""
    kind = ",".join(filter(None, (own, "UserAssigned" if names else "")))
    return {"type": kind, **({"userAssignedIdentities": {name: {} for name in names}} if names else {})}


def registries(env: ContainerAppsEnvironment) -> list[Object]:
    """Return the log-in at the image's registry; none for one without a host of its own, which is public."""
    host = env.repository.partition("/")[0]
    if not host.endswith(".azurecr.io"):
        return []
    return [{"server": host, "identity": env.registry_identity or env.identity or SYSTEM}]


def app(
    kept: Kept,
    env: ContainerAppsEnvironment,
    suffix: str,
    traffic: list[Object],
    known: Sequence[Object],
    logins: Sequence[Object] = (),
    template: Mapping[str, object] | None = None,
) -> Object:
    """Return the part of the app that a release sets.

    `known`: the app's secrets so far, which other revisions use. `logins`: its registries so far. `template`: its
    template so far: a write merges both, so that a key which the release does not have must be removed.
    """
    names = {item["name"] for item in kept["secrets"]}
    others = [dict(item) for item in known if item["name"] not in names]
    own = registries(env)
    servers = {item["server"] for item in own}
    removed: Object = {key: None for key, value in (template or {}).items() if value and key in TEMPLATE}
    found = [*(dict(item) for item in logins if item["server"] not in servers), *own]
    return {
        "tags": {SERVICE_TAG: env.app},
        "properties": {
            "configuration": {
                "activeRevisionsMode": "Multiple",
                "secrets": [*others, *kept["secrets"]],
                **({"registries": found} if found else {}),
                "ingress": {**kept["ingress"], "traffic": traffic},
            },
            "template": {**removed, **kept["template"], "revisionSuffix": suffix},
        },
    }


def new_app(body: Object, env: ContainerAppsEnvironment, location: str) -> Object:
    properties = {"environmentId": environment_id(env), **body["properties"]}
    return {**body, "location": location, "identity": identity(env), "properties": properties}


def group(env: ContainerAppsEnvironment) -> str:
    return f"/subscriptions/{env.subscription}/resourceGroups/{env.resource_group}/providers/Microsoft.App"


def environment_id(env: ContainerAppsEnvironment) -> str:
    return f"{group(env)}/managedEnvironments/{env.environment}"


def content_hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def revision_name(app_name: str, kept: Kept, attempt: int = 1) -> str:
    """Return the name of the release's revision: the digest and a hash of the configuration.

    A suffix starts with a letter. `attempt`: one that Azure could not provision keeps its name and its verdict.
    """
    digest = str(kept["digest"]).removeprefix("sha256:")
    more = f"-{attempt}" if attempt > 1 else ""
    return f"{app_name}--r{digest[:DIGEST_LENGTH]}-{content_hash(kept['template'])[:HASH_LENGTH]}{more}"


def suffix_of(revision: str) -> str:
    return revision.partition("--")[2]


def is_revision_of(name: str, app_name: str, kept: Kept) -> bool:
    """Return True for a revision of the release, of any attempt."""
    first = revision_name(app_name, kept)
    return name == first or (name.startswith(f"{first}-") and name.removeprefix(f"{first}-").isdecimal())


def with_versions(kept: Kept, env: ContainerAppsEnvironment, versions: Mapping[str, str]) -> Kept:
    """Return the release with these versions of its secrets, by variable."""
    made, wanted = copy.deepcopy(kept), references(env)
    for item in made["template"]["containers"][0]["env"]:
        if "secretRef" in item and item["name"] in wanted:
            item["secretRef"] = secret_name(item["name"], version_of(wanted[item["name"]], versions[item["name"]]))
    return {**made, "secrets": secrets(env, versions)}


# Jobs


def job_name(app_name: str, kind: str) -> str:
    return fitted(app_name, f"-{kind}", limit=JOB_LIMIT)


def job(
    made: Object, env: ContainerAppsEnvironment, references: Sequence[Object], location: str, seconds: int
) -> Object:
    """Return a Job that runs a container once, when it is started, without a retry."""
    found = registries(env)
    return {
        "location": location,
        "tags": {SERVICE_TAG: env.app},
        "identity": identity(env),
        "properties": {
            "environmentId": environment_id(env),
            "configuration": {
                "triggerType": "Manual",
                "replicaTimeout": seconds,
                "replicaRetryLimit": 0,
                "manualTriggerConfig": {"parallelism": 1, "replicaCompletionCount": 1},
                "secrets": [dict(item) for item in references],
                **({"registries": found} if found else {}),
            },
            "template": {"containers": [made]},
        },
    }


def one_off(kept: Kept, command: Sequence[str]) -> Object:
    """Return the released container with another command."""
    released = kept["template"]["containers"][0]
    names = ("name", "image", "env", "resources")
    return {**{key: released[key] for key in names if key in released}, "command": list(command)}


def shares(traffic: Traffic) -> list[Object]:
    """Return the traffic in the form of the API: all of it, always."""
    return [
        {"revisionName": target.revision, "weight": target.percent, **({"label": target.tag} if target.tag else {})}
        for target in traffic
    ]
