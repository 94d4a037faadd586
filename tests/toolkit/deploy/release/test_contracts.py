"""Contract revisions: when one may run, and which code works on the schema that it leaves."""

import io
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.template import SERVICE
from toolkit.deploy import migrations
from toolkit.deploy.outcomes import Change, Exit, Failed
from toolkit.deploy.records import ReleaseRecord
from toolkit.deploy.release import contracts, schemas
from toolkit.deploy.release.contracts import Code
from toolkit.deploy.release.state import Known, Options
from toolkit.deploy.release.steps.migrate import Migrate
from toolkit.deploy.report import Plain, Report
from toolkit.dev.service import Revision, Revisions

CHAIN = ("base", "expand", "between", "contract", "later")


def chain() -> Revisions:
    """base <- expand <- between <- contract (of expand) <- later."""
    known = {}
    for place, name in enumerate(CHAIN):
        of = ("expand",) if name == "contract" else ()
        marker = "contract" if of else ""
        above = frozenset(CHAIN[:place])
        known[name] = Revision(name, Path(f"{name}.py"), f"{name}.py", "", marker, above, of)
    return Revisions(known, ("later",))


@pytest.mark.parametrize(
    ("database", "head", "code", "lacking"),
    [
        ("", "later", ["base"], []),  # an empty database
        ("base", "later", [], []),  # a first release
        ("base", "between", ["base"], []),  # no contract revision is pending
        ("base", "later", ["base"], ["base"]),  # expand and contract in one release
        ("between", "later", ["base"], ["base"]),  # the expand revision ran, its release was rolled back
        ("between", "later", ["expand"], []),
        ("between", "later", ["between", "base"], ["base"]),  # deployed, but a rollback would bring the older one back
        ("between", "later", ["base", "between"], ["base"]),
        ("between", "later", [""], [""]),  # code whose revisions are unknown
        ("between", "later", ["from-elsewhere"], ["from-elsewhere"]),
        ("contract", "later", ["base"], []),  # it has run already
    ],
)
def test_a_contract_revision_needs_its_expand_revision_in_the_code(
    database: str, head: str, code: list[str], lacking: list[str]
) -> None:
    found = chain()
    pending = migrations.missing(found, database, head) or ()
    serving = [Code(f"release {at}", "", schema, "is deployed") for at, schema in enumerate(code)]
    early = contracts.too_early(found, database, pending, serving)
    assert [one.schema for ones in early.values() for one in ones] == lacking
    assert set(early) == ({"expand"} if lacking else set())


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("base", ["contract: removes what code before expand uses", "later: drops a column"]),
        ("expand", ["later: drops a column"]),
        ("contract", ["later: drops a column"]),
        ("later", []),
    ],
)
def test_older_code_on_a_newer_schema(code: str, broken: list[str]) -> None:
    newer = [
        migrations.Revision("between", destructive=False),
        migrations.Revision("contract", destructive=False, contract_of=("expand",)),
        migrations.Revision("later", destructive=True, reasons=("drops a column",)),
    ]
    assert contracts.broken_by(chain(), code, newer) == broken


def release(number: int, schema: str, outcome: str = "deployed") -> ReleaseRecord:
    digest = f"sha256:{schema}"
    return ReleaseRecord(number, digest, f"r@{digest}", outcome, "manifests", image_schema=schema)


FILES = {
    "base": 'revision = "base"\ndown_revision = None\n',
    "expand": '"""Rename price"""\n# deploy: additive\nrevision = "expand"\ndown_revision = "base"\n',
    "contract": '# deploy: contract expand\nrevision = "contract"\ndown_revision = "expand"\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with a commit for each of base, expand and contract."""
    (tmp_path / "app").symlink_to(SERVICE / "app")
    (tmp_path / ".gitignore").write_text("app\n")
    versions = tmp_path / "alembic" / "versions"
    versions.mkdir(parents=True)
    git(tmp_path, "init", "-q")
    for name, text in FILES.items():
        (versions / f"{name}.py").write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", name)
    return tmp_path


def git(project: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True, text=True).stdout.strip()


def target(
    project: Path, records: Sequence[ReleaseRecord], running: str, database: str, *, destructive: bool = False
) -> Any:
    spec = SimpleNamespace(digest="sha256:contract")
    return SimpleNamespace(
        project=project,
        options=Options(allow_destructive=destructive),
        report=Report([Plain(io.StringIO())]),
        environment=SimpleNamespace(name="staging", repository="r"),
        spec=lambda _: spec,
        place=SimpleNamespace(
            records=lambda: list(records),
            running_digest=lambda: f"sha256:{running}" if running else "",
            ask=lambda _: {"schema": database},
            has_other_variables=lambda _: False,
            schema=lambda: None,
            plan_backup=lambda: None,
            plan_migration=lambda _: Change("run", "the migration"),
        ),
    )


BUILT = Known(digest="sha256:contract", image_schema="contract")
BASE, EXPAND = release(1, "base"), release(2, "expand")
BACK = replace(release(3, "base"), rollback_of=1)


def refused(of: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        Migrate().observe(of, BUILT).plan()
    assert (caught.value.failure.code, caught.value.exit) == ("CONTRACT_TOO_EARLY", Exit.REFUSED)
    return caught.value


def test_a_contract_revision_after_its_expand_release_is_additive(project: Path) -> None:
    observed = Migrate().observe(target(project, [BASE, EXPAND], "expand", "expand"), BUILT)
    assert observed.plan().changes
    assert not observed.learned().will_destroy  # a failed roll-out is rolled back


def test_expand_and_contract_in_one_release_are_refused_with_the_commit_between(project: Path) -> None:
    failure = refused(target(project, [BASE], "base", "base")).failure
    assert failure.message == ("revision contract would break code that does not have revision expand (Rename price)")
    assert failure.evidence == ("release 1 (sha256:base) is deployed; its newest revision is base",)
    commit = git(project, "rev-parse", "--short", "HEAD~1")
    assert f"commit {commit} has to be out first: `git switch --detach {commit} && " in failure.hint


def test_after_a_rollback_the_release_between_is_named(project: Path) -> None:
    """The database is past the expand revision, so /ready would allow it."""
    failure = refused(target(project, [BASE, EXPAND, BACK], "base", "expand")).failure
    assert failure.evidence == ("release 3 (sha256:base) is deployed; its newest revision is base",)
    assert "release 2 (sha256:expand) has to be out first: `python3 tasks.py rollback staging --to 2`" in failure.hint


def test_a_release_that_failed_and_still_runs_is_no_release_between(project: Path) -> None:
    records = [BASE, release(2, "expand", "failed")]
    failure = refused(target(project, records, "expand", "expand")).failure
    assert failure.evidence == (
        "release 1 (sha256:base) is what a rollback would bring back; its newest revision is base",
    )


@pytest.mark.parametrize(("records", "running", "database"), [([], "", ""), ([], "", "base")])
def test_a_first_release_or_an_empty_database_takes_everything(
    project: Path, records: list[ReleaseRecord], running: str, database: str
) -> None:
    place = target(project, records, running, database)
    assert schemas.contract_refusal(place, migrations.load(project), "contract") is None


def test_an_uncommitted_contract_revision_comes_after_the_last_commit(project: Path) -> None:
    git(project, "reset", "-q", "HEAD~1")
    commit = git(project, "rev-parse", "--short", "HEAD")
    assert f"commit {commit} has to be out first" in refused(target(project, [BASE], "base", "base")).failure.hint


def test_a_rollback_across_a_contract_revision_is_refused(project: Path) -> None:
    records = [BASE, EXPAND, release(3, "contract")]
    here = target(project, records, "contract", "contract")
    assert schemas.require_fitting(here, "the code of release 2", "expand", "contract") == ""
    with pytest.raises(Failed, match="the code of release 1 does not work on the database's schema contract") as caught:
        schemas.require_fitting(here, "the code of release 1", "base", "contract")
    assert (caught.value.failure.code, caught.value.exit) == ("FORWARD_FIX", Exit.REFUSED)
    assert caught.value.failure.evidence == (
        "contract: removes what code before expand uses",
        "releases whose code works on it: 2, 3",
    )
    allowed = target(project, records, "contract", "contract", destructive=True)
    assert "removes what" in schemas.require_fitting(allowed, "it", "base", "contract")


def test_a_rollback_is_not_stopped_by_what_this_checkout_lacks(project: Path) -> None:
    here = target(project, [BASE], "base", "from-elsewhere")
    assert "does not have revision from-elsewhere" in schemas.require_fitting(here, "it", "base", "from-elsewhere")
    (project / "alembic" / "versions" / "broken.py").write_text("<<<<<<< HEAD\n")
    assert "conflict markers" in schemas.require_fitting(here, "it", "base", "contract")
