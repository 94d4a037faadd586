"""The content key: what changes it, and what must not."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.deploy.image import content_key
from toolkit.deploy.outcomes import Failed

DOCKERFILE = """\
# FROM nothing: a comment
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS builder
RUN true
FROM builder AS code
FROM --platform=$BUILDPLATFORM python:$PYTHON_VERSION-slim AS production
COPY --from=code /service .
FROM scratch
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / ".dockerignore").write_text("# only this\n*\n!app\n!run.sh\n**/__pycache__\n")
    (tmp_path / "app" / "__pycache__").mkdir(parents=True)
    (tmp_path / "app" / "main.py").write_text("main\n")
    (tmp_path / "app" / "__pycache__" / "main.pyc").write_text("compiled")
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "README.md").write_text("read me\n")
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=secret\n")
    return tmp_path


def key(project: Path, base: str = "sha256:1", **others: object) -> str:
    return content_key.key(project, lambda _: base, **{"platforms": ["linux/amd64"], **others})  # type: ignore[arg-type]


def test_only_what_the_ignore_file_lets_in(project: Path) -> None:
    assert content_key.files(project) == [".dockerignore", "Dockerfile", "app/main.py", "run.sh"]


def test_a_key_is_a_tag(project: Path) -> None:
    assert re.fullmatch(rf"[0-9a-f]{{{content_key.KEY_LENGTH}}}", key(project))


def test_the_same_content_elsewhere_has_the_same_key(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(project, copy)
    os.utime(copy / "app" / "main.py", (0, 0))
    assert key(copy) == key(project)


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "README.md").write_text("other"),
        lambda project: (project / ".env").write_text("OTHER=1"),
        lambda project: (project / "app" / "__pycache__" / "new.pyc").write_text("x"),
        lambda project: (project / "tests").mkdir(),
        lambda project: (project / "app" / "empty").mkdir(),
        lambda project: _for_the_owner_alone(project),
    ],
    ids=["document", ".env", "compiled", "folder outside", "empty folder", "umask 077"],
)
def test_what_is_not_in_the_image_changes_nothing(project: Path, change: Callable[[Path], object]) -> None:
    before = key(project)
    change(project)
    assert key(project) == before


def _for_the_owner_alone(project: Path) -> None:
    """A checkout with umask 077: the Dockerfile sets git's file modes in the image."""
    for path in project.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)


def _link(project: Path) -> None:
    (project / "app" / "main.py").unlink()
    (project / "app" / "main.py").symlink_to("../run.sh")


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "app" / "main.py").write_text("changed\n"),
        lambda project: (project / "app" / "new.py").write_text(""),
        lambda project: (project / "app" / "main.py").rename(project / "app" / "other.py"),
        lambda project: (project / "run.sh").chmod(0o755),
        _link,
        lambda project: (project / "Dockerfile").write_text(DOCKERFILE + "USER 1\n"),
        lambda project: (project / ".dockerignore").write_text("*\n!app\n!run.sh\n**/__pycache__\n"),
    ],
    ids=["bytes", "file", "name", "executable", "link", "Dockerfile", "ignore file"],
)
def test_what_is_in_the_image_changes_the_key(project: Path, change: Callable[[Path], object]) -> None:
    before = key(project)
    change(project)
    assert key(project) != before


def test_so_does_what_it_is_built_with(project: Path) -> None:
    keys = {
        key(project),
        key(project, base="sha256:2"),
        key(project, platforms=["linux/arm64"]),
        key(project, platforms=["linux/amd64", "linux/arm64"]),
        key(project, arguments={"PYTHON_VERSION": "3.14"}),
        key(project, target="development"),
    }
    assert len(keys) == 6
    assert key(project, platforms=["b", "a"]) == key(project, platforms=["a", "b"])


def test_names_and_contents_do_not_run_into_each_other(project: Path) -> None:
    (project / "app" / "a").write_text("bc")
    before = key(project)
    (project / "app" / "a").unlink()
    (project / "app" / "ab").write_text("c")
    assert key(project) != before


@pytest.mark.parametrize(
    ("arguments", "expected"), [({}, ["python:3.13-slim"]), ({"PYTHON_VERSION": "3.14"}, ["python:3.14-slim"])]
)
def test_the_bases_of_a_dockerfile(arguments: dict[str, str], expected: list[str]) -> None:
    assert content_key.bases(DOCKERFILE, arguments) == expected


def test_a_script_with_windows_line_endings_is_refused(project: Path) -> None:
    path = project / content_key.SHELL_SCRIPT
    path.write_bytes(b"#!/bin/sh\nset -eu\n")
    content_key.check_line_endings(project)
    path.write_bytes(b"#!/bin/sh\r\nset -eu\r\n")
    with pytest.raises(Failed, match="LINE_ENDINGS") as caught:
        content_key.check_line_endings(project)
    assert content_key.SHELL_SCRIPT in caught.value.failure.hint
