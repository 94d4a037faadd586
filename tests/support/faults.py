"""Versions of the service that answer, and are worse than the one before."""

from collections.abc import Callable
from pathlib import Path

from tests.support import variants
from tests.support.stage import Images

FAULTY = """

import asyncio as _asyncio
import random as _random

_list = ResourceService.list


async def _faulty(self, **given):
    FAULT
    return await _list(self, **given)


ResourceService.list = _faulty
"""
FAULTS = {
    "erring": 'if _random.random() < 0.05: raise RuntimeError("a fault of this version")',
    "slow": "await _asyncio.sleep(2)",
}
LINES = (
    "USER root",
    "COPY faulty.py /tmp/faulty.py",
    "RUN cat /tmp/faulty.py >> app/services/base.py && rm -r app/services/__pycache__",
    "USER 10001:10001",
)


def build(images: Images, folder_of: Callable[[str], Path]) -> None:
    """Push `erring` and `slow`."""
    for name, fault in FAULTS.items():
        folder = folder_of(name)
        (folder / "faulty.py").write_text(FAULTY.replace("FAULT", fault))
        variants.layer(images, name, "\n".join(LINES), folder, files=folder)
