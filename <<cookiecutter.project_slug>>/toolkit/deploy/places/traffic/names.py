"""Names of a release's revisions. Pure."""

from __future__ import annotations

import hashlib
import json


def content_hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def is_attempt(name: str, first: str) -> bool:
    """Return True for the revision `first`, or for that of a further attempt at the same release."""
    return name == first or (name.startswith(f"{first}-") and name.removeprefix(f"{first}-").isdecimal())
