"""The prerequisites of the smoke test are checked before any change."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.release.steps import smoke


def target(folder: Path, auth: str, variables: dict[str, str], **keys: Any) -> Any:
    (folder / "service.toml").write_text(f'[answers]\nauth = "{auth}"\n')
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": {"name": "s"}}
    environment = KubernetesEnvironment.model_validate({**base, **keys})
    return SimpleNamespace(project=folder, environment=environment, variables=variables)


URL = "https://lamps.example"


@pytest.mark.parametrize(
    ("auth", "variables", "keys"),
    [
        ("tokens", {}, {}),
        ("tokens", {}, {"url": URL}),
        ("tokens", {"TOKEN": "t"}, {"url": URL, "smoke_writes": True}),
        ("none", {}, {"url": URL, "smoke_writes": True}),
    ],
)
def test_who_can_write_or_need_not(tmp_path: Path, auth: str, variables: dict[str, str], keys: Any) -> None:
    smoke.require_caller(target(tmp_path, auth, variables, **keys))


@pytest.mark.parametrize(
    ("keys", "code"), [({"smoke_writes": True}, "NO_URL"), ({"smoke_writes": True, "url": URL}, "NO_TOKEN")]
)
def test_who_can_not_write_is_told_before(tmp_path: Path, keys: Any, code: str) -> None:
    with pytest.raises(Failed, match=code):
        smoke.require_caller(target(tmp_path, "tokens", {}, **keys))
