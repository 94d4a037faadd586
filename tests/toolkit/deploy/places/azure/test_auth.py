"""Tokens of a deploy."""

import time
from dataclasses import dataclass

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.azure import auth
from toolkit.deploy.places.azure.auth import Tokens


@dataclass
class Token:
    token: str
    expires_on: int


class Credential:
    """Like that of a pipeline's job: `valid` until its assertion expires."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.valid = True

    def get_token(self, *scopes: str) -> Token:
        if not self.valid:
            raise ValueError("AADSTS700024: Client assertion is not within its valid time range")
        self.asked += scopes
        return Token(f"for {scopes[0]}", int(time.time()) + 3600)


def test_every_token_is_got_while_the_identity_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Credential()
    monkeypatch.setattr(auth, "credential", lambda: credential)
    prepared, late = Tokens(), Tokens()
    prepared.prepare()
    late.access(auth.ARM)
    credential.valid = False
    assert [prepared.access(scope) for scope in auth.SCOPES] == [f"for {scope}" for scope in auth.SCOPES]
    with pytest.raises(Failed) as refused:
        late.access(auth.LOGS)
    assert refused.value.failure.code == "AZURE_NOT_LOGGED_IN"
    assert "AADSTS700024" in refused.value.failure.evidence[0]
