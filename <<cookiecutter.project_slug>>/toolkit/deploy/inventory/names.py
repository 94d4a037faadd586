"""Names derived from the service's: valid at any length, and stable for the same input. Pure."""

from __future__ import annotations

import hashlib

# RFC 1123: a label has at most 63 characters. This limits names of Services, namespaces and Jobs, and label values.
LIMIT = 63
SERVICE_LIMIT = 49  # of a service on Cloud Run
APP_LIMIT = 32  # of a container app, and of its Jobs
_MARK = 6


def fitted(base: str, suffix: str = "", limit: int = LIMIT) -> str:
    """Return `base` followed by `suffix`. If that is too long, `base` is truncated, with a hash of its full text."""
    if len(base) + len(suffix) <= limit:
        return base + suffix
    mark = hashlib.sha256(base.encode()).hexdigest()[:_MARK]
    return f"{base[: limit - len(suffix) - _MARK - 1].rstrip('-')}-{mark}{suffix}"


def namespace(service: str, environment: str) -> str:
    return fitted(f"{service}-{environment}")
