"""Without authentication every caller is the same one."""

from fastapi import FastAPI

SUBJECT = "anonymous"
SECRETS: dict[str, str] = {}  # that a deployment has


def headers_for(*scopes: str, app: FastAPI | None = None, subject: str = SUBJECT) -> dict[str, str]:
    """The headers of a caller with these scopes: none are required."""
    return {}


async def deployed_headers(base_url: str) -> dict[str, str]:
    """The headers of a caller of a deployed service."""
    return {}
