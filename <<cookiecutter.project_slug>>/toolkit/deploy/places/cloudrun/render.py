"""A release in the form of the Admin API: the service's template, and its Jobs. Pure."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy import stores
from toolkit.deploy.inventory.names import LIMIT, fitted
from toolkit.deploy.places.traffic.names import content_hash, is_attempt

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.inventory.processes import Process
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec

SERVING, RUN = "serving.knative.dev/v1", "run.googleapis.com/v1"
CONTAINER = "app"
MIN, MAX = "autoscaling.knative.dev/minScale", "autoscaling.knative.dev/maxScale"
INGRESS, NO_IAM = "run.googleapis.com/ingress", "run.googleapis.com/invoker-iam-disabled"
OWN_ANNOTATIONS = (INGRESS, NO_IAM)
SERVICE_LABEL = "deploy-service"
# Set by Cloud Run itself, which refuses them in a template.
RESERVED = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
DIGEST_LENGTH, HASH_LENGTH = 7, 8
STARTUP_PERIOD, LIVE_PERIOD, LIVE_THRESHOLD = 1, 5, 3
LONGEST_START = 240  # Cloud Run's limit for period x threshold


def web(spec: ReleaseSpec, env: CloudRunEnvironment, versions: Mapping[str, str]) -> Kept:
    """Return what the record keeps of the service: references to secrets, and no value. `versions`: by variable."""
    if spec.again:
        return dict(spec.again.objects[0])
    return {
        "kind": "Service",
        "digest": spec.digest,
        "annotations": {INGRESS: env.ingress_settings, **({NO_IAM: "true"} if env.public else {})},
        "template": {
            "metadata": {
                "labels": {SERVICE_LABEL: spec.service},
                "annotations": {**env.annotations, MIN: str(env.replicas), MAX: str(env.max_instances)},
            },
            "spec": {
                "containerConcurrency": env.concurrency,
                "timeoutSeconds": env.request_seconds,
                **_account(env),
                "containers": [_serving(spec, env, versions)],
            },
        },
    }


def _serving(spec: ReleaseSpec, env: CloudRunEnvironment, versions: Mapping[str, str]) -> Object:
    return {
        **_container(spec, env, versions),
        "ports": [{"containerPort": env.port}],
        # /ready, so that an instance that scaling adds gets no request before it can answer.
        "startupProbe": _probe("/ready", env.port, STARTUP_PERIOD, LONGEST_START // STARTUP_PERIOD),
        "livenessProbe": _probe("/health", env.port, LIVE_PERIOD, LIVE_THRESHOLD),
    }


def _container(spec: ReleaseSpec, env: CloudRunEnvironment, versions: Mapping[str, str]) -> Object:
    given = {**spec.config(), "IMAGE_DIGEST": spec.digest, "FORWARDED_ALLOW_IPS": "*"}
    resources = env.resources
    limits = {"memory": resources.memory_limit, **({"cpu": resources.cpu_limit} if resources.cpu_limit else {})}
    return {
        "name": CONTAINER,
        "image": spec.image,
        "env": [
            *({"name": name, "value": value} for name, value in sorted(given.items()) if name not in RESERVED),
            *(secret_variable(name, key, versions.get(name, "latest")) for name, key in references(env).items()),
        ],
        "resources": {"limits": limits},
    }


def references(env: CloudRunEnvironment) -> dict[str, str]:
    """Return the reference of each secret variable: PROJECT/NAME, or NAME for the environment's own project."""
    keys = env.secret.keys
    return dict(sorted(keys.items())) if isinstance(keys, Mapping) else {}


def secret_of(reference: str, project: str) -> tuple[str, str, str]:
    """Return project, name and version of a reference such as PROJECT/NAME@3; an empty version means the newest."""
    path, _, version = stores.reference(reference).key.partition("@")
    owner, _, name = path.rpartition("/")
    return owner or project, name, version


def secret_variable(variable: str, reference: str, version: str) -> Object:
    _, _, path = reference.partition("/")
    name = (path or reference).partition("@")[0]
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": version}}}


def with_versions(web: Kept, versions: Mapping[str, str]) -> Kept:
    """Return the release with these versions of its secrets, by variable."""
    made = copy.deepcopy(web)
    for item in made["template"]["spec"]["containers"][0]["env"]:
        if "valueFrom" in item and item["name"] in versions:
            item["valueFrom"]["secretKeyRef"]["key"] = versions[item["name"]]
    return made


def _account(env: CloudRunEnvironment) -> Object:
    return {"serviceAccountName": env.service_account} if env.service_account else {}


def _probe(path: str, port: int, period: int, threshold: int) -> Object:
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": 1,
        "failureThreshold": threshold,
    }


def hash_of(kept: Kept) -> str:
    return content_hash(kept["template"])


def revision_name(service: str, kept: Kept, attempt: int = 1) -> str:
    """Return the name of the release's revision: the digest and a hash of the configuration.

    `attempt`: a revision that has failed keeps its name and its verdict, so the same release needs another one.
    """
    digest = str(kept["digest"]).removeprefix("sha256:")
    full = f"-{digest[:DIGEST_LENGTH]}-{hash_of(kept)[:HASH_LENGTH]}"
    more = f"-{attempt}" if attempt > 1 else ""
    if len(service) + len(full) + len(more) <= LIMIT:
        return service + full + more
    both = hashlib.sha256((digest + hash_of(kept)).encode()).hexdigest()
    return f"{service}-{both[: LIMIT - len(service) - 1 - len(more)]}{more}"


def is_revision_of(name: str, service: str, kept: Kept) -> bool:
    """Return True for a revision of the release, of any attempt."""
    return is_attempt(name, revision_name(service, kept))


def job(
    spec: ReleaseSpec,
    env: CloudRunEnvironment,
    versions: Mapping[str, str],
    arguments: Sequence[str],
    seconds: int,
    command: Sequence[str] = (),
) -> Object:
    """Return the spec of a Job that runs once in the release's image, without a retry."""
    container = {**_container(spec, env, versions), **({"command": list(command)} if command else {})}
    return job_of(container, env, arguments, seconds)


def job_of(container: Object, env: CloudRunEnvironment, arguments: Sequence[str], seconds: int) -> Object:
    task = {
        **_account(env),
        "containers": [{**container, **({"args": list(arguments)} if arguments else {})}],
        "maxRetries": 0,
        "timeoutSeconds": str(seconds),
    }
    annotations = {key: value for key, value in env.annotations.items() if key.startswith("run.googleapis.com/")}
    template = {"metadata": {"annotations": annotations}, "spec": {"taskCount": 1, "template": {"spec": task}}}
    return {"template": template}


def one_off(kept: Kept, env: CloudRunEnvironment, command: Sequence[str], seconds: int) -> Object:
    """Return the spec of a Job for a command, from the service's released container."""
    (container,) = kept["template"]["spec"]["containers"]
    names = ("name", "image", "env", "resources")
    plain = {key: container[key] for key in names if key in container}
    return job_of({**plain, "command": list(command)}, env, (), seconds)


def process_job(kept: Kept, env: CloudRunEnvironment, process: Process) -> Object:
    """Return the spec of the Job of a scheduled command."""
    command, *arguments = process.command
    made = one_off(kept, env, [command], process.limit_seconds)
    container = made["template"]["spec"]["template"]["spec"]["containers"][0]
    container["args"] = list(arguments)
    if process.resources:
        limits = {"memory": process.resources.memory_limit, "cpu": process.resources.cpu_limit}
        container["resources"] = {"limits": {key: value for key, value in limits.items() if value}}
    return made


def job_name(service: str, kind: str) -> str:
    return fitted(service, f"-{kind}")
