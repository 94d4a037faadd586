"""Refusals by the namespace or the API server: the cause is named within seconds, and a healthy release stays."""

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.stage import Ended, Stage, run, until

# Seconds to a cause on a normal machine; the limit is for the wait of ten minutes that it replaces.
PROMISED, LIMIT = 15, 300
QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: tight}
spec: {hard: HARD}
"""
# All that a deploy does, and no pods.
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
  - apiGroups: ["", apps, batch, policy, networking.k8s.io, autoscaling, coordination.k8s.io]
    resources:
      - configmaps
      - secrets
      - serviceaccounts
      - services
      - services/proxy
      - deployments
      - replicasets
      - jobs
      - cronjobs
      - poddisruptionbudgets
      - networkpolicies
      - ingresses
      - horizontalpodautoscalers
      - leases
    verbs: ["*"]
  - apiGroups: [""]
    resources: [pods, pods/log, events, resourcequotas]
    verbs: [get, list]
"""
RANGE = """
apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: Container, max: {memory: 64Mi}}]}
"""
# Its Service has no pods: nobody answers, and the API server refuses what it was to be asked about.
WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAME}
webhooks:
  - name: nobody.NAME.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    timeoutSeconds: 10
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    rules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [RESOURCES]
        scope: Namespaced # the selector does not hold reviews of access back, which have no namespace
    clientConfig: CLIENT
"""
DENIAL = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "has(object.metadata.labels.owner)", message: "an owner label is required"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME, validationActions: [Deny]}
"""


@contextmanager
def applied(stage: Stage, text: str) -> Iterator[None]:
    stage.kubectl("apply", "-f", "-", stdin=text)
    try:
        if "ResourceQuota" in text:
            until(lambda: stage.get("resourcequota", "tight").get("status", {}).get("hard"), 60, "the quota's count")
        yield
    finally:
        stage.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=text)


@contextmanager
def webhook(stage: Stage, resources: str, client: str) -> Iterator[None]:
    """For the stage's namespace alone; it is deleted whatever happens."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    text = WEBHOOK.replace("NAMESPACE", stage.namespace).replace("NAME", name)
    with applied(stage, text.replace("RESOURCES", resources).replace("CLIENT", client)):
        probe = ("create", "--dry-run=server", "-n", stage.namespace, "configmap", "probe")
        if resources != '"pods"':  # an API server takes a moment to see a new configuration
            until(lambda: _fails("kubectl", *probe), 60, "the webhook in force")
        yield


def _fails(*command: str) -> bool:
    return bool(subprocess.run(command, capture_output=True, check=False, timeout=60).returncode)


def named(ended: Ended, code: str, *words: str) -> None:
    print(f"{code} after {ended.seconds:.1f} s")
    assert f"{code}:" in ended.out, ended
    for word in words:
        assert word in ended.out, ended
    assert "Traceback" not in ended.out
    assert "doctor ENV" not in ended.out, "the hint leads to a check of permissions"


def refused(stage: Stage, code: str, *words: str, image: str = "v2", arguments: tuple[str, ...] = ()) -> None:
    """Before anything is touched, by deploy and by doctor."""
    before = stage.versions()
    ended = stage.deploy(image, *arguments)
    named(ended, code, *words)
    assert ended.code == 6, ended
    assert stage.versions() == before
    told = stage.task("doctor", *arguments, image=image)
    assert told.code == 6, told
    for word in words:
        assert word in told.out, told


@pytest.mark.drill(minutes=1)
def test_a_quota_that_requires_what_the_pods_do_not_set(running: Stage) -> None:
    """`cpu_limit` reaches the Deployment and the migration alike: with it the same deploy passes."""
    with applied(running, QUOTA.replace("HARD", "{limits.cpu: 4}")):
        refused(running, "QUOTA", "must specify limits.cpu", "cpu_limit")
        limited = running.deploy("v2", "-e", "resources.cpu_limit=500m")
        assert limited.code == 0, limited
    assert running.deploy("v1").code == 0


@pytest.mark.drill
def test_a_quota_without_room_for_the_record(running: Stage) -> None:
    used = len(running.get("configmaps")["items"])
    with applied(running, QUOTA.replace("HARD", json.dumps({"count/configmaps": used}))):
        refused(running, "QUOTA", "count/configmaps", "a release needs")
        again = running.deploy("v1")  # the control: what adds nothing is not refused
        assert again.code == 0, again
        assert "changed=0" in again.out


@pytest.mark.drill
def test_a_record_that_is_refused_leaves_the_release(running: Stage) -> None:
    """Whatever denies the record in the last moment: the release serves, exit 7; the next deploy records it."""
    policy = DENIAL.replace("resources: [pods]", "resources: [configmaps]")
    policy = policy.replace("has(object.metadata.labels.owner)", "!object.metadata.name.contains('-release-')")
    policy = policy.replace("NAMESPACE", running.namespace).replace("NAME", f"test-{uuid.uuid4().hex[:8]}")
    before = len(running.history())
    with applied(running, policy):
        probe = ("kubectl", "-n", running.namespace, "create", "--dry-run=server", "configmap", "x-release-y")
        until(lambda: _fails(*probe), 60, "the policy in force")
        ended = running.deploy("v2")
        assert ended.code == 7, ended
        named(ended, "ADMISSION_DENIED", "the release is serving and is kept")
        assert running.image_of_deployment() == running.images["v2"]
        assert running.http("/health")["image_digest"] == running.images["v2"]
    assert len(running.history()) == before
    recorded = running.deploy("v2")
    assert recorded.code == 0, recorded
    assert running.history()[-1]["digest"] == running.images["v2"]
    assert running.deploy("v1").code == 0


@pytest.mark.drill
@pytest.mark.parametrize(
    ("level", "code", "words"),
    [("range", "LIMIT_RANGE", "maximum memory usage"), ("policy", "ADMISSION_DENIED", "an owner label is required")],
)
def test_pods_that_admission_denies(running: Stage, level: str, code: str, words: str) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    text = RANGE if level == "range" else DENIAL.replace("NAMESPACE", running.namespace).replace("NAME", name)
    with applied(running, text):
        probe = ("kubectl", "-n", running.namespace, "run", "--dry-run=server", "x", "--image=x", "--restart=Never")
        until(lambda: level == "range" or _fails(*probe), 60, "the policy in force")
        refused(running, code, words)


@pytest.mark.drill
def test_a_deployer_who_may_not_create_pods_learns_it_from_the_job(actor: Stage, tmp_path: Path) -> None:
    """The dry run decides nothing for them; the events of the migration's Job have the cause."""
    with actor.fresh() as stage:
        stage.kubectl("apply", "-f", "-", stdin=ROLE)
        stage.kubectl("create", "serviceaccount", "deployer")
        account = f"--serviceaccount={stage.namespace}:deployer"
        stage.kubectl("create", "rolebinding", "deployer", "--role=deployer", account)
        token = stage.kubectl("create", "token", "deployer").strip()
        config = json.loads(run("kubectl", "config", "view", "--raw", "--flatten", "-o", "json"))
        config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        with applied(stage, QUOTA.replace("HARD", "{limits.cpu: 4}")):
            ended = stage.deploy("v1", KUBECONFIG=str(tmp_path / "kubeconfig"))
        named(ended, "QUOTA", "must specify limits.cpu", "cpu_limit")
        assert ended.code == 3, ended
        found = re.search(r"failed +migrate .*\((\d+\.\d) s\)", ended.out)
        assert found, ended
        print(f"the cause after {found[1]} s, promised {PROMISED}")
        assert float(found[1]) < LIMIT


@pytest.mark.drill
def test_an_unreachable_webhook_is_named(running: Stage) -> None:
    client = "{caBundle: '', service: {name: nobody, namespace: NS}}".replace("NS", running.namespace)
    with webhook(running, '"*"', client):
        before = running.versions()
        ended = running.deploy("v2")
        named(ended, "WEBHOOK_UNAVAILABLE", "failed calling webhook", "nobody.")
        assert ended.code == 6, ended
        print(f"the cause after {ended.seconds:.1f} s, promised {PROMISED}")
        assert running.versions() == before
        told = running.task("doctor", image="v2")
        assert "WEBHOOK_UNAVAILABLE" in told.out, told
    assert running.deploy("v1").code == 0  # the control: without it the same deploy passes


@pytest.mark.drill
def test_a_namespace_that_is_being_deleted(actor: Stage) -> None:
    """Held by an object whose finalizer nobody ends."""
    with actor.fresh() as stage:
        assert stage.deploy("v1").code == 0
        stage.kubectl("create", "configmap", "held")
        stage.kubectl("patch", "configmap", "held", "-p", '{"metadata": {"finalizers": ["example.com/hold"]}}')
        run("kubectl", "delete", "namespace", stage.namespace, "--wait=false")
        try:
            until(
                lambda: "example.com/hold" in run("kubectl", "get", "namespace", stage.namespace, "-o", "yaml"),
                120,
                "what holds the namespace",
            )
            for task, arguments in (("deploy", ["--yes"]), ("doctor", []), ("status", []), ("rollback", ["--yes"])):
                ended = stage.task(task, *arguments, image="v1")
                named(ended, "NAMESPACE_TERMINATING", "since 2", "example.com/hold")
                assert ended.code == 6, ended
                print(f"{task}: the cause after {ended.seconds:.1f} s, promised {PROMISED}")
        finally:
            stage.kubectl("patch", "configmap", "held", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
