"""DATABASE_URL as hosting providers write it, converted for SQLAlchemy's asyncpg dialect."""

from __future__ import annotations

from typing import Literal, get_args

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
SSL_MODES: tuple[str, ...] = get_args(SslMode)
# libpq's TLS parameters: `app/db/connecting.py` passes them to asyncpg, which accepts them only in a URL.
TLS_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
TLS_PARAMETERS = frozenset({*TLS_FILES, "sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version"})
# Parameters of asyncpg or the dialect; any other would raise a TypeError at the first connection.
PARAMETERS = TLS_PARAMETERS | {"ssl", "host", "port", "target_session_attrs", "prepared_statement_cache_size"}


def parse_database_url(text: str) -> URL:
    """Return the URL with the driver's name and libpq's `sslmode` as asyncpg's `ssl`.

    Raises ValueError with a reason that does not repeat the URL: it holds a password.
    """
    if text[:1] in ('"', "'"):
        raise ValueError("starts with a quotation mark; leave the quotes out, they are part of the value here")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not a URL; it must be postgresql://user:password@host:5432/database") from None
    if url.drivername not in SCHEMES:
        raise ValueError(f"has the scheme {url.drivername}; it must be postgresql://")
    if not url.database:
        raise ValueError("names no database; it must be postgresql://user:password@host:5432/database")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    if query.get("ssl", "prefer") not in SSL_MODES:
        raise ValueError(f"has an unknown sslmode; it is one of {', '.join(SSL_MODES)}")
    unknown = sorted(query.keys() - PARAMETERS)
    if unknown:
        raise ValueError(f"has unsupported parameters: {', '.join(unknown)}; remove them")
    if query.get("ssl") in ("disable", "allow", "prefer") and "sslrootcert" in query:
        raise ValueError(
            f"has sslrootcert, but sslmode={query['ssl']} verifies nothing; set sslmode=verify-full, or leave it out"
        )
    return url.set(drivername="postgresql+asyncpg", query=query)


def plain_url(url: URL) -> str:
    """Return a URL of `parse_database_url`, with the password, in libpq's and asyncpg's form."""
    query = {"sslmode" if name == "ssl" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql", query=query).render_as_string(hide_password=False)
