"""The Kubernetes API: objects as dicts, and server-side apply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes.objects import Conflict, Object, conflicts, identity
from toolkit.deploy.places.kubernetes.requests import Requests
from toolkit.deploy.places.kubernetes.retry import NotFound, WriteConflict

Lines = list[str]
MANAGER = "deploy"
HANDOVER = "deploy-handover"


class FieldConflict(Exception):
    """Server-side apply conflicts with fields of another manager."""

    def __init__(self, item: str, found: tuple[Conflict, ...]) -> None:
        super().__init__(f"{item}: " + "; ".join(map(str, found)))
        self.item, self.found = item, found


class Cluster(Requests):
    """The objects of one namespace, their logs, and the permissions of this user."""

    def get(self, api: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        try:
            return self._call("get", api, kind, name=name, namespace=namespace)
        except NotFound:
            return None

    def list(self, api: str, kind: str, selector: str = "", fields: str = "") -> list[Object]:
        found = self._call("get", api, kind, label_selector=selector or None, field_selector=fields or None)
        return [{"apiVersion": api, "kind": kind, **item} for item in found.get("items", ())]

    def apply(self, item: Object, *, dry_run: bool = False, force: bool = False, manager: str = MANAGER) -> Object:
        """Apply an object. Raises FieldConflict, NotFound (no namespace), Failed MANIFEST_INVALID or FORBIDDEN."""
        try:
            return self._call(
                "patch",
                item["apiVersion"],
                item["kind"],
                name=item["metadata"]["name"],
                # Bytes: the client would escape U+1F4A1 as two surrogates, which is valid JSON but not YAML.
                body=json.dumps(item, ensure_ascii=False).encode(),
                content_type="application/apply-patch+yaml",
                field_manager=manager,
                force_conflicts=force,
                dry_run="All" if dry_run else None,
            )
        except WriteConflict as stale:
            live = self.get(item["apiVersion"], item["kind"], item["metadata"]["name"])
            raise FieldConflict(identity(item), conflicts(stale.args[0], live)) from None

    def set_owners(self, live: Object, entries: Sequence[Object]) -> None:
        """Write `managedFields`. Raises WriteConflict if `live` is out of date."""
        version = {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]}
        self._call(
            "patch",
            live["apiVersion"],
            live["kind"],
            name=live["metadata"]["name"],
            body=[version, {"op": "replace", "path": "/metadata/managedFields", "value": list(entries)}],
            content_type="application/json-patch+json",
        )

    def merge(self, live: Object, patch: Object, manager: str) -> Object:
        """Apply a JSON merge patch. Raises WriteConflict if `live` is out of date."""
        metadata = {**patch.get("metadata", {}), "resourceVersion": live["metadata"]["resourceVersion"]}
        return self._call(
            "patch",
            live["apiVersion"],
            live["kind"],
            name=live["metadata"]["name"],
            body={**patch, "metadata": metadata},
            content_type="application/merge-patch+json",
            field_manager=manager,
        )

    def create(self, item: Object, *, dry_run: bool = False) -> Object:
        """Create an object. Raises WriteConflict if it already exists."""
        return self._call("post", item["apiVersion"], item["kind"], body=item, dry_run="All" if dry_run else None)

    def replace(self, item: Object) -> Object:
        """Replace an object. Raises WriteConflict if its resourceVersion is out of date."""
        return self._call("put", item["apiVersion"], item["kind"], name=item["metadata"]["name"], body=item)

    def delete(
        self, api: str, kind: str, name: str, propagation: str = "Background", version: str | None = None
    ) -> None:
        """Delete an object if it exists. Raises WriteConflict if a resourceVersion is given and out of date."""
        body: dict[str, Any] = {"propagationPolicy": propagation}
        if version:
            body["preconditions"] = {"resourceVersion": version}
        try:
            self._call("delete", api, kind, name=name, body=body)
        except NotFound:
            return

    def review(self, verb: str, group: str, resource: str, subresource: str = "") -> bool:
        """Return True if this user has the permission (SelfSubjectAccessReview; allowed while only reading)."""
        attributes = {"namespace": self.namespace, "verb": verb, "group": group, "resource": resource}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**attributes, "subresource": subresource}},
        }
        answer = self._raw("post", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body, counts=False)
        return bool(json.loads(answer.data).get("status", {}).get("allowed"))

    def logs(self, pod: str, container: str, *, previous: bool = False, lines: int = 20) -> Lines:
        """Return the last lines of a container; none without a log."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        query = [("container", container), ("tailLines", str(lines)), ("previous", str(previous).lower())]
        try:
            answer = self._raw("get", path, query_params=query)
        except (NotFound, Failed):
            return []
        return answer.data.decode(errors="replace").splitlines()

    def log_stream(self, pod: str, container: str, since: str = "") -> Iterator[str]:
        """Yield each line of a container's log after its time, until the container ends or the connection does."""
        from urllib3.exceptions import HTTPError

        query = [("container", container), ("follow", "true"), ("timestamps", "true")]
        path, left = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log", b""
        answer = self._raw("get", path, query_params=query + ([("sinceTime", since)] if since else []))
        try:
            for part in answer.stream():
                *lines, left = (left + part).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
            if left:
                yield left.decode(errors="replace")
        except HTTPError:
            return
        finally:
            answer.close()

    def has(self, api: str) -> bool:
        """Return True if the server has an API group and version, such as that of an operator."""
        try:
            self._raw("get", f"/apis/{api}")
        except NotFound:
            return False
        return True

    def version(self) -> str:
        return json.loads(self._raw("get", "/version").data)["gitVersion"]

    def server_date(self) -> str | None:
        return self._raw("get", "/version").headers.get("Date")
