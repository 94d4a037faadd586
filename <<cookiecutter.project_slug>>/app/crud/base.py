"""The queries of one resource: SQLAlchemy statements, compiled once. Nothing here commits."""

from __future__ import annotations

import operator
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    ClauseElement,
    ColumnElement,
    Integer,
    Numeric,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.schema import Column

from app.db.base import Base, owner_of
from app.db.driver import Connection, Row, Statement, Values
from app.db.moments import as_stored, shown

# Suffixes of a filter's name and their operators. A column's own name means equality, as does a name with a trailing
# underscore, for columns named like one of the list's own parameters (limit_).
COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "_gte": operator.ge,
    "_lte": operator.le,
    "_": operator.eq,
}


def table_of(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


class Crud:
    """Builds the statements of `table` when the module is imported or on a query's first use.

    Every row has the columns of `ResourceColumns`; an update increments `version` and sets `updated_at`.
    """

    # True for queries that know their caller: nothing else reads or writes a table whose rows have an owner.
    knows_caller = False

    def __init__(self, table: Table, *always: ColumnElement[bool]) -> None:
        """`always` are conditions of every query. Raises TypeError for a table with owners and no caller."""
        if not self.knows_caller and owner_of(table) is not None:
            raise TypeError(f"the rows of {table.name} have an owner: use OwnedCrud (app/crud/owned.py)")
        self.table = table
        self._always = always
        self.columns = table.columns
        self._shown = [shown(column) for column in table.columns]
        # A trailing underscore: no column has such a name, and a column's value is bound by the column's name.
        self._by_id = and_(self.columns.id == bindparam("id_"), *always)
        self._at_version = self.columns.version == func.any(bindparam("versions_", type_=ARRAY(Integer)))
        self._shapes: dict[tuple[object, ...], Statement] = {}
        self._get = Statement(select(*self._shown).where(self._by_id))
        self._exists = Statement(select(self.columns.id).where(self._by_id))

    async def get(self, connection: Connection, id: uuid.UUID) -> Row | None:
        return await connection.one_or_none(self._get, {"id_": id})

    async def exists(self, connection: Connection, id: uuid.UUID) -> bool:
        return await connection.scalar(self._exists, {"id_": id}) is not None

    async def create(self, connection: Connection, values: Values) -> Row:
        row = await connection.one_or_none(self._insert(tuple(values)), values)
        assert row is not None, "INSERT ... RETURNING gives the row or raises"  # noqa: S101
        return row

    async def update(
        self, connection: Connection, id: uuid.UUID, values: Values, versions: Sequence[int] | None
    ) -> Row | None:
        """Return the changed row, or None without such a row at one of `versions` (None: at any)."""
        statement = self._update(tuple(values), versions is not None)
        return await connection.one_or_none(statement, {**values, "id_": id, "versions_": versions})

    async def delete(self, connection: Connection, id: uuid.UUID, versions: Sequence[int] | None) -> bool:
        """Delete the row. Returns False without such a row at one of `versions` (None: at any)."""
        return await connection.run(self._delete(versions is not None), {"id_": id, "versions_": versions}) == 1

    async def page(
        self,
        connection: Connection,
        *,
        sort: str,
        filters: Mapping[str, object],
        after: Sequence[object] | None,
        limit: int,
    ) -> list[Row]:
        """Return at most `limit` rows in the order `sort` ("name", or "-name" for descending), after the keys `after`.

        Keyset pages: the row comparison uses the index of (sort column, id), so a page deep in the table costs the
        same as the first one.
        """
        values: dict[str, object] = {f"filter_{name}": value for name, value in filters.items()}
        values["page_limit"] = limit
        if after is not None:
            values |= {f"after_{position}": value for position, value in enumerate(after)}
        return await connection.all(self._page(sort, tuple(filters), after is not None), values)

    def sort_keys(self, sort: str) -> tuple[Column[Any], ...]:
        """Return the columns of an order; the id makes it total where the column alone does not."""
        column = self.columns[sort.removeprefix("-")]
        return (column,) if column.primary_key or column.unique else (column, self.columns.id)

    async def place(self, connection: Connection, sort: str, id: uuid.UUID) -> list[object] | None:
        """Return a row's position in an order, as stored: its values may be outside the range that responses show."""
        columns = [as_stored(key) for key in self.sort_keys(sort)]
        statement = self._shape(("place", sort), lambda: select(*columns).where(self._by_id))
        row = await connection.one_or_none(statement, {"id_": id})
        return None if row is None else list(row.values())

    def _insert(self, names: tuple[str, ...]) -> Statement:
        return self._shape(
            ("insert", names),
            lambda: insert(self.table).values({n: bindparam(n) for n in names}).returning(*self._shown),
        )

    def _update(self, names: tuple[str, ...], versioned: bool) -> Statement:
        def build() -> ClauseElement:
            changes: dict[str, Any] = {name: bindparam(name, type_=self.columns[name].type) for name in names}
            changes |= {"version": self.columns.version + literal_column("1"), "updated_at": func.clock_timestamp()}
            statement = update(self.table).where(self._by_id).values(changes).returning(*self._shown)
            return statement.where(self._at_version) if versioned else statement

        return self._shape(("update", names, versioned), build)

    def _delete(self, versioned: bool) -> Statement:
        def build() -> ClauseElement:
            statement = delete(self.table).where(self._by_id)
            statement = statement.where(self._at_version) if versioned else statement
            gone = statement.returning(self.columns.id).cte("gone")
            changed = [changes.cte(f"changed_{number}") for number, changes in enumerate(self._set_to_null(gone.c.id))]
            return select(gone.c.id).add_cte(*changed) if changed else statement

        return self._shape(("delete", versioned), build)

    def _set_to_null(self, deleted: ColumnElement[uuid.UUID]) -> Iterator[Update]:
        """Yield what makes a reference that becomes null a change of its row: PostgreSQL sets only the reference."""
        for table in self.table.metadata.tables.values():
            keys = [key for key in table.foreign_keys if key.ondelete == "SET NULL" and key.references(self.table)]
            if keys and {"id", "version", "updated_at"} <= set(table.columns.keys()):
                raised = {"version": table.c.version + literal_column("1"), "updated_at": func.clock_timestamp()}
                refers = or_(*(key.parent == select(deleted).scalar_subquery() for key in keys))
                yield update(table).where(refers).values(raised)

    def _page(self, sort: str, filters: tuple[str, ...], after: bool) -> Statement:
        def build() -> ClauseElement:
            descending, keys = sort.startswith("-"), self.sort_keys(sort)
            statement = select(*self._shown).where(*self._always, *(self._condition(name) for name in filters))
            if after:
                last = tuple_(*(bindparam(f"after_{i}", type_=key.type) for i, key in enumerate(keys)))
                statement = statement.where(tuple_(*keys) < last if descending else tuple_(*keys) > last)
            order = [key.desc() if descending else key.asc() for key in keys]
            return statement.order_by(*order).limit(bindparam("page_limit", type_=Integer))

        return self._shape(("page", sort, filters, after), build)

    def filters_by(self, name: str) -> bool:
        """Return True if a list can be filtered by this name: a column, perhaps with a suffix of COMPARISONS."""
        return any(name.removesuffix(suffix) in self.columns for suffix in ("", *COMPARISONS))

    def _condition(self, name: str) -> ColumnElement[bool]:
        field, compare = name, operator.eq
        if name not in self.columns:
            suffix = next(suffix for suffix in COMPARISONS if name.endswith(suffix))
            field, compare = name.removesuffix(suffix), COMPARISONS[suffix]
        column = self.columns[field]
        # A parameter is cast to its type: numeric(10, 2) would round the requested value, or find it out of range.
        kind = Numeric() if isinstance(column.type, Numeric) else column.type
        return compare(column, bindparam(f"filter_{name}", type_=kind))

    def _shape(self, key: tuple[object, ...], build: Callable[[], ClauseElement]) -> Statement:
        """One statement for each shape of query. Names come from the schemas, so their number is bounded."""
        statement = self._shapes.get(key)
        if statement is None:
            statement = self._shapes[key] = Statement(build())
        return statement
