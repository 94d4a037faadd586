"""The service, its revisions and Jobs: reads, and writes that lose against any other change in between."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.cloudrun import render, state
from toolkit.deploy.places.cloudrun.client import endpoint
from toolkit.deploy.places.cloudrun.errors import WriteConflict

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.outcomes import Failed
    from toolkit.deploy.places.cloudrun.client import Client, Object
    from toolkit.deploy.places.traffic.targets import Traffic

TRIES, PAUSE_SECONDS = 8, 0.3


class RunService:
    """One service of a project and region."""

    def __init__(self, client: Client, env: CloudRunEnvironment) -> None:
        self.client, self.env, self.name = client, env, env.service
        base = endpoint("run", f"https://{env.region}-run.googleapis.com")
        self._serving = f"{base}/apis/{render.SERVING}/namespaces/{env.project}"
        self._run = f"{base}/apis/{render.RUN}/namespaces/{env.project}"

    # the service

    def get(self) -> state.Service | None:
        found = self.client.get(f"{self._serving}/services/{self.name}", f"service {self.name}")
        return state.service(found) if found else None

    def revisions(self) -> list[state.Revision]:
        """Return the revisions of the service, in any order."""
        params = {"labelSelector": f"serving.knative.dev/service={self.name}"}
        found = self.client.get(f"{self._serving}/revisions", f"revisions of {self.name}", params) or {}
        return [state.revision(item) for item in found.get("items") or ()]

    def revision(self, name: str) -> state.Revision | None:
        found = self.client.get(f"{self._serving}/revisions/{name}", f"revision {name}")
        return state.revision(found) if found else None

    def put(
        self, traffic: Traffic, template: Object | None = None, annotations: Mapping[str, str] | None = None
    ) -> state.Service:
        """Write the template, by default the live one, and all of the traffic. Raises Failed CHANGED_BY_OTHERS."""
        first: state.Service | None = None
        for _ in range(TRIES):
            live = self.get()
            first = first or live
            if live and first and live.generation != first.generation:
                if _is(live, traffic, template):
                    return live  # our own write, whose response was lost
                raise changed(self.name)
            body = _body(self.env, live, traffic, template, annotations)
            path = f"{self._serving}/services" + (f"/{self.name}" if live else "")
            try:
                made = self.client.write("PUT" if live else "POST", path, f"service {self.name}", body)
            except WriteConflict:  # a new status counts as a change, too
                time.sleep(PAUSE_SECONDS)
                continue
            return state.service(made or body)
        raise changed(self.name)

    def delete(self) -> None:
        self.client.write("DELETE", f"{self._serving}/services/{self.name}", f"service {self.name}")

    # Jobs

    def job(self, name: str) -> Object | None:
        return self.client.get(f"{self._run}/jobs/{name}", f"Job {name}")

    def write_job(self, name: str, live: Object | None, body: Object, *, guarded: bool = True) -> Object:
        """Write a Job made from the live one. Raises WriteConflict if another program was faster."""
        write = self.client.write if guarded else self.client.unguarded
        path = f"{self._run}/jobs" + (f"/{name}" if live else "")
        return write("PUT" if live else "POST", path, f"Job {name}", body) or {}

    def job_body(self, name: str, live: Object | None, spec: Object, annotations: Mapping[str, str]) -> Object:
        metadata: Object = {"name": name, "namespace": self.env.project, "annotations": dict(annotations)}
        metadata["labels"] = {render.SERVICE_LABEL: self.name}
        if live:
            metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
        return {"apiVersion": render.RUN, "kind": "Job", "metadata": metadata, "spec": spec}

    def jobs(self) -> list[Object]:
        """Return the Jobs that deploys of this service have made."""
        found = self.client.get(f"{self._run}/jobs", "Jobs") or {}
        return [
            item
            for item in found.get("items") or ()
            if (item["metadata"].get("labels") or {}).get(render.SERVICE_LABEL) == self.name
        ]

    def delete_job(self, name: str) -> None:
        self.client.write("DELETE", f"{self._run}/jobs/{name}", f"Job {name}")

    def start_job(self, name: str) -> Object:
        """Start an execution. Returns it."""
        return self.client.begin(f"{self._run}/jobs/{name}:run", f"Job {name}", {})

    def execution(self, name: str) -> Object | None:
        return self.client.get(f"{self._run}/executions/{name}", f"execution {name}")

    def executions(self, job: str) -> list[Object]:
        """Return the executions of a Job, the newest first."""
        params = {"labelSelector": f"run.googleapis.com/job={job}"}
        found = self.client.get(f"{self._run}/executions", f"executions of {job}", params) or {}
        items: list[Object] = list(found.get("items") or ())
        return sorted(items, key=lambda item: str(item["metadata"].get("creationTimestamp")), reverse=True)

    def delete_execution(self, name: str) -> None:
        self.client.write("DELETE", f"{self._run}/executions/{name}", f"execution {name}")

    def exit_code(self, execution: str) -> int | None:
        """Return the exit code of an execution's task; None while it is not known."""
        params = {"labelSelector": f"run.googleapis.com/execution={execution}"}
        found = self.client.get(f"{self._run}/tasks", f"tasks of {execution}", params) or {}
        for item in found.get("items") or ():
            result = (item.get("status") or {}).get("lastAttemptResult")
            if result is not None:
                return int(result.get("exitCode") or 0)
        return None


def _is(live: state.Service, traffic: Traffic, template: Object | None) -> bool:
    return live.asked == traffic and (template is None or live.template_name == template["metadata"]["name"])


def _body(
    env: CloudRunEnvironment,
    live: state.Service | None,
    traffic: Traffic,
    template: Object | None,
    annotations: Mapping[str, str] | None,
) -> Object:
    """Return the service. Labels and annotations of other programs, such as Terraform, stay."""
    kept = live.content["metadata"] if live else {}
    before = dict(kept.get("annotations") or {})
    if annotations is not None:
        before = {key: value for key, value in before.items() if key not in render.OWN_ANNOTATIONS}
    metadata: Object = {
        "name": env.service,
        "namespace": env.project,
        "labels": {**(kept.get("labels") or {}), render.SERVICE_LABEL: env.service},
        "annotations": {**before, **(annotations or {})},
    }
    if live:
        metadata["resourceVersion"] = kept["resourceVersion"]
    now = live.content["spec"]["template"] if live else {}
    # Under the same name nothing may differ, not even a default that the platform has filled in.
    same = template is None or (live is not None and live.template_name == template["metadata"]["name"])
    spec = {"template": now if same else template, "traffic": state.entries(traffic)}
    return {"apiVersion": render.SERVING, "kind": "Service", "metadata": metadata, "spec": spec}


def changed(name: str) -> Failed:
    return fail(
        "CHANGED_BY_OTHERS",
        f"another program has changed the service {name} during this deploy",
        hint="find out who (`gcloud run services describe`), then run the same command again",
    )
