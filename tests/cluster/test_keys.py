"""Keys of the inventory on a cluster: pods with company, metrics on a port of their own, rendered folders."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.support.stage import Stage, run

pytestmark = pytest.mark.drill


def test_pods_with_company(actor: Stage) -> None:
    """The migration has the same sidecar, variables and files; it ends although the sidecar never does."""
    with actor.fresh() as stage:
        node = stage.get("nodes")["items"][0]["metadata"]["name"]
        image = f"{stage.images.repository}@{stage.images['v1']}"
        forever = "trap 'exit 0' TERM; while :; do sleep 1; done"
        keys = (
            f"node_selector.kubernetes.io/hostname={node}",
            "tolerations=[{key: reserved, operator: Exists}]",
            f"sidecars=[{{name: company, image: '{image}', command: [sh, -c, \"{forever}\"]}}]",
            "env_from=[{configMapRef: {name: shared}}]",
            "volumes=[{name: shared, configMap: {name: shared}}]",
            "volume_mounts=[{name: shared, mountPath: /etc/shared, readOnly: true}]",
            "labels.example.com/team=lamps",
        )
        given = [part for key in keys for part in ("-e", key)]
        refused = stage.deploy("v1", *given)
        assert refused.code == 6, refused
        assert "ConfigMap/shared does not exist" in refused.out
        fix = re.search(r"kubectl -n \S+ create configmap shared --from-literal=KEY=VALUE", refused.out)
        assert fix, refused
        run(*fix[0].split())

        ended = stage.deploy("v1", *given)
        assert ended.code == 0, ended
        assert stage.nodes() == {node}
        pod = sorted(stage.pods())[0]
        assert stage.kubectl("exec", pod, "-c", "app", "--", "cat", "/etc/shared/KEY") == "VALUE"
        assert stage.kubectl("exec", pod, "-c", "app", "--", "printenv", "KEY").strip() == "VALUE"
        spec = stage.get("pod", pod)["spec"]
        assert [item["name"] for item in spec["initContainers"]] == ["company"]
        assert "reserved" in {item.get("key") for item in spec["tolerations"]}
        (job,) = stage.get("jobs")["items"]
        assert job["status"]["succeeded"] == 1
        assert job["metadata"]["labels"]["example.com/team"] == "lamps"
        again = stage.deploy("v1", *given)
        assert again.code == 0, again
        assert "changed=0" in again.out


def test_metrics_on_a_port_of_their_own(running: Stage) -> None:
    ended = running.deploy("v1", "-e", "settings.METRICS_PORT=9100")
    assert ended.code == 0, ended
    at = f"/api/v1/namespaces/{running.namespace}/services"
    assert "service_ready" in running.kubectl("get", "--raw", f"{at}/http:shop-metrics:9100/proxy/metrics")
    assert [port["name"] for port in running.get("service", "shop")["spec"]["ports"]] == ["http"]
    policy = running.get("networkpolicy", "shop")["spec"]["ingress"]
    assert {port["port"] for rule in policy for port in rule["ports"]} == {8000, 9100}
    # Without the setting, the Service goes.
    assert running.deploy("v1").code == 0
    assert [item["metadata"]["name"] for item in running.get("services", "-l", "deploy/service=shop")["items"]] == [
        "shop"
    ]


def test_a_port_that_the_policy_closes_is_refused(running: Stage) -> None:
    before = running.versions()
    refused = running.deploy("v1", "-e", "network_policy.to_ports=[443]")
    assert refused.code == 6, refused
    assert "DATABASE_URL uses port 5432" in refused.out
    assert "network_policy.to_ports: [443, 5432]" in refused.out
    assert running.versions() == before


@pytest.mark.parametrize("driver", ["manifests", "helm"])
def test_a_rendered_folder_is_applied_twice(actor: Stage, charted: Path, driver: str, tmp_path: Path) -> None:
    """GitOps: a change of settings is another Job, as a Job's template is immutable."""
    project = charted if driver == "helm" else actor.project
    with replace(actor, project=project).fresh() as stage:
        folder = tmp_path / "rendered"
        for level in ("INFO", "WARNING"):
            made = stage.task("deploy", "--render", str(folder), "-e", f"settings.LOG_LEVEL={level}", image="v1")
            assert made.code == 0, made
            listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
            assert {path.name for path in folder.iterdir()} == {*listed, "kustomization.yaml"}
            run("kubectl", "apply", "-k", str(folder))
            stage.kubectl("wait", "--for=condition=Complete", "job", "--all", "--timeout=300s")
        assert len(stage.get("jobs")["items"]) == 2
        stage.kubectl("rollout", "status", "deployment/shop", "--timeout=300s")
        control = yaml.safe_load(next(folder.glob("job-*.yaml")).read_text())
        control["spec"]["activeDeadlineSeconds"] += 1
        control["spec"]["template"]["spec"]["containers"][0]["args"] = ["migrate", "--again"]
        same = subprocess.run(
            ["kubectl", "apply", "-f", "-"], input=yaml.safe_dump(control), capture_output=True, text=True, check=False
        )
        assert "field is immutable" in same.stderr  # the same name would be refused
        # The toolkit goes on from there: nobody has added anything to what it renders. Helm has to be told to take it.
        flags = ("--correct-drift",) if driver == "helm" else ()
        if flags:
            before = stage.versions()
            refused = stage.deploy("v1", "-e", "settings.LOG_LEVEL=WARNING")
            assert refused.code == 6, refused
            assert "NOT_HELMS" in refused.out
            assert stage.versions() == before
        ended = stage.deploy("v1", "-e", "settings.LOG_LEVEL=WARNING", *flags)
        assert ended.code == 0, ended
