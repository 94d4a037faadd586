"""A release in the form of Microsoft.ContainerInstance: the container group, and groups that run once. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.places.traffic.names import content_hash

if TYPE_CHECKING:
    from toolkit.deploy.inventory.instances import InstancesEnvironment
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec

CONTAINER = "app"
SERVICE_TAG, RELEASE_TAG, SECRETS_TAG = "deploy-service", "deploy-release", "deploy-secrets"
MARK_LENGTH = 16
READY_PERIOD, LIVE_PERIOD, LIVE_THRESHOLD, START_SECONDS = 2, 5, 3, 60


def web(spec: ReleaseSpec, env: InstancesEnvironment) -> Kept:
    """Return what the record keeps of the group: the names of secret variables and a hash, and no value."""
    if spec.again:
        return dict(spec.again.objects[0])
    group = _group(env, [_serving(spec, env)], "Always")
    return {
        "kind": "ContainerGroup",
        "digest": spec.digest,
        "variables": sorted(spec.secrets),
        "secrets": mark_of(spec.secrets),
        "group": {**group, "properties": {**group["properties"], "ipAddress": _address(env)}},
    }


def mark_of(secrets: Mapping[str, str]) -> str:
    return content_hash(dict(secrets))[:MARK_LENGTH]


def release_of(kept: Kept) -> str:
    """Return the name of a release's content, which the live group has as a tag."""
    return content_hash({key: kept[key] for key in ("group", "secrets")})[:MARK_LENGTH]


def body(kept: Kept, env: InstancesEnvironment, secrets: Mapping[str, str]) -> Object:
    """Return the group with the values of its secret variables, which Azure does not show to anyone."""
    made: Object = copy.deepcopy(kept["group"])
    for container in made["properties"]["containers"]:
        container["properties"]["environmentVariables"] += _secret(kept, secrets)
    tags = {SERVICE_TAG: env.container_group, RELEASE_TAG: release_of(kept), SECRETS_TAG: kept["secrets"]}
    return {**made, "tags": tags}


def _secret(kept: Kept, secrets: Mapping[str, str]) -> list[Object]:
    return [{"name": name, "secureValue": secrets[name]} for name in kept["variables"]]


def one_off(kept: Kept, env: InstancesEnvironment, command: Sequence[str], secrets: Mapping[str, str]) -> Object:
    """Return a group that runs a command once, with the release's image and variables."""
    (released,) = kept["group"]["properties"]["containers"]
    names = ("image", "environmentVariables", "resources")
    plain = {key: copy.deepcopy(released["properties"][key]) for key in names}
    plain["environmentVariables"] += _secret(kept, secrets)
    made = _group(env, [{"name": CONTAINER, "properties": {**plain, "command": list(command)}}], "Never")
    return {**made, "tags": {SERVICE_TAG: env.container_group}}


def one_off_name(env: InstancesEnvironment, kind: str) -> str:
    return fitted(env.container_group, f"-{kind}")


def group_path(env: InstancesEnvironment) -> str:
    group = f"/subscriptions/{env.subscription}/resourceGroups/{env.resource_group}"
    return f"{group}/providers/Microsoft.ContainerInstance/containerGroups"


def _group(env: InstancesEnvironment, containers: list[Object], restarts: str) -> Object:
    host = env.repository.partition("/")[0]
    login = [{"server": host, "identity": env.identity}] if env.identity and host.endswith(".azurecr.io") else []
    return {
        "location": env.location,
        **(
            {"identity": {"type": "UserAssigned", "userAssignedIdentities": {env.identity: {}}}} if env.identity else {}
        ),
        "properties": {
            **env.properties,
            "osType": "Linux",
            "restartPolicy": restarts,
            "containers": containers,
            **({"imageRegistryCredentials": login} if login else {}),
            **({"subnetIds": [{"id": env.subnet}]} if env.subnet else {}),
        },
    }


def _address(env: InstancesEnvironment) -> Object:
    ports = [{"port": env.port, "protocol": "TCP"}]
    if env.subnet:
        return {"type": "Private", "ports": ports}
    return {"type": "Public", "ports": ports, "dnsNameLabel": env.dns_label or env.container_group}


def _serving(spec: ReleaseSpec, env: InstancesEnvironment) -> Object:
    given = {**spec.config(), "IMAGE_DIGEST": spec.digest}
    live = {"periodSeconds": LIVE_PERIOD, "failureThreshold": LIVE_THRESHOLD, "initialDelaySeconds": START_SECONDS}
    return {
        "name": CONTAINER,
        "properties": {
            "image": spec.image,
            "environmentVariables": [{"name": name, "value": value} for name, value in sorted(given.items())],
            "ports": [{"port": env.port, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": env.cpu, "memoryInGB": env.memory_gb}},
            "readinessProbe": {**_asked("/ready", env.port), "periodSeconds": READY_PERIOD},
            "livenessProbe": {**_asked("/health", env.port), **live},
        },
    }


def _asked(path: str, port: int) -> Object:
    return {"httpGet": {"path": path, "port": port, "scheme": "http"}, "timeoutSeconds": 1}
