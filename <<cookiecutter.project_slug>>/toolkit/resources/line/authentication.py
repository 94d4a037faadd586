"""Resources that an answer to `auth` rules out. Pure."""

from collections.abc import Iterable

from toolkit.resources.line.errors import quote
from toolkit.resources.line.model import Resource
from toolkit.resources.line.owners import without_subjects

# Tables and routes of a service that keeps its own users; see app/models/user.py there.
TABLES_OF_USERS = frozenset({"users", "user_sessions", "user_refresh_tokens", "user_mailed_tokens", "user_attempts"})


def refusal(resources: Iterable[Resource], auth: str) -> str:
    """Return why these resources are impossible with this answer, or an empty string."""
    resources = list(resources)
    return without_subjects(resources, auth) or _taken(resources, auth)


def _taken(resources: Iterable[Resource], auth: str) -> str:
    found = [resource for resource in resources if resource.plural in TABLES_OF_USERS or resource.name == "user"]
    if auth != "accounts" or not found:
        return ""
    name, plural = quote(found[0].name), quote(found[0].plural)
    return f"{name} ({plural}) is what the service keeps its own users in with auth `accounts`; choose another name"
