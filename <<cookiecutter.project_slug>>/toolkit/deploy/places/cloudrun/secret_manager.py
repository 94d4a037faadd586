"""Versions of secrets in Google Secret Manager. No value is read: Cloud Run does that."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.cloudrun import render
from toolkit.deploy.places.cloudrun.client import endpoint

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.places.cloudrun.client import Client


class SecretVersions:
    """The versions that a release of now refers to."""

    def __init__(self, client: Client, env: CloudRunEnvironment) -> None:
        self.client, self.env = client, env
        self._base = endpoint("secretmanager", "https://secretmanager.googleapis.com") + "/v1/projects"

    @cached_property
    def by_variable(self) -> Mapping[str, str]:
        """Return the newest enabled version of each, or the one that is named.

        A release refers to a version, so that a rollback gets the secret of its time. Raises Failed SECRET_NOT_FOUND
        with every missing one, SECRET_DENIED.
        """
        found, missing = {}, []
        for variable, reference in render.references(self.env).items():
            project, name, version = render.secret_of(reference, self.env.project)
            number = self._number(project, name, version or "latest")
            if number:
                found[variable] = number
            else:
                missing.append(f"{variable}: {project}/{name} has no enabled version {version}".rstrip())
        if missing:
            hint = (
                'create it: `printf %s "$VALUE" | gcloud secrets create NAME --data-file=-`, or correct '
                "`secret.keys` in deploy/inventory.yaml"
            )
            raise fail("SECRET_NOT_FOUND", "secrets are missing in Google Secret Manager", *missing, hint=hint)
        return found

    def add_version(self, variable: str, value: str) -> str:
        """Store a value as the newest version. Returns its number. Raises Failed SECRET_UNKNOWN."""
        references = render.references(self.env)
        if variable not in references:
            hint = f"add it to `secret.keys` in deploy/inventory.yaml; known: {', '.join(references)}"
            raise fail("SECRET_UNKNOWN", f"{variable} is not a secret of {self.env.name}", hint=hint)
        project, name, _ = render.secret_of(references[variable], self.env.project)
        body = {"payload": {"data": base64.b64encode(value.encode()).decode()}}
        url = f"{self._base}/{project}/secrets/{name}:addVersion"
        made = self.client.write("POST", url, f"secret {name}", body) or {}
        return str(made.get("name", "")).rpartition("/")[2]

    def _number(self, project: str, name: str, version: str) -> str:
        """Return the version's number; empty if it does not exist, or is disabled."""
        try:
            found = self.client.get(f"{self._base}/{project}/secrets/{name}/versions/{version}", f"secret {name}")
        except Failed as error:
            if error.failure.code != "GOOGLE_DENIED":
                raise
            hint = f"grant these credentials roles/secretmanager.viewer on {name}; it does not include the value"
            raise fail("SECRET_DENIED", f"the versions of secret {name} cannot be read", hint=hint) from None
        if not found or found.get("state", "ENABLED") != "ENABLED":
            return ""
        return str(found["name"]).rpartition("/")[2]
