"""The app, its revisions and Jobs: reads, and writes that name all of the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.inventory import containerapps_keys as keys
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.containerapps import group, render, state

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Client, Object
    from toolkit.deploy.places.traffic.targets import Traffic
    from toolkit.deploy.records import Kept


class ContainerApp:
    """One app of a resource group."""

    def __init__(self, client: Client, env: ContainerAppsEnvironment) -> None:
        self.client, self.env, self.name = client, env, env.app
        base = group.path(env)
        self._app, self._jobs = f"{base}/containerApps/{env.app}", f"{base}/jobs"

    # the app

    def get(self) -> state.App | None:
        found = self.client.get(self._app, f"app {self.name}")
        return state.app(found) if found else None

    def environment(self) -> Object:
        """Return the environment. Raises Failed ENVIRONMENT_NOT_FOUND."""
        found = self.client.get(group.environment_id(self.env), f"environment {self.env.environment}")
        if found is None:
            message = f"resource group {self.env.resource_group} has no environment {self.env.environment}"
            hint = "create it (docs/containerapps.md), or correct `environment` in deploy/inventory.yaml"
            raise fail("ENVIRONMENT_NOT_FOUND", message, hint=hint)
        return found

    @property
    def location(self) -> str:
        return str(self.environment()["location"])

    def put(self, traffic: Traffic, kept: Kept, name: str) -> None:
        """Make the release's revision under this name, with all of the traffic."""
        live = self.get()
        known = self._references(live) if live else []
        logins = [_set(item) for item in live.configuration.get("registries") or ()] if live else []
        before = live.content["properties"].get("template") if live else None
        body = render.app(kept, self.env, render.suffix_of(name), render.shares(traffic), known, logins, before)
        if live is None:
            body = render.new_app(body, self.env, self.location)
        self.client.write("PATCH" if live else "PUT", self._app, f"app {self.name}", body, keys.APP)

    def divide(self, traffic: Traffic) -> None:
        """Divide the requests between revisions that exist."""
        body = {"properties": {"configuration": {"ingress": {"traffic": render.shares(traffic)}}}}
        self.client.write("PATCH", self._app, f"traffic of {self.name}", body, keys.APP)

    def configure(self, kept: Kept, traffic: Traffic) -> None:
        """Set what belongs to the app and not to a revision."""
        configuration = {
            "activeRevisionsMode": "Multiple",
            "ingress": {**kept["ingress"], "traffic": render.shares(traffic)},
        }
        body = {"properties": {"configuration": configuration}}
        self.client.write("PATCH", self._app, f"ingress of {self.name}", body, keys.APP)

    def delete(self) -> None:
        self.client.delete(self._app, f"app {self.name}")

    def _references(self, live: state.App) -> list[Object]:
        """Return the app's references to secrets. Raises Failed SECRET_VALUE: a write would need its value."""
        found = live.configuration.get("secrets") or []
        if own := sorted(item["name"] for item in found if not item.get("keyVaultUrl")):
            hint = (
                "move it to the Key Vault: `az containerapp secret set --secrets NAME=keyvaultref:URL,identityref:ID`"
            )
            raise fail("SECRET_VALUE", f"app {self.name} has secrets with a value: {', '.join(own)}", hint=hint)
        return [_set(item) for item in found]

    # revisions

    def revisions(self) -> list[state.Revision]:
        return [state.revision(item) for item in self.client.items(f"{self._app}/revisions", "revisions")]

    def revision(self, name: str) -> state.Revision | None:
        found = self.client.get(f"{self._app}/revisions/{name}", f"revision {name}")
        return state.revision(found) if found else None

    def replicas(self, revision: str) -> list[state.Replica]:
        found = self.client.items(f"{self._app}/revisions/{revision}/replicas", f"replicas of {revision}")
        return [state.replica(item) for item in found]

    def activate(self, revision: str) -> None:
        self.client.act(f"{self._app}/revisions/{revision}/activate", f"revision {revision}")

    def deactivate(self, revision: str) -> None:
        self.client.act(f"{self._app}/revisions/{revision}/deactivate", f"revision {revision}")

    def restart(self, revision: str) -> None:
        self.client.act(f"{self._app}/revisions/{revision}/restart", f"revision {revision}")

    # Jobs

    def jobs(self) -> list[Object]:
        """Return the Jobs that deploys of this app have made."""
        found = self.client.items(self._jobs, "Jobs")
        return [item for item in found if (item.get("tags") or {}).get(group.SERVICE_TAG) == self.name]

    def write_job(self, name: str, body: Object) -> None:
        self.client.write("PUT", f"{self._jobs}/{name}", f"Job {name}", body, keys.JOB)

    def delete_job(self, name: str) -> None:
        self.client.delete(f"{self._jobs}/{name}", f"Job {name}")

    def start_job(self, name: str) -> str:
        """Start an execution. Returns its name."""
        return str(self.client.act(f"{self._jobs}/{name}/start", f"Job {name}", repeat=False)["name"])

    def execution(self, job: str, name: str) -> Object | None:
        return self.client.get(f"{self._jobs}/{job}/executions/{name}", f"execution {name}")

    def executions(self, job: str) -> list[Object]:
        return self.client.items(f"{self._jobs}/{job}/executions", f"executions of {job}")


def _set(item: Object) -> Object:
    """Return the keys that have a value: Azure answers with all of them."""
    return {key: value for key, value in item.items() if value}
