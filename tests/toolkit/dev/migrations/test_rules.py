"""Which CHECKs let more through, and what a revision erases: both decide what a person is asked."""

from pathlib import Path

import pytest

from tests.support.template import SERVICE
from toolkit.dev.migrations import data_loss, offline_sql
from toolkit.dev.migrations.looser_checks import is_looser
from toolkit.dev.service import Revision

STATUS = "CHECK (((status)::text = ANY ((ARRAY[{}])::text[])))"
VALUES = "'{}'::character varying"
NEW_PAID = STATUS.format(", ".join(VALUES.format(value) for value in ("new", "paid")))
NEW_PAID_LOST = STATUS.format(", ".join(VALUES.format(value) for value in ("new", "paid", "lost")))
NEW = "CHECK (((status)::text = 'new'::text))"
HEAD = (
    "from alembic import op\nfrom app.db import expand\nimport sqlalchemy as sa\n"
    'revision = "a"\ndown_revision = None\ndef upgrade():\n    '
)


@pytest.mark.parametrize(
    ("found", "wanted", "looser"),
    [
        (NEW_PAID, NEW_PAID_LOST, True),
        (NEW_PAID_LOST, NEW_PAID, False),
        (NEW, NEW_PAID, True),
        (NEW_PAID, NEW, False),
        ("CHECK ((price > (0)::numeric))", "CHECK ((price >= (0)::numeric))", True),
        ("CHECK ((price >= (0)::numeric))", "CHECK ((price > (0)::numeric))", False),
        ("CHECK ((stock >= 5))", "CHECK ((stock >= '-5'::integer))", True),
        ("CHECK ((stock >= '-5'::integer))", "CHECK ((stock >= 5))", False),
        ("CHECK (((stars >= 1) AND (stars <= 5)))", "CHECK (((stars >= 1) AND (stars <= 9)))", True),
        ("CHECK (((stars >= 1) AND (stars <= 5)))", "CHECK ((stars >= 1))", True),
        ("CHECK ((stars >= 1))", "CHECK (((stars >= 1) AND (stars <= 5)))", False),
        ("CHECK (((stars >= 1) AND (stars <= 5)))", "CHECK (((stars >= 2) AND (stars <= 9)))", False),
        ("CHECK ((char_length((name)::text) >= 2))", "CHECK ((char_length((name)::text) >= 1))", True),
        ("CHECK ((stock >= 5))", "CHECK ((price >= 1))", False),
        ("CHECK ((stock >= 5))", "CHECK ((stock <= 9))", False),
        ("CHECK (is_fine(stock))", "CHECK (is_good(stock))", False),
        (None, "CHECK ((stock >= 5))", False),
        ("CHECK ((stock >= 5))", None, True),
    ],
)
def test_a_check_that_lets_more_through(found: str | None, wanted: str | None, looser: bool) -> None:
    assert is_looser(wanted, found) is looser


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ('op.drop_table("lamps")', ["lamps"]),
        ('op.drop_column("lamps", "size")', ["lamps.size"]),
        ("op.execute('ALTER TABLE public.lamps DROP COLUMN IF EXISTS \"size\" CASCADE')", ["lamps.size"]),
        ('op.execute("DELETE FROM lamps; TRUNCATE TABLE vases")', ["lamps", "vases"]),
        ('op.add_column("lamps", sa.Column("size", sa.Text(), server_default="DROP TABLE lamps"))', []),
        ('op.get_bind().execute(sa.text("SELECT 1")); op.drop_column("lamps", "size")', ["lamps.size"]),
        ('op.get_bind().execute(sa.text("DELETE FROM lamps"))', ["lamps"]),
    ],
)
def test_what_a_revision_erases(tmp_path: Path, code: str, names: list[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(HEAD + code + "\n")
    found = data_loss.erased_by(Revision("a", path, "alembic/versions/a.py"))
    assert [f"{item.table}.{item.column}".rstrip(".") for item in found] == names
    assert all(item.place.endswith("a.py:7") for item in found)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ('expand.drop_trigger("lamps", "order", "place"); op.drop_column("lamps", "order")', []),
        ('expand.drop_trigger("lamps", "width", "size"); op.drop_column("lamps", "size")', []),
        ('expand.drop_trigger("lamps", "width", "size"); op.drop_column("vases", "size")', ["vases.size"]),
        ('expand.drop_trigger("lamps", "size"); op.drop_column("lamps", "size")', ["lamps.size"]),
    ],
)
def test_the_values_of_a_former_name_are_in_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, names: list[str]
) -> None:
    monkeypatch.setattr(offline_sql, "PROJECT", SERVICE)
    path = tmp_path / "a.py"
    path.write_text(HEAD + code + "\n")
    found = data_loss.erased_by(Revision("a", path, "alembic/versions/a.py"))
    assert [f"{item.table}.{item.column}" for item in found] == names
