"""The Kubernetes API: objects as dicts, server-side apply, and retries."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from toolkit.deploy.outcomes import Exit, Failed, fail
from toolkit.deploy.places.kubernetes.objects import Conflict, Object, conflicts, identity
from toolkit.deploy.places.kubernetes.retry import TRANSIENT, NotFound, WriteConflict, insist

Lines = list[str]
MANAGER = "deploy"
HANDOVER = "deploy-handover"
REQUEST_SECONDS = (5, 30)  # connect, read
# The server itself ends a write after 34 s, and only its response names the webhook that did not answer.
WRITE_SECONDS = (5, 40)
DISCOVERY_PAUSES = (0.5, 1.0, 2.0, 4.0)
NOBODY = 503  # the service proxy's response when no pod accepts the connection


class FieldConflict(Exception):
    """Server-side apply conflicts with fields of another manager."""

    def __init__(self, item: str, found: tuple[Conflict, ...]) -> None:
        super().__init__(f"{item}: " + "; ".join(map(str, found)))
        self.item, self.found = item, found


class Cluster:
    """One API server and one namespace. `writes` counts changes; `reading()` forbids them.

    Requests that fail because of the server (5xx, 429 with Retry-After, broken connections) are retried for
    `patience` seconds; all of them are idempotent. Then Failed CLUSTER_UNREACHABLE is raised.
    """

    def __init__(self, client: Any, namespace: str, patience: float = 60) -> None:
        from kubernetes.dynamic import DynamicClient

        # The default of `cache_file` is a predictable name in the shared temporary folder.
        folder = tempfile.mkdtemp(prefix="deploy-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.client, self.namespace, self.patience = client, namespace, patience
        self.writes = 0
        self.guard: Callable[[], None] | None = None  # called before every change: is the deploy lock still ours?
        self._read_only = False
        self._dynamic: Any = self._insist(
            lambda: DynamicClient(client, cache_file=str(Path(folder) / "discovery.json"))
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Forbid changes in this block: one is a bug of the toolkit, and raises AssertionError."""
        kept, self._read_only = self._read_only, True
        try:
            yield
        finally:
            self._read_only = kept

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

    def proxy(self, service: str, port: int, path: str, kind: str = "services") -> Any:
        """GET JSON by `proxy_text`; None also for a response that is not JSON."""
        try:
            return json.loads(self.proxy_text(service, port, path, kind) or "null")
        except ValueError:
            return None

    def proxy_text(self, service: str, port: int, path: str, kind: str = "services") -> str | None:
        """GET through the API server's service proxy: the same Service that clients use, from any machine.

        With `kind` "pods", from one pod by its name, ready or not.

        Returns the text, and the JSON of a 4xx/5xx response of the service; None while the service does not answer (a
        503, or a timeout). Other errors are the API server's, and are retried.
        """
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        url = f"/api/v1/namespaces/{self.namespace}/{kind}/http:{service}:{port}/proxy{path}"

        def ask() -> Any:
            try:
                return self._dynamic.request("get", url, serialize=False, _request_timeout=REQUEST_SECONDS).data
            except ApiException as error:
                if _is_of_the_service(error.body):
                    return error.body
                if not error.status or error.status in TRANSIENT - {NOBODY}:
                    raise
                return None
            except HTTPError as error:
                if isinstance(getattr(error, "reason", error), ReadTimeoutError):
                    return None
                raise

        answer = self._insist(ask)
        return answer.decode(errors="replace") if isinstance(answer, bytes) else answer

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

    def _insist(self, call: Callable[[], Any]) -> Any:
        """Return the exit code for an unreachable API server: a refusal before the first change, later a timeout."""
        return insist(call, self.patience, Exit.TIMEOUT if self.writes else Exit.REFUSED)

    def _call(
        self, method: str, api: str, kind: str, *, name: str | None = None, namespace: str | None = None, **params: Any
    ) -> Any:
        resource = self._resource(api, kind)
        path = resource.path(name=name, namespace=(namespace or self.namespace) if resource.namespaced else None)
        return json.loads(self._raw(method, path, counts=not params.get("dry_run"), **params).data)

    def _resource(self, api: str, kind: str) -> Any:
        """Find the kind. Raises Failed NO_SUCH_KIND after retries: to the client, a 503 of discovery means none."""
        from kubernetes.dynamic.exceptions import ResourceNotFoundError

        for pause in (0.0, *DISCOVERY_PAUSES):
            time.sleep(pause)
            # KeyError: another call of the client's discovery failed in between.
            with suppress(ResourceNotFoundError, KeyError):
                return self._insist(lambda: self._dynamic.resources.get(api_version=api, kind=kind))
        hint = "install it (for a custom resource, its operator), or remove it from the inventory"
        raise fail("NO_SUCH_KIND", f"the cluster has no {kind} in {api}", hint=hint)

    def _raw(self, method: str, path: str, *, counts: bool = True, **params: Any) -> Any:
        if method != "get" and counts:
            assert not self._read_only, f"{method} {path} while only reading"  # noqa: S101 - a bug of the toolkit
            if self.guard:
                self.guard()
            self.writes += 1
        seconds = REQUEST_SECONDS if method == "get" else WRITE_SECONDS
        return self._insist(
            lambda: self._dynamic.request(method, path, serialize=False, _request_timeout=seconds, **params)
        )


def _is_of_the_service(body: Any) -> bool:
    """Return True if an error is from the service behind the API server, which returns JSON. Pure."""
    try:
        content = json.loads(body or "null")
    except ValueError:
        return False
    return isinstance(content, Mapping) and content.get("kind") != "Status"
