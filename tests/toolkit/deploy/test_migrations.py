"""Revisions: which are pending, and which break the version that serves."""

from pathlib import Path

import pytest

from tests.support.template import SERVICE
from toolkit.deploy import migrations
from toolkit.deploy.breaking_changes import reasons_in
from toolkit.deploy.image import labels
from toolkit.deploy.outcomes import Failed
from toolkit.dev.service import Revision


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
        ("ALTER TABLE product ALTER COLUMN price DROP DEFAULT;", "drops a default"),
        ("ALTER TABLE product ADD CONSTRAINT ck CHECK (price > 5);", "adds a CHECK"),
        ("ALTER TABLE product ADD CONSTRAINT ck CHECK (status IN ('a', 'b')) NOT VALID;", "adds a CHECK"),
        ("ALTER TABLE product ADD CONSTRAINT uq UNIQUE (name);", "adds UNIQUE"),
        ("CREATE UNIQUE INDEX CONCURRENTLY uq ON product (name);", "adds UNIQUE"),
        ("ALTER TABLE product ADD CONSTRAINT fk FOREIGN KEY(lamp_id) REFERENCES lamp (id);", "adds a foreign key"),
        ("ALTER TABLE product SET SCHEMA archive;", "moves"),
        ("ALTER TABLE product RENAME TO lamp; CREATE VIEW products AS SELECT * FROM lamp;", "renames"),
        ("CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN END $$; DROP TABLE product;", "drops table"),
        ("DO $$ BEGIN DROP TABLE product; END $$;", "drops table"),
        ("REVOKE ALL ON product FROM shop;", "revokes"),
    ],
)
def test_destructive(sql: str, reason: str) -> None:
    (found,) = reasons_in(f"BEGIN;\n{sql}\nCOMMIT;")
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
        "ALTER TABLE product DROP CONSTRAINT ck;",
        "ALTER TABLE product ADD CONSTRAINT ck CHECK (price > 0) NOT VALID /* looser */;",
        "ALTER TABLE product ALTER COLUMN status TYPE VARCHAR(9) /* looser */;",
        "ALTER TABLE product ADD COLUMN size INT; ALTER TABLE product ADD CONSTRAINT ck CHECK (size > 0) NOT VALID;",
        "ALTER TABLE product ADD COLUMN sku TEXT; CREATE UNIQUE INDEX CONCURRENTLY uq ON product (sku);"
        "ALTER TABLE product ADD CONSTRAINT uq UNIQUE USING INDEX uq;",
        "CREATE UNIQUE INDEX CONCURRENTLY uq ON product (name, price) /* no duplicates */;",
        "ALTER TABLE product ADD COLUMN lamp_id UUID; "
        "ALTER TABLE product ADD CONSTRAINT fk FOREIGN KEY (lamp_id) REFERENCES lamp (id) NOT VALID;",
        'ALTER TABLE "product" RENAME TO "lamp"; ALTER TABLE "lamp" RENAME CONSTRAINT a TO b; '
        'ALTER INDEX c RENAME TO d; CREATE VIEW "product" AS SELECT * FROM "lamp";',
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $a$ BEGIN DELETE FROM x; END $a$;"
        "CREATE OR REPLACE TRIGGER t BEFORE INSERT OR UPDATE ON product FOR EACH ROW EXECUTE FUNCTION f();",
        "CREATE TABLE lamp (id UUID, n TEXT, CONSTRAINT ck CHECK (n > 'a')); CREATE UNIQUE INDEX uq ON lamp (n);",
    ],
)
def test_additive(sql: str) -> None:
    assert reasons_in(sql) == []


@pytest.mark.parametrize(("marker", "destructive"), [("additive", False), ("destructive", True)])
def test_the_marker_has_the_last_word(marker: str, destructive: bool) -> None:
    marked = Revision("a", Path("a.py"), "a.py", marker=marker)
    assert migrations.judge(marked, "DROP TABLE product;").destructive is destructive


def test_a_contract_revision_is_additive_for_the_running_version() -> None:
    marked = Revision("c", Path("c.py"), "c.py", marker="contract", contract_of=("b",))
    assert migrations.judge(marked, "ALTER TABLE product DROP COLUMN name;") == migrations.Revision(
        "c", destructive=False, contract_of=("b",)
    )


def write(project: Path, name: str, down: str, kind: str = "additive") -> None:
    """Marked, so that no SQL has to be written."""
    versions = project / "alembic" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (versions / f"{name}.py").write_text(f'# deploy: {kind}\nrevision = "{name}"\ndown_revision = {down}\n')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """base <- a <- b <- c, with this service's own commands."""
    (tmp_path / "app").symlink_to(SERVICE / "app")
    write(tmp_path, "a", "None")
    write(tmp_path, "b", '"a"')
    write(tmp_path, "c", '"b"', "destructive")
    return tmp_path


@pytest.fixture
def merged(project: Path) -> Path:
    """a <- b2 beside b <- c, and m that merges c and b2."""
    write(project, "b2", "'a'")
    write(project, "m", '("c", "b2")')
    return project


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
    found = migrations.pending(project, schema, head)
    assert [revision.id for revision in found.revisions] == ids
    assert found.newer_than_known is newer


def test_an_image_from_another_checkout_is_refused(project: Path) -> None:
    with pytest.raises(Failed) as caught:
        migrations.pending(project, "a", "from-elsewhere")
    assert caught.value.failure.code == "UNKNOWN_REVISION"


@pytest.mark.parametrize(
    ("schema", "head", "ids", "newer"),
    [
        ("c", "m", ["b2", "m"], False),
        ("b2", "m", ["b", "c", "m"], False),
        ("b2,c", "m", ["m"], False),
        ("m", "m", [], False),
        ("", "m", ["a", "b", "b2", "c", "m"], False),
        ("m", "c", [], True),
    ],
)
def test_a_merge_is_pending_with_the_branch_that_the_database_lacks(
    merged: Path, schema: str, head: str, ids: list[str], newer: bool
) -> None:
    found = migrations.pending(merged, schema, head)
    assert sorted(revision.id for revision in found.revisions) == ids
    assert [revision.id for revision in found.revisions][-1:] == ids[-1:]
    assert found.newer_than_known is newer


@pytest.mark.parametrize(
    ("code", "schema", "ids"),
    [
        ("a", "c", ["b", "c"]),
        ("b", "c", ["c"]),
        ("c", "c", []),
        ("b", "m", ["c", "b2", "m"]),
        ("a", "c,b2", ["b", "c", "b2"]),
        ("m", "c", []),
    ],
)
def test_newer_revisions_are_those_that_the_code_lacks(merged: Path, code: str, schema: str, ids: list[str]) -> None:
    found = migrations.newer(merged, migrations.load(merged), code, schema)
    assert sorted(revision.id for revision in found) == sorted(ids)


def test_a_schema_of_another_checkout_cannot_be_compared(project: Path) -> None:
    with pytest.raises(Failed, match="does not have revision unknown-here"):
        migrations.newer(project, migrations.load(project), "a", "unknown-here")


def test_a_database_on_the_other_branch_is_refused_with_the_command_that_merges(merged: Path) -> None:
    with pytest.raises(Failed, match="does not build on c") as caught:
        migrations.pending(merged, "c", "b2")
    assert "migrate.merge" in caught.value.failure.hint


def test_an_image_of_two_heads_is_refused_and_both_are_named(project: Path) -> None:
    assert labels.arguments(SERVICE)["SCHEMA_HEAD"] != "c"  # the control: it has one head, or none
    write(project, "b2", "'a'")
    (project / "pyproject.toml").write_text('[project]\nversion = "1"\n')
    with pytest.raises(Failed, match=r"two heads: b2.*and c") as caught:
        labels.arguments(project)
    assert caught.value.failure.code == "SEVERAL_HEADS"
    write(project, "m", '("c", "b2")')
    assert labels.arguments(project)["SCHEMA_HEAD"] == "m"


def test_files_that_are_no_revisions_are_named(project: Path) -> None:
    (project / "alembic" / "versions" / "d.py").write_text("<<<<<<< HEAD\nrevision = 'd'\n")
    with pytest.raises(Failed, match=r"alembic/versions/d\.py:1 has unresolved conflict markers") as caught:
        migrations.head(project)
    assert caught.value.failure.code == "REVISIONS_UNUSABLE"
