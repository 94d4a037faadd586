"""References to secrets: with a version, so that a rollback gets the value of its time."""

from typing import Any

import pytest

from tests.toolkit.deploy.places.ecs.test_definition import ARN, environment, rendered
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.ecs import definition, references
from toolkit.deploy.places.ecs.calls import Calls
from toolkit.deploy.places.ecs.client import Called, Client

VERSION = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE"


class Answers(Client):
    """A client with fixed answers, by operation."""

    def __init__(self, **answers: dict[str, Any]) -> None:
        super().__init__("eu-central-1", Changes())
        self.answers = answers

    def call(self, service: str, operation: str, parameters: dict[str, object]) -> Called:
        return Called(self.answers[operation], "")


def described(**more: object) -> dict[str, Any]:
    return {"ARN": ARN, "VersionIdsToStages": {"old": ["AWSPREVIOUS"], VERSION: ["AWSCURRENT"]}, **more}


def test_release_refers_to_the_version_of_its_time() -> None:
    found = references.read(Calls(Answers(describe_secret=described()), "c"), environment())
    assert found.values == {"DATABASE_URL": f"{ARN}:url::{VERSION}", "TOKEN": f"{ARN}:::{VERSION}"}
    assert (found.absent, found.rotating) == ((), ())


def test_secret_that_aws_rotates_has_no_version() -> None:
    """Its old version stops working, and tasks are started at any time."""
    found = references.read(Calls(Answers(describe_secret=described(RotationEnabled=True)), "c"), environment())
    assert found.values == {"DATABASE_URL": f"{ARN}:url::", "TOKEN": ARN}
    assert found.rotating == ("DATABASE_URL", "TOKEN")
    assert found.mark  # a new value replaces the tasks all the same


@pytest.mark.parametrize(
    ("text", "expected"),
    [(f"{ARN}:url::{VERSION}", (ARN, VERSION)), (f"{ARN}:url::", (ARN, "")), (ARN, (ARN, ""))],
)
def test_version_of_a_reference(text: str, expected: tuple[str, str]) -> None:
    assert references.version_of(text) == expected


@pytest.mark.parametrize(("versions", "code"), [((VERSION, "old"), ""), (("old",), "SECRET_VERSION_GONE")])
def test_rollback_needs_the_version_of_its_time(versions: tuple[str, ...], code: str) -> None:
    listed = {"Versions": [{"VersionId": version} for version in versions]}
    made = definition.with_references(rendered(), {"DATABASE_URL": f"{ARN}:url::{VERSION}"}, "new")
    failure = references.gone(Calls(Answers(list_secret_version_ids=listed), "c"), [made])
    assert (failure.code if failure else "") == code


def test_restart_takes_the_newest_versions() -> None:
    made = definition.with_references(rendered(), {"DATABASE_URL": "new", "OTHER": "x"}, "mark")
    assert definition.secrets_of(made) == {"DATABASE_URL": "new"}
    assert definition.mark_of(made) == "mark"
    assert definition.secrets_of(rendered()) == {"DATABASE_URL": ARN + ":url::"}
