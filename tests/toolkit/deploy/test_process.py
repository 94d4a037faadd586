"""A program beside our own work: it lives as long as that, whatever becomes of either."""

import os
from pathlib import Path

import pytest

from toolkit.deploy import process
from toolkit.deploy.outcomes import fail


def until_written(path: Path) -> int:
    while not path.exists() or not path.read_text().strip():
        pass
    return int(path.read_text())


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_ends_with_our_work_even_when_that_fails(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    seen = []

    def work() -> None:
        with process.beside(["sh", "-c", f"echo $$ > {told}; exec sleep 60"]):
            seen.append(lives(until_written(told)))
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        work()
    assert seen == [True]
    assert not lives(until_written(told))


def test_one_that_is_not_installed_stops_nobody() -> None:
    done = []
    with process.beside(["no-such-program"]):
        done.append(1)
    assert done


def test_an_internal_failure_is_reported() -> None:
    with pytest.raises(Exception, match="ours"), process.beside(["true"]):
        raise fail("X", "ours", hint="")
