"""Settings of the database: its address, TLS, a pooler in front of it, and the limits of its use."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from sqlalchemy import URL

from app.settings.base import SERVICE, EnvironmentSettings
from app.settings.database_url import TLS_FILES, SslMode, parse_database_url

PUBLIC_PASSWORDS = frozenset({"", "postgres", "password", "changeme", "changethis", "secret", "admin", "test"})


class DatabaseSettings(EnvironmentSettings):
    database_url: SecretStr | None = None
    postgres_server: str = "localhost"
    postgres_port: int = Field(5432, ge=1, le=65535)
    postgres_user: str = "postgres"
    postgres_password: SecretStr = SecretStr("postgres")
    postgres_db: str = SERVICE.get("database", "app")
    # As in libpq, for parameters missing from the URL.
    postgres_sslmode: SslMode | None = None
    postgres_sslrootcert: str | None = None
    postgres_sslcert: str | None = None
    postgres_sslkey: str | None = None
    # A pooler shares connections between clients: no state may be kept on one between transactions.
    database_pooler: bool = False
    # For migrations, bypassing the pooler: their lock belongs to a session. It may name the role that owns the tables.
    migration_database_url: SecretStr | None = None
    # All connections are kept: one beyond the size is closed after use, and reopening it costs ten queries (5 + 5
    # in place of 10 + 0 halved the throughput of eight clients).
    pool_size: int = Field(10, ge=1)
    max_overflow: int = Field(0, ge=0)
    pool_timeout_seconds: float = Field(2.0, gt=0)
    connect_timeout_seconds: float = Field(3.0, gt=0)
    statement_timeout_ms: int = Field(5000, ge=0)
    lock_timeout_ms: int = Field(2000, ge=0)
    migration_wait_seconds: float = Field(60.0, ge=0)
    # The schema that this code needs at least; by default the newest revision in alembic/versions.
    schema_minimum: str | None = None

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _well_formed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_database_url(value.get_secret_value())
        return value

    @cached_property
    def sqlalchemy_url(self) -> URL:
        if self.database_url is not None:
            return self._with_tls(parse_database_url(self.database_url.get_secret_value()))
        url = URL.create(
            "postgresql+asyncpg",
            self.postgres_user,
            self.postgres_password.get_secret_value(),
            self.postgres_server,
            self.postgres_port,
            self.postgres_db,
        )
        return self._with_tls(url)

    @cached_property
    def migration_url(self) -> URL:
        if self.migration_database_url is None:
            return self.sqlalchemy_url
        return self._with_tls(parse_database_url(self.migration_database_url.get_secret_value()))

    def _with_tls(self, url: URL) -> URL:
        given = {
            "ssl": self.postgres_sslmode,
            "sslrootcert": self.postgres_sslrootcert,
            "sslcert": self.postgres_sslcert,
            "sslkey": self.postgres_sslkey,
        }
        return url.update_query_dict({n: value for n, value in given.items() if value and n not in url.query})

    def missing_files(self) -> Iterator[str]:
        addresses = {"DATABASE_URL": self.sqlalchemy_url}
        if self.migration_database_url is not None:
            addresses["MIGRATION_DATABASE_URL"] = self.migration_url
        for variable, url in addresses.items():
            for name in TLS_FILES:
                path = url.query.get(name)
                if isinstance(path, str) and (why := _unreadable(path)):
                    yield f"{self._origin(variable, name, path)}: {path} {why}"

    def _origin(self, variable: str, name: str, path: str) -> str:
        return f"POSTGRES_{name.upper()}" if getattr(self, f"postgres_{name}", None) == path else f"{variable}: {name}"

    def refusals(self) -> list[str]:
        found = super().refusals()
        if self.database_url is None:
            for name in ("postgres_server", "postgres_user", "postgres_password", "postgres_db"):
                if name not in self.model_fields_set:
                    found.append(f"{name.upper()} is not set (or set DATABASE_URL instead of all POSTGRES_*)")
        variable = "POSTGRES_PASSWORD" if self.database_url is None else "DATABASE_URL"
        if (self.database_url is not None or "postgres_password" in self.model_fields_set) and (
            _is_public(self.sqlalchemy_url)
        ):
            found.append(f"{variable} has a publicly known password")
        if self.migration_database_url is not None and _is_public(self.migration_url):
            found.append("MIGRATION_DATABASE_URL has a publicly known password")
        return found


def _unreadable(path: str) -> str:
    """Return why a file cannot be read; empty if it can."""
    try:
        with Path(path).open("rb"):
            return ""
    except FileNotFoundError:
        return "does not exist"
    except PermissionError:
        return "cannot be read: permission denied"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _is_public(url: URL) -> bool:
    """Return True for a URL with a common password; PASSWORD is the one of this service's examples."""
    return url.password is not None and url.password.lower() in PUBLIC_PASSWORDS
