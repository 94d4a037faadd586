"""Waits of tests are generous, so that a slow machine fails none of them."""

from pathlib import Path

import pytest

from tests.support import waits

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted((*ROOT.glob("tests/**/*.py"), *ROOT.glob("<<cookiecutter.project_slug>>/tests/**/*.py")))


def test_no_wait_of_a_test_ends_within_a_minute() -> None:
    assert len(TESTS) > 50
    short = [f"{path.relative_to(ROOT)}:{line}" for path in TESTS for line in waits.short(path.read_text())]
    assert not short, "give it tests.support.waiting.PATIENCE, or say `# is to run out`:\n" + "\n".join(short)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("child.wait(30)", [1]),
        ("child.wait(PATIENCE)", []),
        ("child.wait(600)", []),
        ("run(command, timeout=20)", [1]),
        ("until(ready, 30, 'ready')", [1]),
        ("async def f():\n  async with asyncio.timeout(10):\n    pass", [2]),
        ("with pytest.raises(TimeoutError):\n  with timeout(0.2):\n    pass", []),
        ("asyncio.wait(tasks, timeout=0.1)  # is to run out", []),
        ("os.path.join('a', 'b')", []),
    ],
)
def test_short_limits_are_found(source: str, lines: list[int]) -> None:
    assert list(waits.short(source)) == lines
