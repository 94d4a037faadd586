"""`docker buildx build`: its argument list, its run with progress, and the causes of its failures.

Docker's SDK does not support BuildKit, so this is the command line. The argument list is built separately, as a value.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from toolkit.deploy import process, program_errors
from toolkit.deploy.image import docker_engine
from toolkit.deploy.image.registry import refused
from toolkit.deploy.outcomes import Failed, fail

# The start of a step in BuildKit's plain progress: `#12 [builder 2/3] RUN pip install ...`
_STEP = re.compile(r"^#\d+ \[(?!internal\])([^\]]+)\] (.+)")
_LINES_KEPT = 60


@dataclass(frozen=True)
class Build:
    """One call. `push` sends the result to the registry, `load` to the engine; otherwise it stays in the builder."""

    context: Path
    tag: str
    target: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    platforms: Sequence[str] = ()
    push: bool = False
    load: bool = False
    attest: bool = False
    metadata: Path | None = None


def command(build: Build) -> list[str]:
    """Return the argument list. Pure."""
    return [
        *("docker", "buildx", "build", "--progress", "plain", "--target", build.target),
        *("--tag", build.tag),
        *(part for name, value in build.arguments.items() for part in ("--build-arg", f"{name}={value}")),
        *(("--platform", ",".join(build.platforms)) if build.platforms else ()),
        *(("--metadata-file", str(build.metadata)) if build.metadata else ()),
        *(("--provenance", "mode=max") if build.attest else ()),
        *(("--push",) if build.push else ()),
        *(("--load",) if build.load else ()),
        *(() if build.push or build.load else ("--output", "type=cacheonly")),
        str(build.context),
    ]


@dataclass(frozen=True)
class Builder:
    """The current builder of `docker buildx`. `indexes`: it can store several manifests under one name."""

    indexes: bool
    platforms: tuple[str, ...]


def builder(wanted: Sequence[str], *, containerd_store: bool) -> Builder:
    """Check the builder. Raises Failed if it cannot build for `wanted`. `containerd_store`: of the engine."""
    found = parse_builder(inspected(), containerd_store=containerd_store)
    check_platforms(found, wanted)
    return found


@cache
def inspected() -> str:
    """Return the current builder. Raises Failed NO_BUILDER, NO_BUILDX."""
    done = process.run(["docker", "buildx", "inspect"], seconds=60)
    if done.code:
        docker_engine.require("buildx")  # which may be why
        raise fail("NO_BUILDER", "docker buildx has no builder", done.cause, hint="`docker buildx ls` shows them")
    return done.out


def parse_builder(text: str, *, containerd_store: bool) -> Builder:
    """Parse the output of `docker buildx inspect`. Pure."""
    driver = re.search(r"^Driver:\s*(\S+)", text, re.M)
    platforms = re.search(r"^Platforms:\s*(.+)", text, re.M)
    names = [name.strip().rstrip("*") for name in platforms[1].split(",")] if platforms else []
    return Builder(containerd_store or not driver or driver[1] != "docker", tuple(names))


def check_platforms(found: Builder, wanted: Sequence[str]) -> None:
    """Check the platforms. Raises Failed PLATFORM_UNSUPPORTED. Pure."""
    missing = [name for name in wanted if found.platforms and name not in found.platforms]
    if missing:
        raise fail(
            "PLATFORM_UNSUPPORTED",
            f"this builder does not build for {', '.join(missing)}",
            f"it builds for {', '.join(found.platforms)}",
            hint="`docker run --privileged --rm tonistiigi/binfmt --install all` adds emulators; or build there",
        )
    if len(wanted) > 1 and not found.indexes:
        raise fail(
            "PLATFORM_UNSUPPORTED",
            "the engine's own builder supports one platform at a time",
            hint="`docker buildx create --use --driver docker-container` creates a builder for several",
        )


def run(build: Build, progress: Callable[[str], None]) -> None:
    """Build, and report each step as it begins. Raises Failed with the cause; a failed build leaves no image behind."""
    kept: deque[str] = deque(maxlen=_LINES_KEPT)

    def hear(line: str) -> None:
        kept.append(line)
        if step := step_of(line):
            progress(step)

    if process.follow(command(build), hear):
        raise explain(build.tag, list(kept))


def step_of(line: str) -> str:
    """Return the step that begins with a line of BuildKit's plain progress; empty for any other line. Pure."""
    found = _STEP.match(line)
    return f"{found[1]}: {found[2]}"[:120] if found else ""


def explain(tag: str, output: Sequence[str]) -> Failed:
    """Return the cause in a failed build's last lines. Pure."""
    said = "\n".join(output)
    known = program_errors.classify(said)
    if known and known.failure.code in ("DISK_FULL", "NO_CONTEXT", "NO_ENGINE"):
        return known
    if re.search(r"lockfile .*needs to be updated", said):
        return stale_lock(*(line for line in program_errors.lines_of(said) if "lockfile" in line.lower()))
    if re.search(r"^#\d+ ERROR: .*\n-+\n > pushing ", said, re.M) or "failed to push" in said:
        return refused(tag, said)
    if base := re.search(r"^ > \[internal\] load metadata for (\S+?):?$", said, re.M):
        found = program_errors.classify(said, f"base image {base[1]}")
        # Docker Hub denies access to repositories that do not exist.
        if found and found.failure.code not in ("IMG_NOT_FOUND", "IMG_DENIED"):
            return found
        return fail(
            "BASE_NOT_FOUND",
            f"base image {base[1]} not found",
            program_errors.cause_line(said),
            hint="correct the ARG at the top of the Dockerfile",
        )
    evidence = program_errors.lines_of(said)[-8:]
    return fail("BUILD_FAILED", "the image could not be built", *evidence, hint="correct the cause, and build again")


def stale_lock(*evidence: str) -> Failed:
    return fail(
        "LOCK_STALE",
        "uv.lock does not match pyproject.toml",
        *evidence,
        hint="run `uv lock`, review the diff, commit it",
    )
