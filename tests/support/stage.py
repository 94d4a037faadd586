"""A stage for deploys: a namespace with a PostgreSQL in it, and the service's own tasks called as a user calls them."""

import json
import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support import provider
from tests.support.load import Load
from tests.support.processes import under_way
from tests.support.provider import Provider

REGISTRY = os.environ.get("TEST_REGISTRY", "127.0.0.1:5000")
# Where NodePorts are reached: kind's nodes are containers with an address of their own.
NODE = os.environ.get("TEST_NODE_ADDRESS", "127.0.0.1")
POSTGRES = f"{REGISTRY}/postgres:17"
PASSWORD = "s3cret-of-the-stage"
# Short where waiting proves nothing more.
QUICK = ("drain_seconds=4", "graceful_seconds=6", "hold_seconds=3", "probes.live_period=2", "resources.cpu_request=20m")
DATABASE = """
apiVersion: v1
kind: Pod
metadata: {name: postgres, labels: {app: postgres}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: postgres
      image: IMAGE
      env: [{name: POSTGRES_PASSWORD, value: PASSWORD}, {name: POSTGRES_DB, value: shop}]
      readinessProbe: {exec: {command: [pg_isready, -U, postgres]}, periodSeconds: 1}
      resources: {requests: {cpu: 20m}}
---
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData: {DATABASE_URL: "postgresql://postgres:PASSWORD@postgres:5432/shop"}
"""


def run(*command: str, stdin: str | None = None, seconds: float = 300, cwd: Path | None = None) -> str:
    """Output of a program that has to succeed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Ended:
    """A task that has ended: its exit code, what it printed, and how long it took."""

    code: int
    out: str
    seconds: float

    def __str__(self) -> str:
        return f"exit {self.code} after {self.seconds:.1f} s\n{self.out}"


@dataclass
class Images:
    """The service's image and variants of it, by name -> digest. `keys`: the folder of the identity provider."""

    repository: str
    digests: dict[str, str] = field(default_factory=dict)
    keys: str = ""

    def __getitem__(self, name: str) -> str:
        return self.digests[name]


@dataclass
class Stage:
    """One namespace. `deploy(...)` runs `python3 tasks.py deploy staging --yes` in the service's folder."""

    namespace: str
    project: Path
    images: Images
    environment: dict[str, str]
    settings: tuple[str, ...] = (*QUICK, *provider.SETTINGS)
    scopes: tuple[str, ...] = ()  # of the callers; by default those of products

    @contextmanager
    def fresh(self, kind: str = "test") -> Iterator["Stage"]:
        """This stage in a namespace of its own, with a database and an identity provider; gone afterwards."""
        identity = f"{self.images.repository}@{self.images['identity']}"
        with namespace(f"{kind}-{uuid.uuid4().hex[:8]}", identity) as name:
            yield replace(self, namespace=name)

    @cached_property
    def token(self) -> str:
        """A caller's who may read and write products; empty where the service asks for none."""
        return Provider(Path(self.images.keys)).token(*self.scopes) if self.images.keys else ""

    def load(self, rate: float = 120, threads: int = 6) -> Load:
        """Clients of this service, with a token."""
        return Load(self.url, rate, threads, token=self.token)

    @property
    def server(self) -> str:
        return run("kubectl", "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")

    def command(self, task: str, *arguments: str, image: str | None = None) -> list[str]:
        given = (
            f"namespace={self.namespace}",
            f"server={self.server}",
            f"repository={self.images.repository}",
            "service_type=NodePort",
            *self.settings,
            *((f"image={self.images.digests.get(image, image)}",) if image else ()),
        )
        python = str(self.project / ".venv" / "bin" / "python")
        pairs = [part for pair in given for part in ("-e", pair)]
        return [python, "tasks.py", task, "staging", *pairs, *arguments]

    def task(self, task: str, *arguments: str, image: str | None = None, seconds: float = 900, **env: str) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            self.command(task, *arguments, image=image),
            cwd=self.project,
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def deploy(self, image: str = "v1", *arguments: str, **env: str) -> Ended:
        return self.task("deploy", "--yes", *arguments, image=image, seconds=900, **env)

    def deploy_telling(self, line: str, image: str, *arguments: str) -> Ended:
        """A deploy whose output has this line of a container's log; a second and third one, where it has not.

        Kubelets that share a machine share /var/log/pods, and once a minute each removes there what the other's pods
        have written: then there is no log to tell of.
        """
        for _ in range(3):
            ended = self.deploy(image, *arguments)
            if line in ended.out:
                return ended
        raise AssertionError(f"{line!r} was never told: {ended}")

    @contextmanager
    def deploying(self, image: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A deploy that is under way, in a process group of its own; killed at the end if it still runs."""
        command = self.command("deploy", "--yes", *arguments, image=image)
        with under_way(command, self.project, self.environment) as child:
            yield child

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return run("kubectl", "-n", self.namespace, *arguments, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def deployment(self) -> Any:
        return self.get("deployment", "shop")

    def image_of_deployment(self) -> str:
        return self.deployment()["spec"]["template"]["spec"]["containers"][0]["image"].rpartition("@")[2]

    def versions(self) -> dict[str, str]:
        """resourceVersion of everything that a deploy could touch."""
        kinds = (
            "configmaps,secrets,serviceaccounts,services,networkpolicies,poddisruptionbudgets,jobs,deployments,leases"
        )
        found = json.loads(self.kubectl("get", kinds, "-o", "json"))["items"]
        return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}

    def pods(self) -> set[str]:
        found = self.get("pods", "-l", "app.kubernetes.io/name=shop")["items"]
        return {pod["metadata"]["name"] for pod in found if not pod["metadata"].get("deletionTimestamp")}

    def nodes(self) -> set[str]:
        """Return the nodes of the service's pods."""
        found = self.get("pods", "-l", "app.kubernetes.io/name=shop")["items"]
        return {pod["spec"]["nodeName"] for pod in found if not pod["metadata"].get("deletionTimestamp")}

    @property
    def url(self) -> str:
        ports = self.get("service", "shop")["spec"]["ports"]
        return f"http://{NODE}:{ports[0]['nodePort']}"

    def http(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read() or "null")

    def sql(self, statement: str) -> str:
        return self.kubectl("exec", "postgres", "--", "psql", "-U", "postgres", "-d", "shop", "-Atc", statement).strip()

    def history(self) -> list[dict[str, Any]]:
        ended = self.task("history", "--json")
        assert ended.code == 0, ended
        return [json.loads(line) for line in ended.out.splitlines()]


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Polls; the value as soon as it is true. Fails with `what` otherwise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


@contextmanager
def namespace(name: str, identity: str = "") -> Iterator[str]:
    """An empty namespace with a PostgreSQL that answers; gone afterwards (not waited for).

    `identity`: the image of an identity provider that is to answer there, too.
    """
    run("kubectl", "create", "namespace", name)
    try:
        objects = DATABASE.replace("IMAGE", POSTGRES).replace("PASSWORD", PASSWORD)
        # The pod's own variable has that name, too.
        objects = objects.replace(f"POSTGRES_{PASSWORD}", "POSTGRES_PASSWORD")
        pods = ["pod/postgres"]
        if identity:
            objects += "---" + provider.OBJECTS.replace("IMAGE", identity)
            pods.append("pod/identity")
        run("kubectl", "-n", name, "apply", "-f", "-", stdin=objects)
        run("kubectl", "-n", name, "wait", *pods, "--for=condition=Ready", "--timeout=180s", seconds=200)
        yield name
    finally:
        run("kubectl", "delete", "namespace", name, "--wait=false")
