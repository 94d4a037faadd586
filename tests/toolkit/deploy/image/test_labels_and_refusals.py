"""Labels, registries' refusals, and the lines of the checklist."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.deploy.image import labels, registry
from toolkit.deploy.outcomes import Status, fail
from toolkit.deploy.verify.checklist import Skipped
from toolkit.deploy.verify.containers import Contained
from toolkit.deploy.verify.run import _of_project, outcome


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@github.com:example/shop.git", "https://github.com/example/shop"),
        ("https://user:token@github.com/example/shop.git", "https://github.com/example/shop"),
        ("https://gitlab.example.com/a/b/shop", "https://gitlab.example.com/a/b/shop"),
        ("ssh://git@git.example.com:2222/shop.git", "https://git.example.com/shop"),
        ("/srv/git/shop.git", ""),
        ("", ""),
    ],
)
def test_the_source_that_a_label_names_holds_no_secret(remote: str, address: str) -> None:
    assert labels.web_address(remote) == address


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("manifest unknown: manifest unknown", "IMG_NOT_FOUND"),
        ("name unknown: repository name not known to registry", "IMG_NOT_FOUND"),
        ("unauthorized: authentication required", "IMG_DENIED"),
        ("no basic auth credentials", "IMG_DENIED"),
        ("denied: requested access to the resource is denied", "IMG_DENIED"),
        ("unexpected status: 403 Forbidden", "IMG_DENIED"),
        (
            'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
            "REGISTRY_UNREACHABLE",
        ),
        ("received unexpected HTTP status: 503 Service Unavailable", "REGISTRY_UNREACHABLE"),
        ("", "REGISTRY_UNREACHABLE"),
    ],
)
def test_what_a_registry_means(said: str, code: str) -> None:
    failure = registry.refused("registry.example.com/shop:1", said).failure
    assert failure.code == code
    assert failure.hint


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("shop:1", "docker.io"),
        ("example/shop:1", "docker.io"),
        ("docker.io/example/shop", "docker.io"),
        ("localhost/shop", "localhost"),
        ("127.0.0.1:5000/shop:1", "127.0.0.1:5000"),
        ("registry.example.com/a/shop@sha256:0", "registry.example.com"),
    ],
)
def test_the_registry_that_a_reference_names(reference: str, host: str) -> None:
    assert registry.host_of(reference) == host


def _raise(error: Exception) -> Callable[[], str]:
    def check() -> str:
        raise error

    return check


def test_a_line_of_the_checklist_passes_only_when_its_check_does() -> None:
    assert outcome(lambda: "seen") == (Status.OK, "seen", None)
    assert outcome(_raise(Skipped("no engine"))) == (Status.SKIPPED, "no engine", None)
    status, message, failure = outcome(_raise(fail("CODE", "what happened", hint="what to do")))
    assert (status, message) == (Status.FAILED, "what happened")
    assert failure is not None
    assert failure.hint == "what to do"


@pytest.mark.parametrize("tests", [False, True])
def test_the_suite_is_run_only_when_it_is_asked_for(tmp_path: Path, tests: bool) -> None:
    contained = Contained(tmp_path, lambda _: None)
    lines = dict(_of_project(tmp_path, contained, tests=tests))
    status, summary, _ = outcome(lines["tests"])
    assert status is Status.SKIPPED
    assert ("verify --tests" in summary) is not tests


def test_a_check_that_breaks_has_failed() -> None:
    status, message, failure = outcome(_raise(KeyError("id")))
    assert status is Status.FAILED
    assert "KeyError('id')" in message
    assert failure is not None
