"""The Job of a one-off command: the service's container, and nothing by which it would serve or be pruned."""

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
                    {"name": "app", "image": "shop@sha256:1", "env": [{"name": "A"}], "ports": [{}], "livenessProbe": {}},
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
