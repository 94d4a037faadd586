"""The image step: layers are made ahead only as long as a build may need them."""

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from deploy import image
from deploy.record import Record
from deploy.steps import Image
from deploy.target import Options


@pytest.mark.parametrize(("digest", "ended"), [("sha256:1", [True]), (None, [])])
def test_what_was_begun_for_a_build_ends_when_the_image_is_found(
    digest: str | None, ended: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "content_key", lambda *_: "0123")
    monkeypatch.setattr(image, "find", lambda *_: digest)
    closed: list[bool] = []
    ahead = ExitStack()
    ahead.callback(closed.append, True)
    environment = SimpleNamespace(repository="example.com/shop", image=None, platforms=("linux/amd64",))
    records = [Record(1, "sha256:1", "", "deployed", "manifests")]
    cluster = SimpleNamespace(list=lambda *_: [])
    target: Any = SimpleNamespace(
        ahead=ahead, environment=environment, project=None, digest=None, records=records, cluster=cluster
    )
    target.options, target.checkout = Options(), None
    seen = Image().observe(target)
    assert closed == ended
    assert Image().plan(target, seen).empty == bool(digest)
