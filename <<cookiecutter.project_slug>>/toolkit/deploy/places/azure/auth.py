"""Access tokens for Azure's APIs, by azure-identity: workload identity, managed identity, or the Azure CLI's log-in."""

from __future__ import annotations

import importlib
import logging
import time
from typing import Protocol

from toolkit.deploy.outcomes import Failed, fail

ARM = "https://management.azure.com/.default"
BLOBS = "https://storage.azure.com/.default"
VAULT = "https://vault.azure.net/.default"
LOGS = "https://api.loganalytics.azure.com/.default"
SCOPES = (ARM, BLOBS, VAULT, LOGS)
LOG_IN = "run `az login`, or in a pipeline log in by workload identity (README.md, Pipeline)"
EARLIER_SECONDS = 120  # a token is replaced so long before it expires


class Token(Protocol):
    token: str
    expires_on: int


class Credential(Protocol):
    """As in azure.core.credentials, which is not installed with the service."""

    def get_token(self, *scopes: str) -> Token: ...


class Tokens:
    """The tokens of one process, by scope. Members raise Failed AZURE_IDENTITY_MISSING, AZURE_NOT_LOGGED_IN."""

    def __init__(self) -> None:
        self._credential: Credential | None = None
        self._known: dict[str, Token] = {}

    def prepare(self) -> None:
        """Get every token at once: the identity of a pipeline's job, which it is exchanged for, expires in minutes."""
        for scope in SCOPES:
            self.access(scope)

    def access(self, scope: str) -> str:
        found = self._known.get(scope)
        if found is None or found.expires_on < time.time() + EARLIER_SECONDS:
            self._credential = self._credential or credential()
            try:
                found = self._credential.get_token(scope)
            except Exception as error:  # the package is not installed with the service, so neither are its exceptions
                raise _not_logged_in(error) from None
            self._known[scope] = found
        return found.token


def credential() -> Credential:
    """Return the credentials of this environment. Raises Failed AZURE_IDENTITY_MISSING."""
    try:
        library = importlib.import_module("azure.identity")
    except ImportError:
        raise fail(
            "AZURE_IDENTITY_MISSING",
            "the package azure-identity, with which the toolkit logs in to Azure, is not installed",
            hint=".venv/bin/uv add --dev azure-identity",
        ) from None
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # each way that is not set up would be a warning
    made: Credential = library.DefaultAzureCredential()
    return made


def _not_logged_in(error: Exception) -> Failed:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0][:200] if lines else type(error).__name__
    return fail("AZURE_NOT_LOGGED_IN", "no valid credentials for Azure", said, hint=LOG_IN)
