"""Google's Secret Manager and Cloud Logging in front of a cluster: keys of a Secret, and lines of its pods."""

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.answering import Quiet, answering

TOKEN = "a-token-of-the-test"
CONTAINER = "app"


def kubectl(project: str, *arguments: str, stdin: str | None = None) -> str:
    """Return the output; empty for a failure."""
    command = ["kubectl", "-n", project, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else ""


def versions(project: str, name: str) -> dict[str, str]:
    found = kubectl(project, "get", "secret", name, "-o", "json")
    return json.loads(found).get("data", {}) if found else {}


def lines_of(project: str, query: str) -> list[dict[str, Any]]:
    """Entries of a query by revision or execution, the newest first."""
    revisions = re.findall(r'"([^"]+)"', query.partition("revision_name=")[2])
    execution = re.search(r'execution_name"="([^"]+)"', query)
    asked = [(f"serving.knative.dev/revision={name}", CONTAINER, name) for name in revisions]
    asked += [(f"job-name={execution[1]}", CONTAINER, execution[1])] if execution else []
    entries: list[dict[str, Any]] = []
    for selector, container, name in asked:
        for pod in kubectl(project, "get", "pods", "-l", selector, "-o", "name").split():
            lines = kubectl(project, "logs", pod, "-c", container)
            lines = lines or kubectl(project, "logs", pod, "-c", container, "--previous")
            resource = {"type": "cloud_run_revision", "labels": {"revision_name": name}}
            entries += [{"textPayload": line, "resource": resource} for line in lines.splitlines()]
    return entries[::-1]


class Handler(Quiet):
    def reply(self, status: int, body: object) -> None:
        self.answer(status, json.dumps(body).encode(), Content_Type="application/json")

    def refuse(self, status: int, message: str) -> None:
        self.reply(status, {"error": {"code": status, "message": message, "status": "X"}})

    def body(self) -> dict[str, object]:
        content: dict[str, object] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return content

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.refuse(401, "who are you")
        _, _, project, _, name, _, version = unquote(urlsplit(self.path).path).strip("/").split("/")
        found = versions(project, name)
        number = max(found, key=int, default="") if version == "latest" else version
        if number not in found:
            return self.refuse(404, f"Secret [{name}] not found or has no versions.")
        return self.reply(200, {"name": f"projects/{project}/secrets/{name}/versions/{number}", "state": "ENABLED"})

    def do_POST(self) -> None:
        path, body = unquote(urlsplit(self.path).path), self.body()
        if path == "/v2/entries:list":
            project = str(body["resourceNames"]).strip("[]'").removeprefix("projects/")
            return self.reply(200, {"entries": lines_of(project, str(body["filter"]))[: int(str(body["pageSize"]))]})
        _, _, project, _, name = path.removesuffix(":addVersion").strip("/").split("/")
        found = versions(project, name)
        number = str(max(map(int, found), default=0) + 1)
        payload = body["payload"]
        assert isinstance(payload, dict)
        base64.b64decode(payload["data"], validate=True)
        patch = json.dumps({"data": {number: payload["data"]}})
        kubectl(project, "patch", "secret", name, "--patch", patch)
        return self.reply(200, {"name": f"projects/{project}/secrets/{name}/versions/{number}"})


@contextmanager
def google_apis() -> Iterator[dict[str, str]]:
    """Yield the variables of a deployer, as gcloud knows them."""
    with answering(Handler) as address:
        yield {
            "CLOUDSDK_AUTH_ACCESS_TOKEN": TOKEN,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"http://{address}/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING": f"http://{address}/",
        }
