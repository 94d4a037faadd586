"""The migration's pod with sidecars, and failures that are not caused by the revision."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import variants
from tests.support.stage import Ended, Stage, until

SIDECAR = """
        - name: sidecar
          image: {{ image }}
          command: ["/bin/sh", "-c", "trap 'exit 0' TERM; echo beside; while :; do sleep 1; done"]
          resources: {requests: {cpu: 10m}}
"""
NATIVE = f"      initContainers:{SIDECAR.rstrip()}\n          restartPolicy: Always\n"
ENDS = {
    "settings": (78, "JWT_ISSUER: a value is required"),
    "locked": (75, "shop-migrate (pid 7) has been migrating this database for 60 s"),
    "unreachable": (69, "no PostgreSQL answers at postgres:5432"),
    "revision": (1, "ProgrammingError: syntax error"),
}
CODES = {
    "settings": "SETTINGS_REFUSED",
    "locked": "MIGRATION_LOCKED",
    "unreachable": "DATABASE_UNREACHABLE",
    "revision": "MIGRATION_FAILED",
}


@pytest.fixture(scope="module")
def empty(actor: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A namespace without a release, where every deploy begins with a migration; and a checkout of its own."""
    project = tmp_path_factory.mktemp("pod") / "shop"
    shutil.copytree(actor.project, project, symlinks=True, ignore=shutil.ignore_patterns(".dev"))
    with actor.fresh() as stage:
        yield replace(stage, project=project)


def fails(stage: Stage, name: str, line: str) -> Ended:
    ended = stage.deploy_telling(line, name)
    print(f"{name}: {ended.seconds:.1f} s")
    assert ended.code == 3, ended
    assert not stage.get("deployments")["items"]
    return ended


@pytest.mark.drill
@pytest.mark.parametrize("name", list(ENDS))
def test_the_exit_code_says_why(empty: Stage, tmp_path: Path, name: str) -> None:
    code, line = ENDS[name]
    entry = json.dumps(["/bin/sh", "-c", f"echo '{line}' >&2; exit {code}", "entrypoint"])
    variants.layer(empty.images, name, f"ENTRYPOINT {entry}", tmp_path)
    ended = fails(empty, name, f"| {line}")
    assert f"{CODES[name]}:" in ended.out, ended
    assert f"exit code {code}" in ended.out
    assert ("correct the revision" in ended.out) == (name == "revision"), ended


@pytest.mark.drill
def test_an_image_for_another_processor(empty: Stage, tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(b"\x7fELF of another machine")
    lines = 'COPY --chmod=755 program /program\nENTRYPOINT ["/program"]'
    variants.layer(empty.images, "foreign", lines, tmp_path)
    ended = fails(empty, "foreign", "exec format error")
    assert "WRONG_PLATFORM:" in ended.out, ended
    assert "platforms" in ended.out
    assert "correct the revision" not in ended.out


@pytest.mark.drill
@pytest.mark.parametrize("kind", ["ordinary", "native"])
def test_a_sidecar_that_never_ends(actor: Stage, tmp_path: Path, kind: str) -> None:
    """Done when the container `migrate` has ended, and nothing of it is left running."""
    project = tmp_path / "shop"
    shutil.copytree(actor.project, project, symlinks=True, ignore=shutil.ignore_patterns(".dev"))
    template = project / "k8s" / "database-migration-job.yaml.j2"
    text = template.read_text()
    native = text.replace("      containers:\n", NATIVE + "      containers:\n")
    assert native != text
    template.write_text(native if kind == "native" else text + SIDECAR)
    with actor.fresh() as empty:
        stage = replace(empty, project=project)
        ended = stage.deploy("v1", "-e", "migration_seconds=600")
        print(f"{kind}: {ended.seconds:.1f} s")
        assert ended.code == 0, ended
        assert stage.sql("select version_num from alembic_version") == stage.http("/ready")["schema"]
        selector = ("-l", "app.kubernetes.io/name=shop-migrate", "--field-selector=status.phase=Running")
        until(lambda: not stage.get("pods", *selector)["items"], 120, "the end of the sidecar")


@pytest.mark.drill
def test_a_failing_migration_with_a_sidecar(empty: Stage, tmp_path: Path) -> None:
    """The pod goes on running, and the Job would never be failed."""
    template = empty.project / "k8s" / "database-migration-job.yaml.j2"
    kept = template.read_text()
    template.write_text(kept + SIDECAR)
    entry = json.dumps(["/bin/sh", "-c", "echo 'no such table' >&2; exit 1", "entrypoint"])
    variants.layer(empty.images, "beside", f"ENTRYPOINT {entry}", tmp_path)
    try:
        ended = fails(empty, "beside", "| no such table")
    finally:
        template.write_text(kept)
    assert "MIGRATION_FAILED:" in ended.out, ended
    assert "| beside" not in ended.out, "the sidecar's log in place of the migration's"
