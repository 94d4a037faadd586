"""The service's image and cheap layers on top of it: each fails in one way of its own."""

import json
import subprocess
import uuid
from dataclasses import asdict
from pathlib import Path

from tests.support.bakery import Bakery
from tests.support.provider import CA_IN_IMAGE, HOST, Provider
from tests.support.stage import REGISTRY, Images, run

# Whatever fails in serving has to migrate first.
MIGRATES = 'if [ "$1" = migrate ]; then exec /bin/sh /service/entrypoint.sh migrate; fi'
SERVES = {
    "crash": "echo starting up; echo cannot open the flux capacitor >&2; exit 17",
    # Nobody listens on port 1: it starts, and never finds its database.
    "unready": "exec env DATABASE_URL=postgresql://shop:a-long-password@127.0.0.1:1/shop python -m app",
    "deaf": "echo up but deaf; exec sleep 1000",
    "greedy": "sleep 2; exec python -c 'kept = [bytearray(10**7) for _ in range(10**4)]'",
}


def once(bakery: Bakery, project: Path) -> Images:
    """Build them once in a run, by the worker that asks first."""
    told = bakery.folder / "images.json"
    with bakery._once("images") as first:
        if first:
            folder = bakery.folder / "images-of-shop"
            folder.mkdir()
            told.write_text(json.dumps(asdict(build(project, folder))))
    return Images(**json.loads(told.read_text()))


def build(project: Path, folder: Path) -> Images:
    """Push `v1` ... `v3` and the faulty variants under a path of this run's own."""
    run_name = f"test-{uuid.uuid4().hex[:8]}"
    repository = f"{REGISTRY}/{run_name}/shop"
    provider = Provider.make(folder / "identity", f"{HOST}.{run_name}")
    images = Images(repository, keys=str(provider.folder))
    images.digests["identity"] = push([str(provider.folder)], repository, "identity", folder)
    head = next((project / "alembic" / "versions").glob("*_initial.py")).name.split("_")[1]
    images.digests["v1"] = push(
        ["--target", "production", "--build-arg", f"SCHEMA_HEAD={head}", str(project)], repository, "v1", folder
    )
    trusts = f"COPY {provider.ca.name} {CA_IN_IMAGE}\nENV SSL_CERT_FILE={CA_IN_IMAGE}"
    images.digests["v1"] = layer(images, "v1", trusts, folder, files=provider.folder)
    for name in ("v2", "v3"):
        images.digests[name] = layer(images, name, f"ENV VARIANT={name}", folder)
    for name, script in SERVES.items():
        entry = json.dumps(["/bin/sh", "-c", f"{MIGRATES}; {script}", "entrypoint"])
        images.digests[name] = layer(images, name, f"ENTRYPOINT {entry}", folder)
    return images


def layer(images: Images, name: str, lines: str, folder: Path, files: Path | None = None) -> str:
    """An image on top of `v1`. Returns its digest."""
    dockerfile = folder / f"{name}.Dockerfile"
    dockerfile.write_text(f"FROM {images.repository}@{images['v1']}\n{lines}\n")
    context = files or folder
    images.digests[name] = push(["-f", str(dockerfile), str(context)], images.repository, name, folder)
    return images.digests[name]


def push(arguments: list[str], repository: str, tag: str, folder: Path) -> str:
    """Build and push an image. Returns its digest."""
    told = folder / f"{tag}.json"
    run(
        "docker",
        "buildx",
        "build",
        "--push",
        "--quiet",
        "--provenance=false",
        "--metadata-file",
        str(told),
        "-t",
        f"{repository}:{tag}",
        *arguments,
        seconds=400,
    )
    return json.loads(told.read_text())["containerimage.digest"]


def available() -> str:
    """Return why no cluster is available for tests; empty if one is."""
    for command, reason in (
        (["kubectl", "get", "--raw", "/readyz"], "no Kubernetes answers (KUBECONFIG)"),
        (["docker", "buildx", "version"], "no docker with buildx"),
    ):
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return reason
        if done.returncode:
            return reason
    return ""
