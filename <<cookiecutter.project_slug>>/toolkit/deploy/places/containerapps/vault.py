"""Versions of secrets in Azure Key Vault. No value is read: Container Apps does that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.azure.auth import VAULT
from toolkit.deploy.places.azure.errors import GONE
from toolkit.deploy.places.containerapps import references

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Client

VERSION = "7.4"
T = TypeVar("T")


class SecretVersions:
    """The versions that a release of now refers to."""

    def __init__(self, client: Client, env: ContainerAppsEnvironment) -> None:
        self.client, self.env = client, env

    @cached_property
    def by_variable(self) -> Mapping[str, str]:
        """Return the newest enabled version of each, or the one that is named.

        A release refers to a version, so that a rollback gets the secret of its time. Raises Failed SECRET_NOT_FOUND
        with every missing one, SECRET_DENIED.
        """
        found, missing = {}, []
        for variable, reference in references.by_variable(self.env).items():
            path, _, asked = reference.partition("@")
            enabled = self._enabled(path)
            if version := (asked if asked in enabled else "") if asked else next(iter(enabled), ""):
                found[variable] = version
            else:
                missing.append(f"{variable}: {path} has no enabled version {asked}".rstrip())
        if missing:
            hint = (
                "store it: `az keyvault secret set --vault-name VAULT --name NAME --file /dev/stdin`, or correct "
                "`secret.keys` in deploy/inventory.yaml"
            )
            raise fail("SECRET_NOT_FOUND", "secrets are missing in Azure Key Vault", *missing, hint=hint)
        return found

    def add_version(self, variable: str, value: str) -> str:
        """Store a value as the newest version. Returns its name. Raises Failed SECRET_UNKNOWN."""
        known = references.by_variable(self.env)
        if variable not in known:
            hint = f"add it to `secret.keys` in deploy/inventory.yaml; known: {', '.join(known)}"
            raise fail("SECRET_UNKNOWN", f"{variable} is not a secret of {self.env.name}", hint=hint)
        path = known[variable].partition("@")[0]
        self.client.changes.allow()
        body, url, what = {"value": value}, _url(path, ""), f"secret {path}"
        made = self._explained(path, lambda: self.client.send("PUT", url, what, body, scope=VAULT))
        if made.status_code == GONE:
            raise fail("SECRET_NOT_FOUND", f"the vault of {path} does not exist", hint="correct `secret.keys`")
        return str(made.json()["id"]).rpartition("/")[2]

    def _enabled(self, path: str) -> list[str]:
        """Return the enabled versions, the newest first."""
        found = self._explained(path, lambda: self.client.pages(_url(path, "/versions"), f"secret {path}", VAULT))
        usable = [item for item in found if (item.get("attributes") or {}).get("enabled", True)]
        usable.sort(key=lambda item: int(item["attributes"].get("created") or 0), reverse=True)
        return [str(item["id"]).rpartition("/")[2] for item in usable]

    def _explained(self, path: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Failed as error:
            if error.failure.code != "AZURE_DENIED":
                raise
            vault = path.partition("/")[0]
            hint = f"grant these credentials `Key Vault Reader` on {vault}; it does not include the value"
            raise fail("SECRET_DENIED", f"secret {path} cannot be reached", hint=hint) from None


def _url(path: str, below: str) -> str:
    vault, _, name = path.partition("/")
    return f"https://{vault}.vault.azure.net/secrets/{name}{below}?api-version={VERSION}"
