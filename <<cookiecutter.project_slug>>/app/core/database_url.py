"""DATABASE_URL as hosting providers write it, turned into what SQLAlchemy's asyncpg dialect takes."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# What asyncpg or the dialect take as parameters; anything else would be a TypeError at the first connection.
PARAMETERS = frozenset({"ssl", "host", "port", "target_session_attrs", "prepared_statement_cache_size"})


def parse_database_url(text: str) -> URL:
    """The URL with the driver named and libpq's `sslmode` as asyncpg's `ssl`.

    Raises ValueError with a reason that does not repeat the URL: it holds a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not a URL; it wants postgresql://user:password@host:5432/database") from None
    if url.drivername not in SCHEMES:
        raise ValueError(f"has the scheme {url.drivername}; it wants postgresql://")
    if not url.database:
        raise ValueError("names no database; it wants postgresql://user:password@host:5432/database")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    if query.get("ssl", "prefer") not in SSL_MODES:
        raise ValueError(f"has an unknown sslmode; it is one of {', '.join(SSL_MODES)}")
    unknown = sorted(query.keys() - PARAMETERS)
    if unknown:
        raise ValueError(f"has parameters that the driver does not know: {', '.join(unknown)}; leave them out")
    return url.set(drivername="postgresql+asyncpg", query=query)
