"""A service whose schemas have members without a column does not start, and says which."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Query, Request
from pydantic import Field
from sqlalchemy.orm import Mapped, mapped_column

from app.api.routing import Router, include
from app.core.security import public
from app.crud.base import Crud, table_of
from app.db.base import Base, ResourceColumns
from app.schemas import base
from app.services.base import ResourceService


class Crate(ResourceColumns, Base):
    __tablename__ = "crates_of_columns"
    size: Mapped[int] = mapped_column("from")


Base.metadata.remove(Base.metadata.tables["crates_of_columns"])


class CrateService(ResourceService):
    crud = Crud(table_of(Crate))
    title = "crate"


class CrateCreate(base.Schema):
    from_: int = Field(alias="from")


class CrateQuery(base.PageQuery):
    sort: str = "created_at"
    from_: int | None = Field(default=None, alias="from")
    from_gte: int | None = None


class CrateEmpty(base.Schema):
    """The body of an owner's endpoint: not one of the resource's own schemas."""

    reason: str


async def service_of(request: Request) -> CrateService: ...


def included(schema: type[Any], query: type[Any] = CrateQuery, make: Any = service_of) -> None:
    router = Router(prefix="/crates", dependencies=[public])

    @router.post("")
    async def create(data: schema, service: Annotated[Any, Depends(make)]) -> None: ...  # type: ignore[valid-type]

    @router.get("")
    async def page(query: Annotated[query, Query()], service: Annotated[Any, Depends(make)]) -> None: ...  # type: ignore[valid-type]

    include(FastAPI(), [router], "")


def test_members_with_columns_start() -> None:
    included(CrateCreate)
    included(CrateEmpty)


def test_a_member_without_a_column_is_named() -> None:
    lacking = type("CrateCreate", (CrateCreate,), {"__annotations__": {"sku": str, "hidden": str}})
    with pytest.raises(TypeError, match=r"^CrateCreate\.sku, CrateCreate\.hidden: no such column in the model"):
        included(lacking)


def test_a_filter_without_a_column_is_named() -> None:
    lacking = type("CrateQuery", (CrateQuery,), {"__annotations__": {"sku_lte": int}})
    with pytest.raises(TypeError, match=r"^CrateQuery\.sku_lte: "):
        included(CrateCreate, lacking)


def test_a_rule_may_consume_a_member() -> None:
    class CrateService(ResourceService):
        crud = Crud(table_of(Crate))
        members_without_column = frozenset({"sku"})

    async def make(request: Request) -> CrateService: ...

    included(type("CrateCreate", (CrateCreate,), {"__annotations__": {"sku": str}}), make=make)
