"""`docker buildx build` as a value, and what its failures mean. The outputs are BuildKit's own."""

from pathlib import Path

import pytest

from toolkit.deploy.image import buildx
from toolkit.deploy.outcomes import Failed

BUILD = buildx.Build(Path("/project"), "registry.example.com/shop:0123", "production")


def test_the_least_that_a_build_needs() -> None:
    assert buildx.command(BUILD) == [
        *("docker", "buildx", "build", "--progress", "plain", "--target", "production"),
        *("--tag", "registry.example.com/shop:0123", "--output", "type=cacheonly", "/project"),
    ]


def test_everything_that_a_build_can_have() -> None:
    build = buildx.Build(
        Path("/project"),
        "shop:0123",
        "production",
        arguments={"REVISION": "abc; rm -rf /"},
        platforms=["linux/amd64", "linux/arm64"],
        push=True,
        attest=True,
        metadata=Path("/tmp/metadata.json"),  # noqa: S108
    )
    assert buildx.command(build)[8:] == [
        *("shop:0123", "--build-arg", "REVISION=abc; rm -rf /"),
        *("--platform", "linux/amd64,linux/arm64"),
        *("--metadata-file", "/tmp/metadata.json", "--provenance", "mode=max", "--push", "/project"),  # noqa: S108
    ]


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("#12 [builder 2/3] RUN pip install uv", "builder 2/3: RUN pip install uv"),
        ("#9 [migrate] exporting to image", "migrate: exporting to image"),
        ("#1 [internal] load build definition", ""),
        ("#12 1.693 Installed 49 packages", ""),
        ("#12 DONE 4.6s", ""),
    ],
)
def test_the_steps_of_its_progress(line: str, step: str) -> None:
    assert buildx.step_of(line) == step


DISK = """\
#5 0.322 dd: error writing '/x': No space left on device
#5 ERROR: executor failed running [/bin/sh -c dd ...]: exit code: 1
ERROR: failed to solve: executor failed running [/bin/sh -c dd ...]: exit code: 1"""
LOCK = """\
#11 0.4 error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.
#11 ERROR: executor failed running [/bin/sh -c uv sync --locked]: exit code: 2
ERROR: failed to solve: executor failed running [/bin/sh -c uv sync --locked]: exit code: 2"""
PUSH = """\
#7 pushing 127.0.0.1:5999/a:1 with docker
#7 ERROR: {reason}
------
 > pushing 127.0.0.1:5999/a:1 with docker:
------
ERROR: {reason}"""
REFUSED = 'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused'
BASE = """\
#3 [internal] load metadata for docker.io/nosuch/image:1
#3 ERROR: failed to do request: Head "https://registry-1.docker.io/v2/nosuch/image/manifests/1": no such host
------
 > [internal] load metadata for docker.io/nosuch/image:1:
------
ERROR: failed to solve: failed to do request: Head "https://registry-1.docker.io/v2/": no such host"""
NO_BASE = """\
#3 [internal] load metadata for docker.io/library/python:9.9-slim
#3 ERROR: docker.io/library/python:9.9-slim: not found
------
 > [internal] load metadata for docker.io/library/python:9.9-slim:
------
ERROR: failed to solve: docker.io/library/python:9.9-slim: not found"""
STEP = """\
#3 [internal] load metadata for docker.io/library/python:3.13-slim
#3 DONE 0.0s
#11 0.4 E: Unable to locate package binutil
#11 ERROR: executor failed running [/bin/sh -c apt-get install binutil]: exit code: 100
ERROR: failed to solve: executor failed running [/bin/sh -c apt-get install binutil]: exit code: 100"""


@pytest.mark.parametrize(
    ("output", "code", "evidence"),
    [
        (DISK, "DISK_FULL", "dd: error writing '/x': No space left on device"),
        (LOCK, "LOCK_STALE", "needs to be updated"),
        (PUSH.format(reason=REFUSED), "REGISTRY_UNREACHABLE", "connection refused"),
        (PUSH.format(reason="unauthorized: authentication required"), "IMG_DENIED", "authentication required"),
        (PUSH.format(reason="denied: requested access to the resource is denied"), "IMG_DENIED", "is denied"),
        (PUSH.format(reason="received unexpected HTTP status: 503"), "REGISTRY_UNREACHABLE", "503"),
        (BASE, "REGISTRY_UNREACHABLE", "no such host"),
        (NO_BASE, "BASE_NOT_FOUND", "not found"),
        (STEP, "BUILD_FAILED", "Unable to locate package binutil"),
    ],
)
def test_a_failure_has_a_code_a_cause_and_a_next_step(output: str, code: str, evidence: str) -> None:
    failure = buildx.explain("127.0.0.1:5999/a:1", output.splitlines()).failure
    assert failure.code == code
    assert any(evidence in line for line in failure.evidence), failure
    assert failure.hint


INSPECT = """\
Name:          default
Driver:        {driver}
Nodes:
Platforms:        linux/amd64*, linux/386
"""


def test_the_builder_that_is_there() -> None:
    found = buildx.parse_builder(INSPECT.format(driver="docker"), containerd_store=False)
    assert found == buildx.Builder(indexes=False, platforms=("linux/amd64", "linux/386"))
    assert buildx.parse_builder(INSPECT.format(driver="docker"), containerd_store=True).indexes
    assert buildx.parse_builder(INSPECT.format(driver="docker-container"), containerd_store=False).indexes


@pytest.mark.parametrize(
    ("indexes", "wanted", "hint"),
    [(True, ["linux/arm64"], "binfmt"), (False, ["linux/amd64", "linux/386"], "buildx create")],
)
def test_platforms_that_it_does_not_build_for(indexes: bool, wanted: list[str], hint: str) -> None:
    with pytest.raises(Failed, match="PLATFORM_UNSUPPORTED") as caught:
        buildx.check_platforms(buildx.Builder(indexes, ("linux/amd64", "linux/386")), wanted)
    assert hint in caught.value.failure.hint


def test_platforms_that_it_builds_for() -> None:
    buildx.check_platforms(buildx.Builder(True, ("linux/amd64", "linux/386")), ["linux/amd64", "linux/386"])
    buildx.check_platforms(buildx.Builder(False, ("linux/amd64",)), ["linux/amd64"])
