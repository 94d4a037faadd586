"""A stage on Cloud Run's API in front of Knative: a project is a namespace with a PostgreSQL in it."""

import http.client
import json
import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support import provider
from tests.support.load import Load
from tests.support.processes import under_way
from tests.support.provider import Provider
from tests.support.stage import PASSWORD, Ended, Images, namespace, run

ENDPOINT, INGRESS = os.environ.get("TEST_RUN_ENDPOINT", ""), os.environ.get("TEST_RUN_INGRESS", "")
SERVICE = "shop"
# An instance without a CPU limit fits on a small node.
QUICK = (
    "replicas=1",
    "hold_seconds=3",
    "lease_seconds=12",
    "annotations.serving.knative.dev/progress-deadline=180s",
    "region=europe-west1",
    "resources.memory_limit=256Mi",
)
# Knative judges a revision at that deadline only: long enough for a start on a busy machine, short where it must fail.
SOON = "annotations.serving.knative.dev/progress-deadline=25s"
DATABASE = f"postgresql://postgres:{PASSWORD}@sql:5432/shop"
# The Service is not called `postgres`: a Job's pod would get its address as POSTGRES_PORT, a setting of the service.
OBJECTS = f"""
apiVersion: v1
kind: Service
metadata: {{name: sql}}
spec: {{selector: {{app: postgres}}, ports: [{{port: 5432}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: database}}
stringData: {{"1": "{DATABASE}"}}
"""


def unavailable() -> str:
    """Return why there is no Cloud Run; empty if it answers."""
    if not (ENDPOINT and INGRESS):
        return "no Cloud Run to deploy to (TEST_RUN_ENDPOINT, TEST_RUN_INGRESS)"
    with suppress(OSError):
        urllib.request.urlopen(f"{ENDPOINT}/apis/serving.knative.dev/v1/namespaces/default/services", timeout=60)  # noqa: S310
        return ""
    return "TEST_RUN_ENDPOINT does not answer"


@dataclass
class CloudRunStage:
    """One project. `deploy(...)` runs `python3 tasks.py deploy staging --yes` in the service's folder."""

    name: str
    project: Path
    images: Images
    environment: dict[str, str]
    apis: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = QUICK
    more: tuple[str, ...] = ()

    @contextmanager
    def fresh(self) -> Iterator["CloudRunStage"]:
        """This stage in a project of its own, with a database; gone afterwards."""
        with namespace(f"test-{uuid.uuid4().hex[:8]}") as name:
            made = replace(self, name=name)
            made.kubectl("apply", "-f", "-", stdin=OBJECTS)
            made.kubectl("delete", "service", "postgres")
            yield made

    @cached_property
    def token(self) -> str:
        return Provider(Path(self.images.keys)).token()

    def load(self, rate: float = 60, threads: int = 6) -> Load:
        return Load(f"http://{INGRESS}", rate, threads, token=self.token, host=self.host)

    @property
    def host(self) -> str:
        return f"{SERVICE}.{self.name}.run.test"

    @property
    def keys(self) -> Sequence[str]:
        key = json.dumps(Provider(Path(self.images.keys)).public_key)
        return (
            "place=cloudrun",
            f"project={self.name}",
            f"service={SERVICE}",
            f"repository={self.images.repository}",
            "secret={store: google, keys: {DATABASE_URL: database}}",
            f"settings.JWT_KEY={key}",
            f"settings.JWT_ISSUER={provider.ISSUER}",
            f"settings.JWT_AUDIENCE={provider.AUDIENCE}",
            *self.settings,
            *self.more,
        )

    def command(self, task: str, *arguments: str, image: str | None = None) -> list[str]:
        given = (*self.keys, *((f"image={self.images.digests.get(image, image)}",) if image else ()))
        python = str(self.project / ".venv" / "bin" / "python")
        pairs = [part for pair in given for part in ("-e", pair)]
        return [python, "tasks.py", task, "staging", *pairs, *arguments]

    @property
    def variables(self) -> dict[str, str]:
        endpoint = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": f"{ENDPOINT}/"}
        return {**self.environment, **endpoint, **self.apis, "http_proxy": f"http://{INGRESS}"}

    def task(self, task: str, *arguments: str, image: str | None = None, stdin: str = "", **env: str) -> Ended:
        return self._run(self.command(task, *arguments, image=image), stdin, **env)

    def _run(self, command: Sequence[str], stdin: str = "", **env: str) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.project,
            env={**self.variables, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def deploy(self, image: str = "v1", *arguments: str, **env: str) -> Ended:
        return self.task("deploy", "--yes", *arguments, image=image, **env)

    def deploy_telling(self, line: str, image: str, *arguments: str) -> Ended:
        """A deploy whose output has this line; see `Stage.deploy_telling` for why it may be missing."""
        for _ in range(3):
            ended = self.deploy(image, *arguments)
            if line in ended.out:
                return ended
        raise AssertionError(f"{line!r} was never told: {ended}")

    def logs(self) -> Ended:
        python, file, _, _, *keys = self.command("logs")
        return self._run([python, file, "logs", "--env", "staging", *keys])

    @contextmanager
    def deploying(self, image: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A deploy that is under way; killed at the end if it still runs."""
        command = self.command("deploy", "--yes", *arguments, image=image)
        with under_way(command, self.project, self.variables) as child:
            yield child

    def served(self) -> str:
        """Digest of the version that answers; empty without an answer."""
        with suppress(OSError, ValueError, http.client.HTTPException):
            request = urllib.request.Request(f"http://{INGRESS}/health", headers={"Host": self.host})
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
                return str(json.load(answer).get("image_digest", ""))
        return ""

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return run("kubectl", "-n", self.name, *arguments, stdin=stdin)

    def service(self) -> dict[str, Any]:
        return json.loads(self.kubectl("get", "ksvc", SERVICE, "-o", "json"))

    def traffic(self) -> dict[str, int]:
        """The shares in effect, by digest."""
        digests = {}
        for item in json.loads(self.kubectl("get", "revisions.serving.knative.dev", "-o", "json"))["items"]:
            digests[item["metadata"]["name"]] = item["spec"]["containers"][0]["image"].rpartition("@")[2]
        return {digests[item["revisionName"]]: item.get("percent", 0) for item in self.service()["status"]["traffic"]}

    def versions(self) -> dict[str, str]:
        """Generation or version of everything that a deploy could touch."""
        found = json.loads(self.kubectl("get", "ksvc,revisions.serving.knative.dev,configmaps,jobs", "-o", "json"))
        return {
            f"{item['kind']}/{item['metadata']['name']}": str(
                item["metadata"]["generation"] if item["kind"] != "ConfigMap" else item["metadata"]["resourceVersion"]
            )
            for item in found["items"]
            if "generation" in item["metadata"] or item["kind"] == "ConfigMap"
        }

    def take_lock(self, holder: str) -> None:
        """Write another holder into the Job with the lock, as a deployer does whose clock has waited long enough."""
        url = f"{ENDPOINT}/apis/run.googleapis.com/v1/namespaces/{self.name}/jobs/{SERVICE}-migrate"
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own address
            job = json.load(answer)
        lock = {"holder": holder, "seconds": 8, "since": "now", "renewed": "now"}
        job["metadata"]["annotations"]["deploy/lock"] = json.dumps(lock)
        del job["metadata"]["resourceVersion"]
        request = urllib.request.Request(url, json.dumps(job).encode(), method="PUT")  # noqa: S310
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310

    def sql(self, statement: str) -> str:
        return self.kubectl("exec", "postgres", "--", "psql", "-U", "postgres", "-d", "shop", "-Atc", statement).strip()

    def history(self) -> list[dict[str, Any]]:
        ended = self.task("history", "--json")
        assert ended.code == 0, ended
        return [json.loads(line) for line in ended.out.splitlines()]
