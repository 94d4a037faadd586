"""The image step: layers are made ahead only as long as a build may need them."""

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.steps import Image


@pytest.mark.parametrize(("digest", "ended"), [("sha256:1", [True]), (None, [])])
def test_what_was_begun_for_a_build_ends_when_the_image_is_found(digest: str | None, ended: list[bool]) -> None:
    seen: list[bool] = []
    ahead = ExitStack()
    ahead.callback(seen.append, True)
    target: Any = SimpleNamespace(ahead=ahead, environment=SimpleNamespace(repository="example.com/shop"))
    plan = Image().plan(target, ("0123", digest))
    assert seen == ended
    assert plan.empty == bool(digest)
