"""Fixtures of the toolkit's unit tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

WriteProgram = Callable[[Path, str], None]


@pytest.fixture
def write_program() -> WriteProgram:
    """Write a program for the toolkit to call; skip where temporary files cannot run, as in the test containers."""

    def write(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)
        if not os.access(path, os.X_OK):
            pytest.skip("the file system of temporary files is mounted noexec")

    return write
