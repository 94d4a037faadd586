"""The service's image: found by its content key, built if missing, and then used by digest."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.image import buildx, ci_outputs, docker_engine, labels
from toolkit.deploy.image import content_key as context
from toolkit.deploy.outcomes import Result, Status, fail
from toolkit.deploy.report import Report

Progress = Callable[[str], None]
SBOM = "sbom.cdx.json"


def content_key(project: Path, platforms: Sequence[str] = ()) -> str:
    """Return the tag of this content. Raises Failed NO_ENGINE, NO_LOCK, BASE_NOT_FOUND."""
    client = docker_engine.connect()
    return _key(client, project, platforms or [docker_engine.platform(client)])


def find(repository: str, tag: str) -> str | None:
    """Return the image's digest in its registry, None if missing. Raises Failed IMG_DENIED, REGISTRY_UNREACHABLE."""
    return docker_engine.registry_digest(docker_engine.connect(), f"{repository}:{tag}")


@dataclass(frozen=True)
class Pushed:
    """A built image. `digest`: of the index if there are several platforms; `schema`: the revision in its label."""

    digest: str
    schema: str


@contextmanager
def layers_ahead(project: Path, platforms: Sequence[str]) -> Iterator[None]:
    """Build the layers into the builder's cache in the background, so that they are ready when the build needs them.

    Nothing is tagged, stored in the engine or pushed; the build itself reports errors.
    """
    wanted = buildx.Build(project, "ahead", context.TARGET, platforms=platforms)
    with process.beside(buildx.command(wanted)), ThreadPoolExecutor(2) as pool:
        pool.submit(_lock_fault, project)
        pool.submit(buildx.inspected)
        yield


def build_and_push(
    project: Path, repository: str, tag: str, platforms: Sequence[str] = (), progress: Progress = lambda _: None
) -> Pushed:
    """Build and push the image if the registry does not have it."""
    indexes = _prepare(docker_engine.connect(), project, platforms)
    arguments = labels.arguments(project)
    with tempfile.TemporaryDirectory(prefix="build-") as folder:
        metadata = Path(folder) / "metadata.json"
        wanted = buildx.Build(
            project,
            f"{repository}:{tag}",
            context.TARGET,
            arguments,
            platforms,
            push=True,
            attest=indexes,
            metadata=metadata,
        )
        buildx.run(wanted, progress)
        return Pushed(json.loads(metadata.read_text())["containerimage.digest"], arguments["SCHEMA_HEAD"])


def build(project: Path, report: Report, *, check: bool = False, platforms: Sequence[str] = ()) -> int:
    """The task `build`: an image of this content in the engine, or for several platforms in the builder."""
    began = time.monotonic()
    client = docker_engine.connect()
    several = len(platforms) > 1
    tag = f"{repository_of(project)}:{_key(client, project, platforms or [docker_engine.platform(client)])}"
    ci_outputs.tell(image=tag)
    held = None if several else docker_engine.image_id(client, tag)
    if held:
        return _told(report, Status.OK, began, f"{tag}  {held[:19]}, nothing built")
    if check:
        return _told(report, Status.CHANGED, began, f"would build {tag}: no image here has this content")
    _prepare(client, project, platforms)
    report.start("image")
    wanted = buildx.Build(project, tag, context.TARGET, labels.arguments(project), platforms, load=not several)
    buildx.run(wanted, lambda text: report.progress("image", text))
    made = "stored in the builder; `push` sends it" if several else (docker_engine.image_id(client, tag) or "")[:19]
    return _told(report, Status.CHANGED, began, f"{tag}  {made}")


def push(project: Path, report: Report, *, check: bool = False, platforms: Sequence[str] = ()) -> int:
    """The task `push`: the image of this content in its registry, built if necessary."""
    began = time.monotonic()
    client = docker_engine.connect()
    repository = repository_of(project)
    key = _key(client, project, platforms or [docker_engine.platform(client)])
    digest = docker_engine.registry_digest(client, f"{repository}:{key}")
    if digest:
        ci_outputs.tell(digest=digest)
        return _told(report, Status.OK, began, f"{repository}@{digest}  nothing pushed")
    if check:
        return _told(report, Status.CHANGED, began, f"would push {repository}:{key}: the registry does not have it")
    report.start("image")
    digest = build_and_push(project, repository, key, platforms, lambda text: report.progress("image", text)).digest
    ci_outputs.tell(digest=digest)
    return _told(report, Status.CHANGED, began, f"{repository}@{digest}")


def write_sbom(project: Path, report: Report) -> int:
    """Write the Python packages of the production image in CycloneDX 1.5, from uv.lock only."""
    began = time.monotonic()
    done = process.run(
        [*_uv(), "export", "--quiet", "--locked", "--offline", "--no-default-groups", "--format", "cyclonedx1.5"],
        cwd=project,
    )
    if done.code:
        raise buildx.stale_lock(done.cause)
    (project / SBOM).write_text(done.out, encoding="utf-8")
    count = len(json.loads(done.out)["components"])
    report.result(Result("sbom", Status.CHANGED, time.monotonic() - began, f"{SBOM}, {count} components"))
    return 0


def repository_of(project: Path) -> str:
    return str(tomllib.loads((project / "service.toml").read_text("utf-8"))["service"]["image"])


def _prepare(client: docker_engine.DockerClient, project: Path, platforms: Sequence[str]) -> bool:
    """Check the requirements of a build before it starts. True if the builder supports attestations."""
    with ThreadPoolExecutor(1) as pool:  # in parallel with the builder, which takes as long
        lock = pool.submit(_lock_fault, project)
        builder = buildx.builder(platforms, containerd_store=docker_engine.has_containerd_store(client))
    if lock.result():
        raise buildx.stale_lock(lock.result())
    return builder.indexes


@cache
def _lock_fault(project: Path) -> str:
    """Return why uv.lock cannot be installed; empty if it can."""
    done = process.run([*_uv(), "lock", "--check", "--offline", "--quiet"], cwd=project)
    return done.cause if done.code else ""


def _key(client: docker_engine.DockerClient, project: Path, platforms: Sequence[str]) -> str:
    if not (project / "uv.lock").is_file():
        raise fail("NO_LOCK", "uv.lock is missing", hint="create it with `python3 tasks.py setup`")
    context.check_line_endings(project)
    return context.key(project, lambda name: docker_engine.base_digest(client, name), platforms=platforms)


def _told(report: Report, status: Status, began: float, summary: str) -> int:
    report.result(Result("image", status, time.monotonic() - began, summary))
    return 0


def _uv() -> list[str]:
    return [sys.executable, "-m", "uv"]
