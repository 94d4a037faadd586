"""The service's check of its settings is left out only for a commit and settings that have passed it."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.places.values import Variables
from toolkit.deploy.records import GOOD, ReleaseRecord
from toolkit.deploy.release.commits import Checkout, Commit
from toolkit.deploy.release.state import Known
from toolkit.deploy.release.steps import preflight
from toolkit.dev.service import Verdict

HERE = Checkout(Commit("0123456789abcdef"))
RECORD = ReleaseRecord(
    1, "sha256:1", "r@sha256:1", GOOD, "docker", "2026-01-01T00:00:00+00:00", "ada", git=HERE.revision
)


def checks(monkeypatch: pytest.MonkeyPatch, records: list[ReleaseRecord], here: Checkout | None, recorded: str) -> int:
    """Return how often the service is asked. `recorded`: the digest and mark of the release with these settings."""
    asked: list[Mapping[str, str]] = []

    def judge(pods: Mapping[str, str]) -> Verdict:
        asked.append(pods)
        return Verdict()

    place = SimpleNamespace(
        require_programs=lambda: "",
        check=lambda _: None,
        records=lambda: records,
        prerequisites=lambda _, rollback: SimpleNamespace(denied=False, variables=Variables(mark="m")),
        is_recorded=lambda spec, record: f"{spec.digest} {spec.mark}" == recorded and record is records[-1],
    )
    target: Any = SimpleNamespace(
        place=place,
        environment=SimpleNamespace(image="r@sha256:2", smoke_writes=False, name="staging"),
        unbuilt=preflight_spec,
        checkout=here,
        check=SimpleNamespace(judge=judge),
        service="lamps",
        secrets={},
    )
    monkeypatch.setattr(preflight.settings, "given", lambda *_: {})
    preflight.Preflight().observe(target, Known())
    return len(asked)


def preflight_spec() -> Any:
    from toolkit.deploy.spec import ReleaseSpec

    return ReleaseSpec("lamps", SimpleNamespace(name="staging"), digest="sha256:0")  # type: ignore[arg-type]


def test_a_release_on_record_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks(monkeypatch, [RECORD], HERE, "sha256:1 m") == 0


@pytest.mark.parametrize(
    ("records", "here", "recorded"),
    [
        ([], HERE, "sha256:1 m"),  # the first release
        ([RECORD], None, "sha256:1 m"),  # no git
        ([RECORD], Checkout(HERE.commit, ("app/core/config.py",)), "sha256:1 m"),  # the code is another
        ([RECORD], Checkout(Commit("f" * 40)), "sha256:1 m"),
        ([RECORD], HERE, "sha256:1 other"),  # the settings or secrets are others
    ],
)
def test_everything_else_is_checked(
    monkeypatch: pytest.MonkeyPatch, records: list[ReleaseRecord], here: Checkout | None, recorded: str
) -> None:
    assert checks(monkeypatch, records, here, recorded) == 1
