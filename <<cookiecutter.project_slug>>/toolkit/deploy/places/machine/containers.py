"""Containers of a release: their specification, which the record keeps, and the engine's arguments. Pure."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.quantities import quantity
from toolkit.deploy.places.machine.engine import COLOUR, DIGEST, HASH, PROJECT, ROLE, SLOT, SPEC

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec

WEB, MIGRATE, PROXY, ONE_OFF, PROCESS = "web", "migrate", "proxy", "one-off", "process"
COLOURS = ("blue", "green")


def secrets_text(secrets: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(secrets.items())))


def secrets_name(secrets: Mapping[str, str]) -> str:
    """Return the name of the file with these secrets: it carries their content."""
    return content_hash(secrets_text(secrets))


def content_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def web(spec: ReleaseSpec, environment: MachineEnvironment, made: Mapping[str, str] | None = None) -> Kept:
    """Return the specification of the service's containers, without secrets: those of the record for a rollback.

    `made`: secrets that the place itself makes.
    """
    if spec.again:
        return dict(spec.again.objects[0])
    resources = environment.resources
    return {
        "kind": WEB,
        "image": spec.image,
        "digest": spec.digest,
        "environment": {**spec.config(), "IMAGE_DIGEST": spec.digest, "FORWARDED_ALLOW_IPS": "*"},
        "secrets": secrets_name({**spec.secrets, **(made or {})}),
        "replicas": environment.replicas,
        "port": environment.port,
        "memory": resources.memory_limit,
        "cpu": resources.cpu_limit,
        "grace": environment.termination_grace,
    }


def hash_of(wanted: Kept) -> str:
    """Return the hash of one container: the number of them is not part of it."""
    return content_hash(json.dumps({key: value for key, value in wanted.items() if key != "replicas"}, sort_keys=True))


def name_of(project: str, colour: str, slot: int) -> str:
    return f"{project}-{colour}-{slot}"


def other(colour: str) -> str:
    return COLOURS[1 - COLOURS.index(colour)] if colour in COLOURS else COLOURS[0]


def edge(project: str) -> str:
    """Return the network on which the proxy reaches the instances that serve."""
    return f"{project}-edge"


def web_arguments(project: str, colour: str, slot: int, wanted: Kept, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the engine's arguments of an instance: it ends when it crashes, until it serves."""
    labels = {
        COLOUR: colour,
        SLOT: str(slot),
        HASH: hash_of(wanted),
        DIGEST: str(wanted["digest"]),
        SPEC: spec_text(wanted),
    }
    return {
        **common_arguments(project, WEB, wanted, secrets),
        "name": name_of(project, colour, slot),
        "labels": {PROJECT: project, ROLE: WEB, **labels},
        "stop_signal": "SIGTERM",
    }


def migration_arguments(project: str, wanted: Kept, secrets: Mapping[str, str]) -> dict[str, Any]:
    labels = {PROJECT: project, ROLE: MIGRATE, HASH: hash_of(wanted), DIGEST: str(wanted["digest"])}
    return {
        **common_arguments(project, MIGRATE, wanted, secrets),
        "name": f"{project}-migrate",
        "labels": labels,
        "command": ["migrate"],
    }


def one_off_arguments(
    project: str, name: str, wanted: Kept, secrets: Mapping[str, str], command: Sequence[str]
) -> dict[str, Any]:
    """Return the arguments of a command of its own. Its output may have secrets, so that the host keeps none of it."""
    given = common_arguments(project, ONE_OFF, wanted, secrets)
    return {
        **given,
        "name": name,
        "labels": {PROJECT: project, ROLE: ONE_OFF, DIGEST: str(wanted["digest"])},
        "entrypoint": list(command),
        "host": {**given["host"], "log_config": {"type": "none"}},
    }


def common_arguments(project: str, role: str, wanted: Kept, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of every container of the image. `role`: its name in the network."""
    cpu = wanted.get("cpu")
    return {
        "image": wanted["image"],
        "environment": {**wanted["environment"], **secrets},
        "networks": {project: [role]},
        # The image's own check would start a process every ten seconds; the proxy and the deploy ask over HTTP.
        "healthcheck": {"test": ["NONE"]},
        "host": {
            "mem_limit": int(quantity(str(wanted["memory"]))),
            "memswap_limit": int(quantity(str(wanted["memory"]))),
            **({"nano_cpus": int(quantity(str(cpu)) * 1e9)} if cpu else {}),
            "read_only": True,
            "tmpfs": {"/tmp": ""},  # noqa: S108 - inside the container
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "extra_hosts": {"host.docker.internal": "host-gateway"},
            "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "5"}},
        },
    }


def spec_text(wanted: Kept) -> str:
    return json.dumps(wanted, sort_keys=True)


def diff(before: str, wanted: Kept) -> tuple[str, ...]:
    """Return the changed lines of a specification; all of it without an earlier one."""
    old = json.dumps(json.loads(before), indent=2, sort_keys=True).splitlines() if before else []
    new = json.dumps(wanted, indent=2, sort_keys=True).splitlines()
    return tuple(
        line for line in difflib.unified_diff(old, new, lineterm="", n=1) if not line.startswith(("---", "+++", "@@"))
    )
