"""Alembic's environment: the service's own settings and metadata, one migration at a time."""

import asyncio
import sys
from typing import NoReturn

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.core.config import EXIT_CONFIGURATION, ConfigurationError, get_settings
from app.db.base import load_models
from app.db.connecting import NotConnected
from app.db.migration_faults import of_command, of_revision
from app.db.migrations import InvalidIndexes, MigrationLockHeld, migrate
from app.db.schema import VERSIONS

# sysexits.h: EX_UNAVAILABLE. Nothing was migrated, and nothing is wrong with the revisions.
EXIT_UNREACHABLE = 69
# Classes of SQLSTATE: wrong user or password, no such database, too many connections, starting or stopping.
EXIT_FAILED = 1
REFUSALS = ("28", "3D", "53", "57")

metadata = load_models()
present: list[str] = []  # the revisions that the database was at


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    present[:] = context.get_context().get_current_heads()
    with context.begin_transaction():
        context.run_migrations()


def run_offline() -> None:
    """Write SQL instead of running it (`alembic upgrade ... --sql`); what `migrate.lint` reads."""
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, literal_binds=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_database() -> None:
    """Migrate the database of the settings. Other failures than a revision's own end in one line and an exit code."""
    try:
        asyncio.run(migrate(get_settings(), run))
    except MigrationLockHeld as error:
        stop(str(error), error.code)
    except ConfigurationError as error:
        stop(str(error), EXIT_CONFIGURATION)
    except NotConnected as error:
        url = get_settings().migration_url
        place = url.query.get("host") or f"{url.host}:{url.port or 5432}"
        code = EXIT_CONFIGURATION if error.cause.refused else EXIT_UNREACHABLE
        stop(f"migrate: no connection to PostgreSQL at {place}: {error}", code)
    except InvalidIndexes as error:
        stop(f"migrate: {error}", EXIT_FAILED)
    except CommandError as error:
        stop(f"migrate: {of_command(error, present, get_settings().migration_url, VERSIONS)}", EXIT_FAILED)
    except Exception as error:
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "")[:2] in REFUSALS:
            stop(f"migrate: PostgreSQL ended the connection: {error.orig}", EXIT_UNREACHABLE)
        fault = of_revision(error, VERSIONS)
        if fault is None:
            raise
        stop(f"migrate: {fault}", EXIT_FAILED)


def stop(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)


if context.is_offline_mode():
    run_offline()
else:
    # A caller that already has a connection (the tests) passes it in: Alembic's own recipe for programmatic use.
    lent: Connection | None = context.config.attributes.get("connection")
    if lent is not None:
        run(lent)
    else:
        migrate_database()
