"""The client of the API server, against one that says what a test has written down for it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import requests as module
from toolkit.deploy.places.kubernetes.client import Cluster

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
SCALER = {"apiVersion": KIND[0], "kind": KIND[1], "metadata": {"name": "shop"}}
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


def status(code: int, message: str = "", **more: Any) -> tuple[int, Any]:
    """A fault of the API server's own."""
    said = {"message": message} if message else {}
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, **said, **more}


@pytest.fixture
def got() -> list[bytes]:
    """The bodies of the requests, in order."""
    return []


@pytest.fixture
def cluster_that(monkeypatch: pytest.MonkeyPatch, got: list[bytes]) -> Iterator[Callable[[Said], Cluster]]:
    """Makes a cluster whose server answers each path with its list in order, and with the last one from then on."""
    monkeypatch.setattr(module, "DISCOVERY_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(module, "REQUEST_SECONDS", (5, 0.5))
    said: Said = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
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

        def do_PATCH(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

        def make(answers: Said) -> Cluster:
            said.update({path: list(listed) for path, listed in (SERVER | answers).items()})
            return Cluster(ApiClient(Configuration(host=f"http://127.0.0.1:{server.server_port}")), "here", patience=2)

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


WEBHOOK = 'Internal error occurred: failed calling webhook "w.example.com": no endpoints available for service "w"'
QUOTA_RACE = status(409, "Operation cannot be fulfilled on resourcequotas", details={"kind": "resourcequotas"})


@pytest.mark.parametrize(
    ("answer", "code", "hint"),
    [
        (status(500, WEBHOOK), "WEBHOOK_UNAVAILABLE", "webhook"),
        (status(500, "Internal error occurred: the policy engine is not configured"), "SERVER_ERROR", "message"),
        (status(503, "the server is shutting down"), "SERVER_ERROR", "control plane"),
        (status(500), "CLUSTER_UNREACHABLE", "network"),
        (status(500, "unable to parse quantity's suffix"), "MANIFEST_INVALID", "correct"),
        (status(403, 'pods "x" is forbidden: exceeded quota: q'), "QUOTA", "quota"),
        (status(403, "x is forbidden: because it is being terminated"), "NAMESPACE_TERMINATING", "wait"),
        (status(403, 'x is forbidden: User "ada" cannot patch resource "x" in API group'), "FORBIDDEN", "doctor"),
        (status(403, "x is forbidden: the moon is full"), "ADMISSION_DENIED", "admission"),
        (status(410, "the version is gone"), "SERVER_ERROR", "message"),
        (status(401, "Unauthorized"), "UNAUTHENTICATED", "log in"),
        (status(400, 'admission webhook "w" denied the request: no owner'), "ADMISSION_DENIED", "policy"),
    ],
)
def test_an_answer_that_stays_is_named_in_the_servers_words(
    cluster_that: Callable[[Said], Cluster], answer: tuple[int, Any], code: str, hint: str
) -> None:
    cluster = cluster_that({f"{LISTED}/shop": [answer]})
    with pytest.raises(Failed) as failed:
        cluster.apply(SCALER)
    assert failed.value.failure.code == code
    assert answer[1].get("message", "") in " ".join(failed.value.failure.evidence)
    assert hint in failed.value.failure.hint or code == "ADMISSION_DENIED"


@pytest.mark.parametrize("answer", [status(500, WEBHOOK), status(500, "etcdserver: leader changed"), QUOTA_RACE])
def test_what_passes_is_tried_again(cluster_that: Callable[[Said], Cluster], answer: tuple[int, Any]) -> None:
    assert cluster_that({f"{LISTED}/shop": [answer, answer, (200, SCALER)]}).apply(SCALER) == SCALER


def test_an_object_is_sent_as_utf_8(cluster_that: Callable[[Said], Cluster], got: list[bytes]) -> None:
    """An apply is YAML for the server, in which a pair of escaped surrogates is no character."""
    cluster = cluster_that({f"{LISTED}/shop": [(200, SCALER)]})
    cluster.apply({**SCALER, "metadata": {"name": "shop", "annotations": {"a": "\U0001f4a1 caf\u00e9"}}})
    assert "\U0001f4a1 caf\u00e9".encode() in got[-1]
    assert b"\\u" not in got[-1]
