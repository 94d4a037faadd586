"""A registry without TLS by a name other than localhost: what the engine does, the toolkit does."""

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.conftest import docker
from tests.support.stage import REGISTRY
from toolkit.deploy.image import push_permission, registry

SCHEMA = "0123456789ab"


@pytest.fixture
def repository(engine: None, tmp_path: Path) -> Iterator[str]:
    """A repository with one labelled image, by this machine's own name."""
    name, port = socket.gethostname(), REGISTRY.rpartition(":")[2]
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = ""
    if not address.startswith("127.") or not REGISTRY.startswith("127."):
        pytest.skip(f"{name} is not a name of 127.0.0.0/8, which engines trust without TLS")
    repository = f"{name}:{port}/test-{uuid.uuid4().hex[:8]}/shop"
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nLABEL {registry.SCHEMA_LABEL}={SCHEMA}\nCOPY Dockerfile /\n")
    docker("build", "--quiet", "--tag", f"{repository}:1", str(tmp_path))
    docker("push", "--quiet", f"{repository}:1")
    yield repository
    docker("image", "rm", "--force", f"{repository}:1")


def test_doctor_and_deploy_reach_what_push_reaches(repository: str) -> None:
    digest = registry.resolve(repository, "1")
    assert f"{repository}@{digest}" in docker("image", "inspect", "--format", "{{.RepoDigests}}", f"{repository}:1")
    assert registry.resolve(repository, digest) == digest
    assert registry.about(repository, digest).schema_head == SCHEMA
    push_permission.try_push(repository)
    with pytest.raises(Exception, match="IMG_NOT_FOUND"):
        registry.resolve(repository, "2")
