"""The steps for a later release as text in service.toml, and the flags of `migrate.new`."""

import tomllib

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from app.db import expand
from toolkit.dev.migrations import intents, names, outstanding
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.outstanding import Entry
from toolkit.dev.migrations.renaming import loses_nothing, same_kind

TEXT = '[service]\nname = "x"  # kept\n\n[resources]\nlines = [\n    "product: name:str",\n]\n'
ENTRIES = (
    Entry("drop_column", "products", "legacy", revision="a1"),
    Entry("check", "products", name="ck_products_n", definition="n IN ('a', \"b\")", revision="a2"),
    Entry("map", "products", "status", values={"old value": "new"}, revision="a2"),
)


def test_entries_are_added_and_removed_without_another_change() -> None:
    written = outstanding.rewritten(TEXT, ENTRIES)
    assert written.startswith(TEXT)
    assert outstanding.parsed(written) == ENTRIES
    assert tomllib.loads(written)["resources"] == tomllib.loads(TEXT)["resources"]
    again = outstanding.rewritten(written, ENTRIES[:1])
    assert outstanding.parsed(again) == ENTRIES[:1]
    assert outstanding.rewritten(again, ()) == TEXT
    followed = outstanding.rewritten(f"{written}\n[extra]\nkey = 1\n", ())
    assert tomllib.loads(followed)["extra"] == {"key": 1}
    assert outstanding.parsed(followed) == ()


@pytest.mark.parametrize(
    "text", ['kind = "drop_all"\ntable = "x"', 'kind = "map"', 'kind = "map"\ntable = "x"\nat = ""']
)
def test_an_invalid_entry_is_one_line(text: str) -> None:
    with pytest.raises(outstanding.OutstandingError, match=r"^service.toml: \[\[contract\]\] number 1 .* git$"):
        outstanding.parsed(f"[[contract]]\n{text}\n")


def test_a_step_that_the_models_take_back_is_revoked() -> None:
    wanted = {Key("column", "products", "id"): "uuid NOT NULL"}
    conditions = {("products", "ck_products_n"): "n IN ('a', \"b\")"}
    assert outstanding.revoked(ENTRIES[:2], wanted, conditions) == []
    wanted[Key("column", "products", "legacy")] = "integer"
    assert outstanding.revoked(ENTRIES[:2], wanted, {}) == list(ENTRIES[:2])


@pytest.mark.parametrize("column", ["b", "b" * 50])
def test_both_sides_give_the_same_names(column: str) -> None:
    ours = (names.trigger(column, "a"), names.trigger_function("things", column, "a"))
    checks = (names.not_null("things", column), names.narrower("things", column))
    with Operations.context(MigrationContext.configure(dialect_name="postgresql")):
        assert expand._trigger_names("things", column, "a") == ours
        assert tuple(expand._check("things", column, what) for what in ("not_null", "type")) == checks
    assert all(len(name) <= 63 for name in ours + checks)
    assert names.not_null("things", column) != names.not_null("things", f"{column[:-1]}c")


@pytest.mark.parametrize(
    ("before", "after", "lossless", "kind"),
    [
        ("integer", "bigint", True, False),
        ("bigint", "integer", False, False),
        ("integer", "text", True, False),
        ("text", "integer", False, False),
        ("text", "character varying(9)", False, True),
        ("character varying(9)", "character varying(10)", True, True),
        ("character varying(10)", "character varying(9)", False, True),
        ("numeric(8,2)", "numeric(9,3)", True, True),
        ("numeric(8,2)", "numeric(8,3)", False, True),
        ("date", "integer", False, False),
    ],
)
def test_which_types_hold_every_value(before: str, after: str, lossless: bool, kind: bool) -> None:
    assert loses_nothing(before, after) is lossless
    assert same_kind(before, after) is kind


def test_the_flags_of_a_new_revision() -> None:
    found = intents.parsed(
        backfills=["t.a=b || '='"], renames=["t.a=b", "old=new"], maps=["t.s:lost=paid", "t.s:x=y=z"]
    )
    assert found == intents.Intents(
        {("t", "a"): "b"}, {"old": "new"}, {("t", "a"): "b || '='"}, {("t", "s"): {"lost": "paid", "x": "y=z"}}
    )
    for flag in ({"backfills": ["a=1"]}, {"renames": ["a"]}, {"maps": ["t.s=lost"]}):
        with pytest.raises(SystemExit, match="is invalid; expected"):
            intents.parsed(**flag)
