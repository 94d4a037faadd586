"""A service of each earlier version, for pairs of answers, with edits: the update has no conflict, and it passes.

But for its edits an updated service has the files of a new one, which have tests of their own. So only a case with an
answer on auth, driver or Python that none before it had is linted and tested as a whole; the others run what the edits
touch.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import older
from tests.support.bakery import Bakery
from tests.support.pairwise import each_answer_once, pairwise

ROOT = Path(__file__).resolve().parents[2]
# From before the toolkit had a folder to the newest version; between them the states in which a service was made alike.
COMMITS = (
    "e0a3d81",  # 0.1.0
    "09e4dae",
    "8a9cbf6",
    "ef53daa",
    "012d2b7",  # 0.2.0 in the making: then a folder for the toolkit, rooms, its contract
    "930a869",
    "1a263b8",
    "12844ca",
    "7280004",  # 0.2.0
)
OPTIONS = {
    "commit": COMMITS,
    "driver": ("manifests", "helm"),
    "auth": ("jwt", "none"),
    "ci": ("github", "gitlab", "none"),
    "python_version": ("3.13", "3.11"),
}
ANSWERS = {"project_name": "Shop", "resources": "product: name:str(1..100) price:decimal(10,2)>0"}
EDITED = ["Dockerfile", "app/main.py", "app/models/product.py"]


# The answer came after 0.2.0: no earlier version makes such a service.
ACCOUNTS = {"commit": "97360c0", "driver": "helm", "auth": "accounts", "ci": "gitlab", "python_version": "3.11"}
CASES = (*pairwise(OPTIONS), ACCOUNTS)
WHOLE = tuple(each_answer_once({name: case[name] for name in ("auth", "driver", "python_version")} for case in CASES))
EDITS_ALONE = ["test.unit", "-k", "product or review or columns"]


@pytest.mark.drill(minutes=1)
@pytest.mark.parametrize(
    ("answers", "whole"), zip(CASES, WHOLE, strict=True), ids=["-".join(case.values()) for case in CASES]
)
def test_an_updated_service_lints_and_passes_its_unit_tests(
    bakery: Bakery, answers: Mapping[str, str], whole: bool, tmp_path: Path
) -> None:
    chosen = {**ANSWERS, **answers}
    shop = older.owned(older.make(ROOT, chosen.pop("commit"), tmp_path, chosen))
    environment = {**bakery.environment, **older.AUTHOR}

    def task(folder: Path, *arguments: str) -> None:
        command = [sys.executable, "tasks.py", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}\n{(done.stdout + done.stderr)[-4000:]}"

    task(ROOT, "update", str(shop))
    assert older.git(shop, "diff", "--name-only", "template").splitlines() == EDITED
    for arguments in (["setup"], ["openapi"], ["format"], *([["lint"], ["test.unit"]] if whole else [EDITS_ALONE])):
        task(shop, *arguments)
