"""Alembic's environment: the service's own settings and metadata, one migration at a time."""

import asyncio
import sys

from alembic import context
from sqlalchemy import Connection

from app.core.config import get_settings
from app.db.base import load_models
from app.db.migrations import MigrationLockHeld, migrate

metadata = load_models()


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def run_offline() -> None:
    """Write SQL instead of running it (`alembic upgrade ... --sql`); what `migrate.lint` reads."""
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, literal_binds=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    # A caller that has a connection already (the tests) lends it: Alembic's own recipe for programmatic use.
    lent: Connection | None = context.config.attributes.get("connection")
    if lent is not None:
        run(lent)
    else:
        try:
            asyncio.run(migrate(get_settings(), run))
        except MigrationLockHeld as error:
            print(error, file=sys.stderr)
            sys.exit(error.code)
