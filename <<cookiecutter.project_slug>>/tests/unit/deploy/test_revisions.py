"""Revisions: which are pending, and which break the version that serves."""

from pathlib import Path

import pytest

from deploy import revisions
from deploy.model import Failed


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("ALTER TABLE product DROP COLUMN name;", "drops a column"),
        ("DROP TABLE product;", "drops table"),
        ("ALTER TABLE product RENAME COLUMN a TO b;", "renames"),
        ("ALTER TABLE product RENAME TO lamp;", "renames"),
        ("ALTER TABLE product ALTER COLUMN price TYPE BIGINT;", "changes a column's type"),
        ("ALTER TABLE product ALTER COLUMN price SET DATA TYPE BIGINT;", "changes a column's type"),
        ("ALTER TABLE product ALTER COLUMN price SET NOT NULL;", "makes a column NOT NULL"),
        ("ALTER TABLE product ADD COLUMN size TEXT NOT NULL;", "adds a NOT NULL column"),
        ("DELETE FROM product WHERE price > 3;", "deletes rows"),
        ("TRUNCATE product;", "deletes rows"),
    ],
)
def test_destructive(sql: str, reason: str) -> None:
    (found,) = revisions.reasons_in(f"BEGIN;\n{sql}\nCOMMIT;")
    assert found.startswith(reason)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE lamp (id UUID NOT NULL, PRIMARY KEY (id));",
        "ALTER TABLE product ADD COLUMN size TEXT;",
        "ALTER TABLE product ADD COLUMN size TEXT DEFAULT 'drop table' NOT NULL;",
        "CREATE INDEX CONCURRENTLY ix ON product (name);",
        "UPDATE alembic_version SET version_num='b' WHERE alembic_version.version_num = 'a';",
        "DELETE FROM alembic_version WHERE version_num = 'a';",
        "-- DROP TABLE product;",
        "/* ALTER TABLE product\n DROP COLUMN name; */ SELECT 1;",
        "COMMENT ON TABLE product IS 'we never DROP TABLE; or RENAME';",
        "ALTER TABLE product ALTER COLUMN price DROP NOT NULL;",
        "DROP INDEX ix_old;",
    ],
)
def test_additive(sql: str) -> None:
    assert revisions.reasons_in(sql) == []


@pytest.mark.parametrize(("marker", "destructive"), [("additive", False), ("destructive", True)])
def test_the_marker_has_the_last_word(marker: str, destructive: bool) -> None:
    assert revisions.judge("a", f"# deploy: {marker}\n", "DROP TABLE product;").destructive is destructive


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """base <- a <- b <- c, each marked, so that no SQL has to be written."""
    versions = tmp_path / "alembic" / "versions"
    versions.mkdir(parents=True)
    for name, down in (("a", "None"), ("b", '"a"'), ("c", '"b"')):
        kind = "destructive" if name == "c" else "additive"
        (versions / f"{name}.py").write_text(f'# deploy: {kind}\nrevision = "{name}"\ndown_revision = {down}\n')
    return tmp_path


@pytest.mark.parametrize(
    ("schema", "head", "ids", "newer"),
    [
        ("", "c", ["a", "b", "c"], False),
        ("a", "c", ["b", "c"], False),
        ("c", "c", [], False),
        ("c", "a", [], True),  # an older image on the newer schema
        ("unknown-here", "a", [], True),
        ("a", "", [], False),
    ],
)
def test_pending(project: Path, schema: str, head: str, ids: list[str], newer: bool) -> None:
    found = revisions.pending(project, schema, head)
    assert [revision.id for revision in found.revisions] == ids
    assert found.newer_than_known is newer


def test_an_image_from_another_checkout_is_refused(project: Path) -> None:
    with pytest.raises(Failed) as caught:
        revisions.pending(project, "a", "from-elsewhere")
    assert caught.value.failure.code == "UNKNOWN_REVISION"
