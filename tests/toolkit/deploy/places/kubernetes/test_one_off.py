"""The Job of a one-off command: the service's container, and nothing by which it would serve or be pruned."""

from types import SimpleNamespace
from typing import Any

from toolkit.deploy.places.kubernetes import one_off

DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "shop", "namespace": "shop-staging"},
    "spec": {
        "template": {
            "metadata": {
                "labels": {"app.kubernetes.io/name": "shop", "deploy/service": "shop", "team": "shop"},
                "annotations": {"prometheus.io/scrape": "true", "deploy/sources": "abc"},
            },
            "spec": {
                "serviceAccountName": "shop",
                "terminationGracePeriodSeconds": 45,
                "topologySpreadConstraints": [{}],
                "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
                "containers": [
                    {"name": "by-hand", "image": "other"},
                    {
                        "name": "app",
                        "image": "shop@sha256:1",
                        "env": [{"name": "A"}],
                        "ports": [{}],
                        "livenessProbe": {},
                    },
                ],
            },
        }
    },
}


def made(**given: Any) -> dict[str, Any]:
    return one_off.body(DEPLOYMENT, "shop", ["python", "-c", "x"], name="shop-run-1", **given)


def test_it_is_the_services_container_with_another_command() -> None:
    spec = made()["spec"]["template"]["spec"]
    assert spec["containers"] == [
        {"name": "app", "image": "shop@sha256:1", "env": [{"name": "A"}], "command": ["python", "-c", "x"]}
    ]
    assert spec["initContainers"] == [{"name": "proxy", "restartPolicy": "Always"}]
    assert spec["serviceAccountName"] == "shop"
    assert spec["restartPolicy"] == "Never"
    assert "topologySpreadConstraints" not in spec


def test_no_selector_and_no_pruning_meets_it() -> None:
    job = made()
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels == {"app.kubernetes.io/name": "shop-run", "deploy/run": "shop", "team": "shop"}
    assert job["spec"]["template"]["metadata"]["annotations"] == {"deploy/sources": "abc"}
    # The control: the Deployment that it comes from has both.
    assert DEPLOYMENT["spec"]["template"]["metadata"]["labels"]["deploy/service"] == "shop"


def test_the_time_to_end() -> None:
    assert made()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 45
    assert made(grace=1)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 1


class Streams:
    """A cluster whose log streams break off: each call of `log_stream` gets the next one."""

    def __init__(self, *streams: list[str]) -> None:
        self.streams, self.since = list(streams), list[str]()

    def get(self, *_: str) -> dict[str, Any]:
        state = {"running": {}} if len(self.streams) > 1 else {"terminated": {"exitCode": 4}}
        return {"status": {"containerStatuses": [{"name": "app", "state": state}]}}

    def log_stream(self, pod: str, container: str, *, since: str) -> list[str]:
        self.since.append(since)
        return self.streams.pop(0)


def test_a_stream_that_breaks_off_is_continued() -> None:
    first, second, third = (f"2026-11-26T13:00:0{number}.000000000Z" for number in (1, 2, 3))
    cluster = Streams(
        [f"{first} a", "failed to try resolving symlinks in path"],
        [f"{first} a", f"{second} b", "unable to retrieve container logs"],
        [f"{second} b", f"{third} c d"],
    )
    shown: list[str] = []
    place: Any = SimpleNamespace(cluster=cluster)
    assert one_off.follow(place, "pod", shown.append) == {"exitCode": 4}
    assert shown == ["a", "b", "c d"]
    assert cluster.since == ["", first, second]
