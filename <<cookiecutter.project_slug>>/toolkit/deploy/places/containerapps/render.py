"""A release in the form of Microsoft.App: the app, its template, and its revision. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.containerapps_keys import TEMPLATE
from toolkit.deploy.places.containerapps.group import SERVICE_TAG, environment_id, identity, registries
from toolkit.deploy.places.containerapps.references import by_variable, secret_name, secrets, version_of
from toolkit.deploy.places.traffic.names import content_hash, is_attempt
from toolkit.deploy.places.traffic.targets import Traffic

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec

CONTAINER = "app"
DIGEST_LENGTH, HASH_LENGTH = 7, 8
STARTUP_PERIOD, LIVE_PERIOD, LIVE_THRESHOLD, READY_PERIOD, READY_THRESHOLD = 1, 5, 3, 2, 2
LONGEST_START = 240  # Azure's limits: a threshold of 10 for the kinds below, 240 for the start


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
                for name, key in by_variable(env).items()
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
    return is_attempt(name, revision_name(app_name, kept))


def shares(traffic: Traffic) -> list[Object]:
    """Return the traffic in the form of the API: all of it, always."""
    return [
        {"revisionName": target.revision, "weight": target.percent, **({"label": target.tag} if target.tag else {})}
        for target in traffic
    ]
