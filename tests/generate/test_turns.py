"""Which tests deploy to a place: by folder, not by the name of a folder alone."""

from pathlib import Path

import pytest

from tests.support.turns import PLACES, deploys


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/cluster/test_walk.py", True),
        ("tests/azure/test_verdicts.py", True),
        ("tests/toolkit/deploy/places/machine/test_plan.py", False),
        ("tests/generate/test_cloudrun.py", False),
        ("/elsewhere/tests/cluster/test_there.py", True),
    ],
)
def test_deploys(path: str, expected: bool) -> None:
    assert deploys(Path(path)) == expected


def test_each_place_has_its_folder() -> None:
    root = Path(__file__).resolve().parents[1]
    assert all((root / place).is_dir() for place in PLACES)
