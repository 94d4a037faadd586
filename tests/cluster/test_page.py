"""The deploy page of a release on a cluster."""

import re
from pathlib import Path

import pytest

from tests.support.stage import Stage

pytestmark = [pytest.mark.drill(minutes=2), pytest.mark.alone]  # serves under load


def test_page_has_the_requests_of_each_step(running: Stage, tmp_path: Path) -> None:
    """The control is the deploy without clients."""
    page = tmp_path / "deploy.html"
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
