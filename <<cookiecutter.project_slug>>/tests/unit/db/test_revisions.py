"""The reader of revisions: what it takes from the files, without importing them or anything heavy."""

from pathlib import Path

import pytest

from app.db import revisions

CONTRACT = '# deploy: contract {}\nrevision = "b"\ndown_revision = "a"\n'


def write(versions: Path, name: str, text: str) -> None:
    versions.mkdir(parents=True, exist_ok=True)
    (versions / f"{name}.py").write_text(text)


def test_what_a_file_says(tmp_path: Path) -> None:
    write(tmp_path, "a", '"""Add lamps\n\nRevision: a\n"""\nrevision: str = "a"\ndown_revision: str | None = None\n')
    write(
        tmp_path,
        "b",
        'raise SystemExit("never imported")\nrevision = "b"\ndown_revision = "a"\nbranch_labels = ("x",)\n',
    )
    write(
        tmp_path,
        "c",
        '# deploy: additive\nrevision = "c"\ndown_revision = (\n    "a",\n    "b",\n)\ndepends_on = ["x"]\n',
    )
    write(tmp_path, "note", '"""No revision."""\n')
    found = revisions.load(tmp_path).known
    assert found["a"].message == "Add lamps"
    assert found["a"].parents == ()
    assert found["c"].parents == ("a", "b")
    assert found["c"].depends_on == ("x",)
    assert (found["b"].marker, found["c"].marker, found["c"].contract_of) == ("", "additive", ())
    assert set(found) == {"a", "b", "c"}


@pytest.mark.parametrize("ids", ["a, x", "a,x", " a  x "])
def test_a_contract_revision_names_its_expand_revisions(tmp_path: Path, ids: str) -> None:
    write(tmp_path, "a", 'revision = "a"\ndown_revision = None\n')
    write(tmp_path, "x", 'revision = "x"\ndown_revision = "a"\n')
    write(tmp_path, "b", CONTRACT.format(ids).replace('"a"', '"x"'))
    found = revisions.load(tmp_path).known["b"]
    assert (found.marker, found.contract_of) == ("contract", ("a", "x"))


def test_a_dependency_comes_first_and_makes_no_head_less(tmp_path: Path) -> None:
    write(tmp_path, "1", 'revision = "z"\ndown_revision = None\nbranch_labels = "base2"\n')
    write(tmp_path, "0", 'revision = "a"\ndown_revision = None\ndepends_on = "base2"\n')
    found = revisions.load(tmp_path)
    assert found.heads == ("a", "z")  # as `alembic heads` says
    assert found.ordered == ("z", "a")
    assert [revision.id for revision in found.between([], "a")] == ["z", "a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('revision = "b"\ndown_revision = "gone"\n', r"b\.py builds on revision gone, which has no file"),
        ('revision = "a"\ndown_revision = None\n', r"a\.py and .*b\.py have the same revision id a"),
        ('revision = "b"\ndown_revision = "b"\n', "circular down_revision"),
        ("revision = 'b'\ndef upgrade(:\n", r"b\.py:2 is not valid Python"),
        ("revision = 'b'\n<<<<<<< ours\n", r"b\.py:2 has unresolved conflict markers"),
        (CONTRACT.format("a, gone"), r"b\.py: `# deploy: contract` names revision gone, which has no file"),
        (CONTRACT.format("b"), r"b\.py: `# deploy: contract` names revision b, which b does not build on"),
        (CONTRACT.format(""), r"b\.py: `# deploy: contract` names no expand revision; write its id"),
    ],
)
def test_faults_are_one_line_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "a", 'revision = "a"\ndown_revision = None\n')
    write(tmp_path, "b", text)
    with pytest.raises(revisions.RevisionError, match=said) as caught:
        revisions.load(tmp_path)
    assert "\n" not in str(caught.value)
