"""A write with a key that the API does not know is not sent; one while the toolkit only looks is not sent either."""

import pytest

from toolkit.deploy.inventory import containerapps_keys as keys
from toolkit.deploy.places.azure.auth import Tokens
from toolkit.deploy.places.azure.client import Client
from toolkit.deploy.places.changes import Changes


class Requested(Exception):
    """The client has begun a request."""


class Unasked(Tokens):
    """Every request needs a token first."""

    def access(self, scope: str) -> str:
        raise Requested


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"properties": {"template": {"revisionSufix": "x"}}}, "did you mean revisionSuffix?"),
        ({"properties": {"configuration": {"ingress": {"trafic": []}}}}, "did you mean traffic?"),
    ],
)
def test_unknown_key_is_not_sent(body: dict[str, object], said: str) -> None:
    changes = Changes()
    with pytest.raises(AssertionError) as caught:
        Client(Unasked(), changes, "2025-07-01").write("PATCH", "/x", "app shop", body, keys.APP)
    assert said in str(caught.value)
    assert changes.count == 0


def test_known_keys_are_sent() -> None:
    with pytest.raises(Requested):
        Client(Unasked(), Changes(), "2025-07-01").write("PATCH", "/x", "app shop", {"tags": {}}, keys.APP)


def test_nothing_is_sent_while_a_plan_is_made() -> None:
    changes = Changes()
    with changes.reading(), pytest.raises(AssertionError, match="only looks"):
        Client(Unasked(), changes, "2025-07-01").act("/x/start", "Job x")
