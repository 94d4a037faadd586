"""The task definition of a release, rendered from the inventory, and compared with a live one. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.ecs import limited

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.places.ecs.values import Definition
    from toolkit.deploy.spec import ReleaseSpec

APP = "app"  # name of the container
SECRETS = "deploy.secrets"  # label with the versions of the secrets at the release
ARCHITECTURES = {"amd64": "X86_64", "arm64": "ARM64"}
# What RegisterTaskDefinition takes of what DescribeTaskDefinition returns; the rest is the server's.
KEYS = (
    "containerDefinitions",
    "cpu",
    "ephemeralStorage",
    "executionRoleArn",
    "family",
    "ipcMode",
    "memory",
    "networkMode",
    "pidMode",
    "placementConstraints",
    "proxyConfiguration",
    "requiresCompatibilities",
    "runtimePlatform",
    "taskRoleArn",
    "volumes",
)
# Values that ECS fills in.
DEFAULTS: Mapping[str, object] = {"essential": True, "protocol": "tcp", "versionConsistency": "enabled"}


def render(spec: ReleaseSpec, environment: EcsEnvironment, references: Mapping[str, str]) -> Definition:
    """Return the task definition of the service. `references`: secret variable -> `valueFrom`."""
    app = {
        **container(spec, environment, references, environment.family, environment.termination_grace),
        "portMappings": [{"containerPort": environment.port, "protocol": "tcp"}],
        "healthCheck": {
            "command": ["CMD", "/service/entrypoint.sh", "healthy"],
            "interval": 10,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 60,
        },
    }
    return task(spec, environment, environment.family, app)


def render_process(
    spec: ReleaseSpec, environment: EcsEnvironment, references: Mapping[str, str], name: str
) -> Definition:
    """Return the task definition of a worker or a scheduled command: the service's, without a port."""
    process, family = environment.processes[name], family_of(environment, name)
    command = limited.command(process.limit_seconds, process.command) if process.schedule else list(process.command)
    app = container(spec, environment, references, family, process.grace_seconds)
    return task(spec, environment, family, {**app, "command": command})


def family_of(environment: EcsEnvironment, process: str) -> str:
    return f"{environment.family}-{process}" if process else environment.family


def task(spec: ReleaseSpec, environment: EcsEnvironment, family: str, app: dict[str, Any]) -> Definition:
    role = {"taskRoleArn": environment.task_role} if environment.task_role else {}
    tags = {"deploy.service": spec.service, "deploy.environment": environment.name, "deploy.digest": spec.digest}
    return {
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": str(environment.cpu),
        "memory": str(environment.memory),
        "runtimePlatform": {
            "cpuArchitecture": ARCHITECTURES[environment.architecture],
            "operatingSystemFamily": "LINUX",
        },
        "executionRoleArn": environment.execution_role,
        **role,
        "containerDefinitions": [app],
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }


def container(
    spec: ReleaseSpec, environment: EcsEnvironment, references: Mapping[str, str], family: str, grace: int
) -> dict[str, Any]:
    variables = {**spec.config(), "IMAGE_DIGEST": spec.digest, "FORWARDED_ALLOW_IPS": "*"}
    return {
        "name": APP,
        "image": spec.image,
        "essential": True,
        "environment": [{"name": name, "value": value} for name, value in sorted(variables.items())],
        "secrets": [{"name": name, "valueFrom": value} for name, value in sorted(references.items())],
        "stopTimeout": grace,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "dockerLabels": {SECRETS: spec.mark},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": environment.log_group,
                "awslogs-region": environment.region,
                "awslogs-stream-prefix": family,
            },
        },
    }


def log_stream(family: str, task_id: str) -> str:
    """Return the name that the awslogs driver gives a task's stream."""
    return f"{family}/{APP}/{task_id}"


def mark_of(definition: Definition) -> str:
    """Return the mark of the secrets with which a task definition was rendered."""
    labels = app_of(definition).get("dockerLabels") or {}
    return str(labels.get(SECRETS, ""))


def digest_of(definition: Definition) -> str:
    """Return the digest of a task definition's image; empty for a placeholder by tag."""
    _, at, digest = str(app_of(definition).get("image", "")).partition("@")
    return digest if at else ""


def app_of(definition: Definition) -> dict[str, Any]:
    found = definition.get("containerDefinitions", ())
    return next((item for item in found if item.get("name") == APP), {})


def secrets_of(definition: Definition) -> dict[str, str]:
    """Return secret variable -> `valueFrom`."""
    return {str(item["name"]): str(item["valueFrom"]) for item in app_of(definition).get("secrets", ())}


def with_references(definition: Definition, references: Mapping[str, str], mark: str) -> Definition:
    """Return the definition with other references to its secrets."""
    containers = [
        {
            **item,
            "secrets": [
                {**each, "valueFrom": references.get(each["name"], each["valueFrom"])} for each in item["secrets"]
            ],
            "dockerLabels": {**item.get("dockerLabels", {}), SECRETS: mark},
        }
        if item.get("name") == APP and item.get("secrets")
        else item
        for item in definition["containerDefinitions"]
    ]
    return {**definition, "containerDefinitions": containers}


def normalised(definition: Definition) -> Definition:
    """Return what can be registered, without empty values and ECS' own defaults, lists with names in order."""
    chosen = {key: definition[key] for key in KEYS if key in definition}
    found: Definition = _reduced(chosen)
    return found


def _reduced(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _reduced(item) for key, item in value.items() if item != DEFAULTS.get(key)}
        kept = {key: item for key, item in kept.items() if item not in (None, "", 0, [], {}, False)}
        if "containerPort" in kept and kept.get("hostPort") == kept["containerPort"]:
            del kept["hostPort"]  # awsvpc: ECS sets it to the container's port
        return kept
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_reduced(item) for item in value]
        named = all(isinstance(item, Mapping) and "name" in item for item in items)
        return sorted(items, key=lambda item: str(item["name"])) if named else items
    return value


def same(one: Definition, other: Definition) -> bool:
    return normalised(one) == normalised(other)


def diff(before: Definition | None, wanted: Definition) -> tuple[str, ...]:
    """Return the changed lines; all of it without an earlier one. Secrets are references, so no value is shown."""
    old = json.dumps(normalised(before), indent=2, sort_keys=True).splitlines() if before else []
    new = json.dumps(normalised(wanted), indent=2, sort_keys=True).splitlines()
    lines = difflib.unified_diff(old, new, lineterm="", n=1)
    return tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))
