"""A deploy with nothing prepared: the image is built from the checkout, and an example goes through the API."""

import json
import shutil
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.answering import Quiet, answering
from tests.support.provider import Provider
from tests.support.stage import REGISTRY, Images, Stage


@pytest.fixture(scope="module")
def checkout(actor: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A service that a test may edit, and an empty namespace for it."""
    project = tmp_path_factory.mktemp("whole") / "shop"
    shutil.copytree(actor.project, project, symlinks=True)
    # What this image trusts is built into it, as nothing is layered on top.
    shutil.copy(Provider(Path(actor.images.keys)).ca, project / "app")
    repository = f"{REGISTRY}/test-{uuid.uuid4().hex[:8]}/shop"
    with actor.fresh() as stage:
        images = Images(repository, keys=actor.images.keys)
        settings = (*stage.settings, "settings.SSL_CERT_FILE=/service/app/ca.pem")
        yield replace(stage, project=project, images=images, settings=settings)


@pytest.mark.drill(minutes=2)
def test_a_missing_image_is_built(checkout: Stage) -> None:
    shown = checkout.task("deploy", "--check", "--exit-code")
    assert shown.code == 2, shown
    assert "decided after build" in shown.out
    first = checkout.task("deploy", "--yes")
    assert first.code == 0, first
    built = checkout.image_of_deployment()
    assert checkout.http("/health")["image_digest"] == built
    assert _digest_in_registry(checkout, built)

    before = checkout.versions()
    again = checkout.task("deploy", "--yes")
    assert again.code == 0, again
    assert "changed=0" in again.out
    assert checkout.versions() == before

    with (checkout.project / "app" / "main.py").open("a") as code:
        code.write("# changed\n")
    changed = checkout.task("deploy", "--yes")
    assert changed.code == 0, changed
    assert checkout.image_of_deployment() != built


@pytest.mark.drill(minutes=1)
def test_doctor_has_nothing_to_mend(checkout: Stage) -> None:
    told = checkout.task("doctor")
    assert told.code == 0, told
    assert f"{checkout.images.repository} accepts a push" in told.out
    assert "reached from the pods" in told.out
    away = checkout.task("doctor", "-e", "repository=127.0.0.1:1/team/shop")
    assert away.code == 6, away
    assert "REGISTRY_UNREACHABLE" in away.out


@pytest.mark.drill(minutes=1)
def test_an_example_is_created_read_and_deleted(checkout: Stage) -> None:
    example = ("-e", f"url={checkout.url}", "-e", "smoke_writes=true", "-e", "replicas=1")
    refused = checkout.task("deploy", "--yes", *example)
    assert refused.code == 6, refused
    assert "NO_TOKEN" in refused.out
    ended = checkout.task("deploy", "--yes", *example, TOKEN=checkout.token)
    assert ended.code == 0, ended
    assert "POST /api/v1/products: 201; GET /api/v1/products/{id}: as created" in ended.out
    assert checkout.http("/api/v1/products")["items"] == []


@pytest.mark.drill
def test_a_service_that_does_not_write_is_taken_back(checkout: Stage) -> None:
    """An address in front of the service at which reading works and writing does not."""
    before = checkout.deployment()["spec"]["replicas"]
    with read_only(checkout.url) as address:
        ended = checkout.task(
            *("deploy", "--yes", "-e", f"url={address}", "-e", "smoke_writes=true", "-e", f"replicas={before + 1}"),
            TOKEN=checkout.token,
        )
    assert ended.code == 3, ended
    assert "UNEXPECTED_ANSWER" in ended.out
    assert checkout.deployment()["spec"]["replicas"] == before


@contextmanager
def read_only(upstream: str) -> Iterator[str]:
    class Front(Quiet):
        def do_GET(self) -> None:
            headers = {"Authorization": self.headers["Authorization"] or ""}
            request = urllib.request.Request(upstream + self.path, headers=headers)  # noqa: S310 - our own address
            with urllib.request.urlopen(request, timeout=60) as found:  # noqa: S310
                self.answer(found.status, found.read())

        def do_POST(self) -> None:
            self.answer(503, b'{"title": "read only"}')

    with answering(Front) as address:
        yield f"http://{address}"


def _digest_in_registry(stage: Stage, digest: str) -> bool:
    host, _, path = stage.images.repository.partition("/")
    request = urllib.request.Request(
        f"http://{host}/v2/{path}/manifests/{digest}", headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return bool(json.loads(answer.read())["layers"])
