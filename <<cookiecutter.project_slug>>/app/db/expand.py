"""Operations for revisions: a table that two versions of the code use at once, the one before it and the one after.

Triggers keep what both write equal until a later revision (`migrate.contract`) drops the old side. Like those of
online.py, each may run again after an interruption.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence

from alembic import op
from sqlalchemy import text

from app.db.online import KEY, create_check, create_view, drop_view, quoted, refuse_rows, short, without_parameters

BATCH = 1000
REPORT_SECONDS = 10.0
_KIND = "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(:name)"


def backfill(table: str, set_sql: str, where_sql: str) -> None:
    """Update the rows that `where_sql` finds, in batches by primary key with a commit each.

    `where_sql` must not find an updated row again: an interrupted backfill continues with the others. After each batch
    it sleeps half as long as the batch took, so that it takes at most two thirds of one connection's time.
    """
    update = f"UPDATE {quoted(table)} SET {set_sql} WHERE ({where_sql})"  # noqa: S608 - a revision's own SQL, as below
    with op.get_context().autocommit_block():
        if op.get_context().as_sql:
            op.execute(without_parameters(update))
        else:
            _in_batches(table, update)


def require_column(table: str, column: str, value: str = "") -> None:
    """Fill a column with `value` (SQL over the row), and forbid NULL by a CHECK; a trigger fills it for older code.

    Without `value`, another trigger fills it. Raises RowsBreakRule where `value` is NULL.
    """
    name = quoted(column)
    op.execute(f"ALTER TABLE {quoted(table)} ALTER COLUMN {name} DROP NOT NULL")
    if value:
        new = f'NEW."{column}"'  # always in quotes: PL/pgSQL has keywords of its own, such as `if`
        _create_trigger(table, [column], f"IF {new} IS NULL THEN {new} := {_of_row(table, value)}; END IF;")
        backfill(table, f"{name} = ({value})", f"{name} IS NULL")
    check = _check(table, column, "not_null")
    refuse_rows(table, f"{check} ({name} IS NOT NULL)", f"{name} IS NULL")
    create_check(check, table, f"{name} IS NOT NULL", looser=True)


def undo_require_column(table: str, column: str) -> None:
    drop_trigger(table, column)
    op.drop_constraint(_check(table, column, "not_null"), table, type_="check", if_exists=True)


def set_not_null(table: str, column: str) -> None:
    """Replace the CHECK of `require_column` with NOT NULL. The CHECK is valid, so PostgreSQL reads no rows."""
    drop_trigger(table, column)
    op.execute(
        "-- squawk-ignore adding-not-nullable-field\n"
        f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} SET NOT NULL"
    )
    op.drop_constraint(_check(table, column, "not_null"), table, type_="check", if_exists=True)


def rename_column(
    table: str,
    old: str,
    new: str,
    *,
    forth: str = "",
    back: str = "",
    default: str = "NULL",
    keep_null: bool = False,
) -> None:
    """Copy a column to its new name, and keep the two equal whichever of them the code writes.

    `forth` and `back` are SQL over the row for the new and the old column, `default` is the new column's. A value
    without an old form (`back` fails) leaves NULL there. `keep_null`: NULL is a value that new code writes, not the
    lack of one that `forth` fills; of old code's NULL in a new row it cannot be told apart, so that stays, too.
    """
    forth, after, before = forth or quoted(old), f'NEW."{new}"', f'NEW."{old}"'
    to_old = f"{before} := {_of_row(table, back or quoted(new))};"
    if back:
        to_old = f"BEGIN {to_old} EXCEPTION WHEN data_exception THEN {before} := NULL; END;"
        op.execute(f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(old)} DROP NOT NULL")
    to_new = f"{after} := {_of_row(table, forth)};"
    written = f"{after} IS DISTINCT FROM ({default})"
    if back and default != "NULL":
        written += f" OR {before} IS NULL"  # the old column has no default then
    elif keep_null:
        written += f" OR ({after} IS NULL AND {before} IS NULL)"
    body = f"""IF {after} IS NOT DISTINCT FROM {_of_row(table, forth)} THEN RETURN NEW; END IF;
    IF TG_OP = 'INSERT' THEN
        IF {written} THEN {to_old} ELSE {to_new} END IF;
    ELSIF {after} IS DISTINCT FROM OLD."{new}" THEN {to_old}
    ELSIF {before} IS DISTINCT FROM OLD."{old}"{"" if keep_null else f" OR {after} IS NULL"} THEN {to_new}
    END IF;"""
    _create_trigger(table, [old, new], body)
    backfill(table, f"{quoted(new)} = ({forth})", f"{quoted(new)} IS DISTINCT FROM ({forth})")


def replace_values(table: str, column: str, values: Mapping[str, str]) -> None:
    """Replace removed values in existing rows."""
    name, pairs = quoted(column), [(_literal(old), _literal(new)) for old, new in values.items()]
    cases = " ".join(f"WHEN {old} THEN {new}" for old, new in pairs)
    backfill(table, f"{name} = CASE {name} {cases} END", f"{name} IN ({', '.join(old for old, _ in pairs)})")


def narrow_column(table: str, column: str, type_: str) -> None:
    """Enforce a narrower type of the same kind by a CHECK: ALTER TYPE would rewrite the table.

    The CHECK's comment is the type, which the comparison with the models reads.
    """
    numbers = [int(number) for number in re.findall(r"\d+", type_)]
    condition = f"char_length({quoted(column)}) <= {numbers[0]}"
    if type_.lower().startswith("numeric"):
        condition = f"{quoted(column)} = round({quoted(column)}, {numbers[1]})"
        condition += f" AND abs({quoted(column)}) < 1e{numbers[0] - numbers[1]}"
    name = _check(table, column, "type")
    create_check(name, table, condition)
    op.execute(f"COMMENT ON CONSTRAINT {quoted(name)} ON {quoted(table)} IS {_literal(type_)}")


def undo_narrow_column(table: str, column: str) -> None:
    op.drop_constraint(_check(table, column, "type"), table, type_="check", if_exists=True)


def drop_trigger(table: str, *columns: str) -> None:
    """Drop the trigger of `require_column` or `rename_column`."""
    trigger, function = _trigger_names(table, *columns)
    op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {quoted(table)}")
    op.execute(f"DROP FUNCTION IF EXISTS {function}()")


def rename_table(
    old: str,
    new: str,
    *,
    constraints: Mapping[str, Mapping[str, str]] | None = None,
    indexes: Mapping[str, str] | None = None,
    view: bool = True,
) -> None:
    """Rename a table, and leave an updatable view under its old name for older code.

    `constraints` (by table) and `indexes` have the old and new names of others that change with it.
    """
    if _kind(new) == "v" or not view:
        drop_view(new)
    if _kind(old) not in ("r", "p", ""):
        return
    _rename("table", f"ALTER TABLE {quoted(old)} RENAME TO {quoted(new)}")
    for table, names in (constraints or {}).items():
        for before, after in names.items():
            _rename("object", f"ALTER TABLE {quoted(table)} RENAME CONSTRAINT {quoted(before)} TO {quoted(after)}")
    for before, after in (indexes or {}).items():
        _rename("object", f"ALTER INDEX {quoted(before)} RENAME TO {quoted(after)}")
    if view:
        create_view(old, new)


def _rename(what: str, sql: str) -> None:
    op.execute(f"-- squawk-ignore renaming-{what}\n{sql}")


def _create_trigger(table: str, columns: Sequence[str], body: str) -> None:
    trigger, function = _trigger_names(table, *columns)
    source = f"#variable_conflict use_column\nBEGIN\n    {body}\n    RETURN NEW;\nEND"
    op.execute(
        without_parameters(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $expand$\n{source}\n$expand$"
        )
    )
    op.execute(
        f"CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {quoted(table)} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )


def _trigger_names(table: str, *columns: str) -> tuple[str, str]:
    """Return the names of the trigger and its function (toolkit/dev/migrations/names.py has the same)."""
    both = "__".join(sorted(columns))
    return quoted(short(f"expand__{both}")), quoted(short(f"expand__{table}__{both}"))


def _check(table: str, column: str, what: str) -> str:
    return op.f(short(f"ck_{table}_{column}", f"__{what}"))


def _of_row(table: str, value: str) -> str:
    """Return the value of SQL over the columns of the row that a trigger sees."""
    return f"(SELECT ({value}) FROM (SELECT NEW.*) AS {quoted(table)})"  # noqa: S608


def _in_batches(table: str, update: str) -> None:
    connection = op.get_bind()
    names = [quoted(name) for name in connection.scalars(text(KEY), {"name": quoted(table)})]
    if not names:
        raise RuntimeError(f"table {table} has no primary key, which a backfill needs; fill it in a revision by hand")
    key, last = ", ".join(names), ", ".join(f":last_{number}" for number in range(len(names)))
    backwards = ", ".join(f"{name} DESC" for name in names)
    start, changed, reported = time.monotonic(), 0, time.monotonic()
    values: dict[str, object] = {}
    while True:
        after = f"({key}) > ({last})" if values else "true"
        rows = f"SELECT {key} FROM {quoted(table)} WHERE {after} ORDER BY {key} LIMIT {BATCH}"  # noqa: S608
        greatest = text(f"SELECT {key} FROM ({rows}) AS batch ORDER BY {backwards} LIMIT 1")  # noqa: S608
        found = connection.execute(greatest, values).first()
        if found is None:
            break
        began = time.monotonic()
        upto = ", ".join(f":upto_{number}" for number in range(len(names)))
        batch = text(f"{without_parameters(update)} AND {after} AND ({key}) <= ({upto})")
        changed += connection.execute(batch, values | _numbered("upto", found)).rowcount
        values = _numbered("last", found)
        if time.monotonic() - reported >= REPORT_SECONDS:
            reported = time.monotonic()
            print(f"migrate: {table}: {changed} rows changed in {reported - start:.0f} s", file=sys.stderr)
        time.sleep((time.monotonic() - began) / 2)
    if changed:
        print(f"migrate: {table}: {changed} rows changed in {time.monotonic() - start:.0f} s", file=sys.stderr)


def _numbered(name: str, values: Sequence[object]) -> dict[str, object]:
    return {f"{name}_{number}": value for number, value in enumerate(values)}


def _kind(name: str) -> str:
    """Return PostgreSQL's relkind of a name; empty for none, and when SQL is only written."""
    if op.get_context().as_sql:
        return ""
    found = op.get_bind().scalar(text(_KIND), {"name": quoted(name)})
    return str(found or "-")


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
