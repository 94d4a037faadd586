"""References of a release to secrets of a Key Vault. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.places.containerapps.group import SYSTEM

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.records import Kept

VERSION_LENGTH = 12
LATEST = "latest"


def by_variable(env: ContainerAppsEnvironment) -> dict[str, str]:
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
    for variable, reference in by_variable(env).items():
        vault, _, name = reference.partition("@")[0].partition("/")
        version = version_of(reference, versions.get(variable, ""))
        url = f"https://{vault}.vault.azure.net/secrets/{name}" + ("" if version == LATEST else f"/{version}")
        made.append({"name": secret_name(variable, version), "keyVaultUrl": url, "identity": env.identity or SYSTEM})
    return made


def with_versions(kept: Kept, env: ContainerAppsEnvironment, versions: Mapping[str, str]) -> Kept:
    """Return the release with these versions of its secrets, by variable."""
    made, wanted = copy.deepcopy(kept), by_variable(env)
    for item in made["template"]["containers"][0]["env"]:
        if "secretRef" in item and item["name"] in wanted:
            item["secretRef"] = secret_name(item["name"], version_of(wanted[item["name"]], versions[item["name"]]))
    return {**made, "secrets": secrets(env, versions)}
