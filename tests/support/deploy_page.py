"""Requests of clients on the deploy page, on any place that counts them."""

import re
from pathlib import Path

from tests.support.machines import MachineStage
from tests.support.stage import Stage


def require_requests_by_step(running: Stage | MachineStage, page: Path) -> None:
    """The control is the deploy without clients."""
    assert running.deploy("v2", "--page", str(page)).code == 0
    assert not sum(requests_by_step(page).values())
    with running.load(rate=40, threads=4) as load:
        ended = running.deploy("v1", "--page", str(page))
    assert ended.code == 0, ended
    found = requests_by_step(page)
    print(f"{load.sent} requests sent, on the page {found}")
    # What the old instance answers between the last look and its end is missing.
    assert load.sent / 2 < sum(found.values()) <= load.sent
    assert len([step for step, requests in found.items() if requests]) > 2


def requests_by_step(page: Path) -> dict[str, int]:
    rows = re.findall(r"<tr><td>(\w+)</td><td>\w+</td><td>[\d.]+</td><td>(\d+)</td><td>\d+</td>", page.read_text())
    return {step: int(requests) for step, requests in rows}
