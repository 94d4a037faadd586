"""The commands of both READMEs, executed as written: in a fresh copy of the repository, with an empty home."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from workshop import documents, reader
from workshop.documents import Block

ROOT = Path(__file__).resolve().parents[2]
NOT_RUN_AGAIN = "test_every_link"  # `test` in here would otherwise run all of this once more
# The commands run as they are written, on some tests of each part: all of a service's own run in test_domains.py.
SOME = "test_documents or test_auth_matrix or test_probes"

pytestmark = pytest.mark.alone  # it runs tests itself, on every core


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the working tree that git does not ignore: what a commit of them would give to a clone."""
    folder = tmp_path_factory.mktemp("fresh") / "scaffolder"
    listed = _git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def variables(clone: Path) -> dict[str, str]:
    home = clone.parent / "home"
    home.mkdir()
    return reader.environment(home, PYTEST_ADDOPTS=f"-k {NOT_RUN_AGAIN}")


@pytest.fixture(scope="module")
def service(clone: Path, variables: Mapping[str, str]) -> Path:
    """The service that the README's reader has made, after everything that the README says."""
    did = []
    for block in documents.shell_blocks(clone / "README.md"):
        if block.mark == "serves":
            with reader.serving(block, clone, variables, until="The service is running") as said:
                _get(re.findall(r"docs +(http\S+)", said)[-1])
        elif block.mark == "answers with the defaults":
            reader.run(block, clone, variables, typed="\n" * 40)
        else:
            assert block.mark == "", f"nobody knows what to do with `{block.mark}`"
            reader.run(block, clone, variables)
        did.append(block.text)
    assert did[:2] == ["python3 tasks.py demo\n", "python3 tasks.py test\n"], "the two commands come first"
    return next(path.parent for path in clone.parent.glob("*/service.toml"))


@pytest.mark.drill(minutes=4)
def test_what_the_readme_says_makes_a_service(service: Path) -> None:
    assert (service / "docs" / "openapi.json").exists()
    assert _git(service, "status", "--porcelain") == ""


@pytest.mark.drill(minutes=3)
def test_what_the_readme_of_the_service_says_works(service: Path, variables: Mapping[str, str]) -> None:
    own = {**variables, "PYTEST_ADDOPTS": f"--cov-fail-under=0 -k '{SOME}'"}
    blocks = reader.on_a_free_port(documents.blocks(service / "README.md"))
    shell = [block for block in blocks if block.language == "sh"]
    first, *_ = served = [block for block in shell if block.mark == "serves"]
    assert len(served) == 1
    with reader.serving(first, service, own, until="Ctrl-C stops it"):
        for block in shell:
            if block.mark == "while serving":
                answer = reader.run(block, service, own)
                assert json.loads(answer[answer.index('{"items"') :]) == {"items": [], "next": None}
    reader.follow([*blocks, *documents.blocks(service / "docs" / "database.md")], service, own)
    reader.run(Block("sh", "python3 tasks.py lint\npython3 tasks.py migrate\n", "", 0), service, own)
    with reader.serving(first, service, own, until="Ctrl-C stops it") as said:
        address = re.findall(r"service +(http\S+)", said)[-1]
        token = reader.run(Block("sh", "python3 tasks.py token --all | tail -1", "", 0), service, own).split()[-1]
        assert _get(f"{address}/api/v1/rating", token) == b'{"reviews":0,"average":null}'


def test_a_block_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(reader.Misled, match="exit code 3"):
        reader.run(Block("sh", "true\nexit 3\n", "", 7), tmp_path, dict(os.environ))


def test_a_diff_that_does_not_apply_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    diff = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-two\n+three\n"
    with pytest.raises(reader.Misled, match="line 5: the diff does not apply"):
        reader.follow([Block("diff", diff, "patch", 5)], tmp_path, dict(os.environ))


def _get(url: str, token: str = "") -> bytes:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        content: bytes = response.read()
        return content


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
