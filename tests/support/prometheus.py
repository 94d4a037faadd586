"""Prometheus and its promtool: the programs on PATH, else those of the image prom/prometheus."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.running import free_port, wait_for

IMAGE = "prom/prometheus:latest"


def missing() -> str:
    """Return why neither is available; empty if one is."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return ""
    if not shutil.which("docker"):
        return "neither Prometheus nor Docker is installed"
    done = subprocess.run(["docker", "image", "inspect", IMAGE], check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"no Prometheus on PATH, and no image {IMAGE}: {done.stderr.strip()}"


def command(program: str, folder: Path, name: str = "") -> list[str]:
    """The start of a command line for `prometheus` or `promtool`, which sees `folder` under its own path."""
    if found := shutil.which(program):
        return [found]
    named = ["--name", name] if name else []
    seen = ["--volume", f"{folder}:{folder}", "--workdir", str(folder), "--user", "0"]
    return ["docker", "run", "--rm", "--network", "host", *named, *seen, "--entrypoint", program, IMAGE]


class Prometheus:
    """A running one. `alerts()` gives the names of those that fire."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=60) as response:  # noqa: S310
            return json.load(response)["data"]

    def alerts(self) -> set[str]:
        return {
            alert["labels"]["alertname"] for alert in self.get("/api/v1/alerts")["alerts"] if alert["state"] == "firing"
        }

    def targets_up(self) -> bool:
        return [target["health"] for target in self.get("/api/v1/targets")["activeTargets"]] == ["up"]


@contextmanager
def running(folder: Path) -> Iterator[Prometheus]:
    """Prometheus on `folder/prometheus.yml`, ready."""
    port = free_port()
    name = f"prometheus-test-{port}"
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    options += [f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([*command("prometheus", folder, name), *options], stdout=log, stderr=log)
    try:
        prometheus = Prometheus(port)

        def ready() -> bool:
            assert child.poll() is None, (folder / "log").read_text()
            try:
                with urllib.request.urlopen(f"{prometheus.address}/-/ready", timeout=60):  # noqa: S310
                    return True
            except OSError:
                time.sleep(0.1)
                return False

        wait_for(ready, "Prometheus to be ready")
        yield prometheus
    finally:
        child.terminate()
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
