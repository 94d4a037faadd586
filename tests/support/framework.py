"""Lay the tests of the framework over those of a baked service, whose fixtures and database they use."""

import shutil
from pathlib import Path

from hooks import options
from tests.support.template import ROOT

FRAMEWORK = ROOT / "tests" / "framework"
COMMON = "common"  # the other folders are named for the answer to `auth` that their tests need


def lay_over(service: Path, auth: str) -> list[str]:
    """Copy the tests for this answer into the service's `tests/`; return the paths of the test files there."""
    copied = []
    for folder in (FRAMEWORK / COMMON, FRAMEWORK / auth):
        for source in sorted(folder.rglob("*.py")):
            target = service / "tests" / source.relative_to(folder)
            assert not target.exists(), f"the service has tests/{source.relative_to(folder)} already"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            copied.append(target)
    options.apply_regions(service, {"auth": auth})
    return [str(path.relative_to(service)) for path in copied if path.name.startswith("test_")]
