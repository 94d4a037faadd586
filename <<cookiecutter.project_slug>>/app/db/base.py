"""The declarative base: one metadata, one naming convention, the columns of every resource."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
import uuid

from sqlalchemy import Column, DateTime, MetaData, Table, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Errors name the field by the constraint's name, and migrations can drop what they can name: never change this
# convention without a migration that renames every constraint.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class ResourceColumns:
    """Columns of every resource's table. `version` counts changes and becomes the ETag."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, sort_order=-4)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), sort_order=-3)
    updated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), sort_order=-2)
    version: Mapped[int] = mapped_column(server_default=text("1"), sort_order=-1)


def owner_of(table: Table) -> Column[str] | None:
    """Return the column of the owner; None for a table whose rows have none."""
    return next((column for column in table.columns if column.info.get("owner")), None)


def load_models() -> MetaData:
    """Import every module of `app.models`, so that the metadata is complete, and return it."""
    package = importlib.import_module("app.models")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"app.models.{module.name}")
    return Base.metadata
