"""A release as objects of the Admin API."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.toolkit.deploy.places.cloudrun.made import DIGEST, OTHER, environment, spec, web
from toolkit.deploy.places.cloudrun import files, render, state
from toolkit.deploy.places.cloudrun.state import Condition, Revision
from toolkit.deploy.records import Kept

SCHEMA = Path(__file__).parents[4] / "support" / "run_schema.py"


def revision(name: str, status: str, created: str = "1") -> Revision:
    return Revision(name, Condition(status), Condition(), created=created)


def test_no_value_of_a_secret_and_no_reserved_variable_is_rendered() -> None:
    (container,) = web()["template"]["spec"]["containers"]
    variables = {item["name"]: item for item in container["env"]}
    assert variables["DATABASE_URL"] == {
        "name": "DATABASE_URL",
        "valueFrom": {"secretKeyRef": {"name": "database", "key": "3"}},
    }
    assert not {"PORT", "K_SERVICE"} & set(variables)
    assert container["image"].endswith(f"@{DIGEST}")


def test_name_of_a_revision_is_that_of_its_content() -> None:
    name = render.revision_name("shop", web())
    assert name == render.revision_name("shop", web())
    assert len({name, render.revision_name("shop", web(OTHER)), render.revision_name("shop", web(replicas=2))}) == 3
    assert name.startswith("shop-aaaaaaa-")


@pytest.mark.parametrize("attempt", [1, 2, 12])
@pytest.mark.parametrize("length", [1, 40, 49])
def test_names_fit(length: int, attempt: int) -> None:
    service = "s" * length
    name = render.revision_name(service, web(), attempt)
    assert len(name) <= 63
    assert name.startswith(f"{service}-")
    assert render.is_revision_of(name, service, web()) or length == 49  # there only the first attempt is found


NAME = render.revision_name("shop", web())


@pytest.mark.parametrize(
    ("revisions", "expected"),
    [
        ([], NAME),
        ([revision("shop-other", "True")], NAME),
        ([revision(NAME, "True")], NAME),
        ([revision(NAME, "Unknown")], NAME),  # of a killed deploy: it goes on
        ([revision(NAME, "False")], f"{NAME}-2"),
        ([revision(NAME, "False"), revision(f"{NAME}-2", "True", "2")], f"{NAME}-2"),
        ([revision(NAME, "True"), revision(f"{NAME}-2", "True", "2")], f"{NAME}-2"),  # a restart
        ([revision(NAME, "True"), revision(f"{NAME}-2", "False", "2")], NAME),
    ],
)
def test_a_failed_revision_is_not_used_again(revisions: list[Revision], expected: str) -> None:
    assert state.choose_name("shop", web(), revisions) == expected


def test_restart_takes_the_newest_secrets() -> None:
    made = render.with_versions(web(), {"DATABASE_URL": "4", "OTHER": "9"})
    changed = [pair for pair in zip(_variables(web()), _variables(made), strict=True) if pair[0] != pair[1]]
    assert [after["valueFrom"]["secretKeyRef"]["key"] for _, after in changed] == ["4"]
    assert render.with_versions(web(), {"DATABASE_URL": "3"}) == web()


def _variables(kept: Kept) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kept["template"]["spec"]["containers"][0]["env"]
    return found


def test_fresh_revision_has_a_further_name() -> None:
    assert state.choose_name("shop", web(), [revision(NAME, "True")], fresh=True) == f"{NAME}-2"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("database", ("shop-project", "database", "")),
        ("other/database@4", ("other", "database", "4")),
    ],
)
def test_references(reference: str, expected: tuple[str, str, str]) -> None:
    assert render.secret_of(reference, "shop-project") == expected


@pytest.mark.drill(minutes=1)
def test_objects_have_only_keys_of_the_published_schema() -> None:
    env = environment(
        processes={"clean": {"command": ["python", "-m", "app.clean"], "schedule": "0 3 * * *"}},
        service_account="shop@shop-project.iam.gserviceaccount.com",
        public=True,
    )
    objects = files.objects(env, spec(env))
    assert set(objects) == {"service.yaml", "job-migrate.yaml", "job-clean.yaml"}
    assert judged(objects) == ""
    container = objects["service.yaml"]["spec"]["template"]["spec"]["containers"][0]
    container["livenessProbe"]["periodSecond"] = container["livenessProbe"].pop("periodSeconds")
    assert "periodSecond: unknown" in judged(objects)


def judged(objects: Mapping[str, object]) -> str:
    command = [str(Path(sys.executable).parent / "uv"), "run", "--quiet", "--script", str(SCHEMA)]
    done = subprocess.run(command, input=json.dumps(objects), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
