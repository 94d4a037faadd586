"""Requests to the Kubernetes API: counted, guarded by the deploy lock, and repeated while the server fails."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from toolkit.deploy.outcomes import Exit, fail
from toolkit.deploy.places.kubernetes.retry import TRANSIENT, insist

REQUEST_SECONDS = (5, 30)  # connect, read
# The server itself ends a write after 34 s, and only its response names the webhook that did not answer.
WRITE_SECONDS = (5, 40)
DISCOVERY_PAUSES = (0.5, 1.0, 2.0, 4.0)
NOBODY = 503  # the service proxy's response when no pod accepts the connection


class Requests:
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
