"""Resources that do not fit the answer to `auth`."""

import re

import pytest

from tests.support.template import SERVICE
from toolkit.resources.line.authentication import TABLES_OF_USERS, refusal
from toolkit.resources.line.parser import parse


@pytest.mark.parametrize(
    ("text", "auth", "reason"),
    [
        ("user: name:str", "jwt", ""),
        ("user: name:str", "none", ""),
        ("user: name:str", "accounts", "`user` (`users`) is what the service keeps its own users in"),
        ("user/people: name:str", "accounts", "`user` (`people`) is"),
        ("person/users: name:str", "accounts", "`person` (`users`) is"),
        ("user_session: name:str", "accounts", "`user_session` (`user_sessions`) is"),
        ("account: name:str", "accounts", ""),
        ("a: owner x:int", "none", "`a` has `owner`"),
    ],
)
def test_resources_of_each_answer(text: str, auth: str, reason: str) -> None:
    found = refusal(parse(text), auth)
    assert bool(found) is bool(reason)
    assert found.startswith(reason)


def test_the_tables_are_those_of_the_models() -> None:
    text = (SERVICE / "app/models/user.py").read_text()
    assert set(re.findall(r'__tablename__ = "(\w+)"', text)) == TABLES_OF_USERS
