"""The client of the API server, against one that says what a test has written down for it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from deploy import cluster as module
from deploy.cluster import Cluster
from deploy.model import Failed

KIND = ("autoscaling/v2", "HorizontalPodAutoscaler")
VERSIONS = [{"groupVersion": "autoscaling/v2", "version": "v2"}]
GROUPS = {
    "kind": "APIGroupList",
    "groups": [{"name": "autoscaling", "versions": VERSIONS, "preferredVersion": VERSIONS[0]}],
}
RESOURCE = {
    "name": "horizontalpodautoscalers",
    "singularName": "",
    "namespaced": True,
    "kind": KIND[1],
    "verbs": ["get"],
}
RESOURCES = {"kind": "APIResourceList", "groupVersion": "autoscaling/v2", "resources": [RESOURCE]}
LISTED = "/apis/autoscaling/v2/namespaces/here/horizontalpodautoscalers"
PROXY = "/api/v1/namespaces/here/services/http:shop:80/proxy/health"
Said = dict[str, list[tuple[int, Any]]]
SERVER: Said = {
    "/version": [(200, {"gitVersion": "v1.34.0"})],
    "/apis": [(200, GROUPS)],
    "/apis/autoscaling/v2": [(200, RESOURCES)],
    "/api/v1": [(200, {"kind": "APIResourceList", "resources": []})],
    LISTED: [(200, {"items": []})],
}
LATE = "an answer that does not come in time"


def status(code: int) -> tuple[int, Any]:
    """A fault of the API server's own."""
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}


@pytest.fixture
def cluster_that(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Said], Cluster]]:
    """Makes a cluster whose server answers each path with its list in order, and with the last one from then on."""
    monkeypatch.setattr(module, "DISCOVERY_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(module, "REQUEST_SECONDS", (5, 0.5))
    said: Said = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = said[self.path.partition("?")[0]]
            code, content = answers.pop(0) if len(answers) > 1 else answers[0]
            if content == LATE:
                time.sleep(1)
                return
            body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

        def make(answers: Said) -> Cluster:
            said.update({path: list(listed) for path, listed in (SERVER | answers).items()})
            return Cluster(ApiClient(Configuration(host=f"http://127.0.0.1:{server.server_port}")), "here", patience=5)

        yield make
        server.shutdown()


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"/apis/autoscaling/v2": [status(503), status(503), (200, RESOURCES)]},
        {"/apis/autoscaling/v2": [status(503), (200, RESOURCES)], "/apis": [(200, GROUPS), status(500), (200, GROUPS)]},
        {"/apis/autoscaling/v2": [status(500), (200, RESOURCES)]},
    ],
    ids=["at once", "discovery showed nothing", "and then failed", "discovery failed"],
)
def test_a_kind_is_found(cluster_that: Callable[[Said], Cluster], answers: Said) -> None:
    assert cluster_that(answers).list(*KIND) == []


def test_a_kind_that_is_not_there(cluster_that: Callable[[Said], Cluster]) -> None:
    cluster = cluster_that({"/apis/autoscaling/v2": [(200, {**RESOURCES, "resources": []})]})
    with pytest.raises(Failed) as failed:
        cluster.list(*KIND)
    assert failed.value.failure.code == "NO_SUCH_KIND"
    assert "HorizontalPodAutoscaler in autoscaling/v2" in failed.value.failure.message


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([(200, {"image_digest": "x"})], {"image_digest": "x"}),
        ([(503, {"code": "database_unavailable"})], {"code": "database_unavailable"}),
        ([(500, {"code": "internal_error"})], {"code": "internal_error"}),
        ([status(503)], None),
        ([status(403)], None),
        ([status(500), (429, "slowly"), (502, "<html>"), (200, {"a": 1})], {"a": 1}),
        ([(200, LATE)], None),
    ],
    ids=["served", "not ready", "fault", "nobody", "not allowed", "faults of the server", "too late"],
)
def test_a_service_asked_through_the_server(
    cluster_that: Callable[[Said], Cluster], answers: list[tuple[int, Any]], found: Any
) -> None:
    assert cluster_that({PROXY: answers}).proxy("shop", 80, "/health") == found
