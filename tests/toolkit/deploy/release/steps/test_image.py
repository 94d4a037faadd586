"""The image step: layers are made ahead only as long as a build may need them."""

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.image import build
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed, Plan
from toolkit.deploy.places.kubernetes.node_platforms import misfit
from toolkit.deploy.records import ReleaseRecord
from toolkit.deploy.release.commits import Checkout, Commit
from toolkit.deploy.release.state import Known, Options
from toolkit.deploy.release.steps.image import Image


@pytest.mark.parametrize(("digest", "ended"), [("sha256:1", [True]), (None, [])])
def test_what_was_begun_for_a_build_ends_when_the_image_is_found(
    digest: str | None, ended: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "content_key", lambda *_: "0123")
    monkeypatch.setattr(build, "find", lambda *_: digest)
    closed: list[bool] = []
    ahead = ExitStack()
    ahead.callback(closed.append, True)
    environment = SimpleNamespace(repository="example.com/shop", image=None, platforms=("linux/amd64",))
    records = [ReleaseRecord(1, "sha256:1", "", "deployed", "manifests")]
    place = SimpleNamespace(records=lambda: records, unfit=lambda _: None)
    target: Any = SimpleNamespace(ahead=ahead, environment=environment, project=None, place=place)
    target.options, target.checkout = Options(), None
    observed = Image().observe(target, Known())
    assert closed == ended
    assert observed.plan().empty == bool(digest)
    assert observed.learned().digest == digest


def planned(folder: Path, *, allow_older: bool = False, platform: str = "linux/amd64", git: str = "") -> Plan:
    """The plan for an image that is not built yet, on nodes with amd64, over release 1."""
    base = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"name": "s"}}
    info = {"operatingSystem": "linux", "architecture": "amd64"}
    node = {"metadata": {"name": "a"}, "spec": {}, "status": {"nodeInfo": info}}
    last = ReleaseRecord(1, "sha256:1", "", "deployed", "manifests", git=git, commit_time="2026-01-02T00:00:00Z")
    environment = KubernetesEnvironment.model_validate({**base, "platforms": [platform]})
    place = SimpleNamespace(records=lambda: [last], unfit=lambda image: misfit(image, [node], environment))
    target: Any = SimpleNamespace(
        project=folder,
        environment=environment,
        place=place,
        options=Options(allow_older=allow_older),
        checkout=Checkout(Commit("a" * 40, "2026-01-01T00:00:00Z")),
        ahead=ExitStack(),
    )
    return Image().observe(target, Known()).plan()


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "content_key", lambda *_: "0123")
    monkeypatch.setattr(build, "find", lambda *_: None)


@pytest.mark.usefixtures("nothing_built")
def test_an_earlier_commit_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(Failed) as caught:
        planned(tmp_path, git="b" * 12)
    assert caught.value.failure.code == "OLDER"
    assert not planned(tmp_path, git="b" * 12, allow_older=True).empty
    assert not planned(tmp_path, git="a" * 12).empty


@pytest.mark.usefixtures("nothing_built")
def test_an_image_for_other_nodes_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(Failed) as caught:
        planned(tmp_path, platform="linux/arm64")
    assert caught.value.failure.code == "IMG_PLATFORM"
    assert not planned(tmp_path).empty
