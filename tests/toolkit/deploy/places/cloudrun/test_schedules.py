"""The commands that let Cloud Scheduler start the Jobs of processes."""

import shlex
from pathlib import Path

import pytest

from tests.toolkit.deploy.places.cloudrun.made import environment, spec
from toolkit.deploy.places.cloudrun import files, schedules


def test_command_names_the_job_and_its_schedule() -> None:
    env = environment(processes={"clean": {"command": ["python"], "schedule": "*/5 0-3 * * mon"}})
    (command,) = schedules.commands(env)
    assert shlex.split(command) == [
        *("gcloud", "scheduler", "jobs", "create", "http", "shop-clean"),
        "--project=shop-project",
        "--location=europe-west1",
        "--schedule=*/5 0-3 * * mon",
        "--time-zone=Etc/UTC",
        "--uri=https://europe-west1-run.googleapis.com/apis/run.googleapis.com/v1/namespaces/shop-project/jobs/shop-clean:run",
        "--http-method=POST",
        "--oauth-service-account-email=SCHEDULER_ACCOUNT",
    ]


@pytest.mark.parametrize(
    ("given", "expected"), [("@daily", "0 0 * * *"), ("@yearly", "0 0 1 1 *"), (" 0 3 * * * ", "0 3 * * *")]
)
def test_names_are_written_as_fields(given: str, expected: str) -> None:
    (command,) = schedules.commands(environment(processes={"clean": {"command": ["true"], "schedule": given}}))
    assert f"--schedule={expected}" in shlex.split(command)


def test_commands_are_a_file_of_a_release_with_a_schedule(tmp_path: Path) -> None:
    env = environment(processes={"clean": {"command": ["true"], "schedule": "@daily"}})
    assert str(tmp_path / "schedules.sh") in files.write(env, spec(env), tmp_path)
    assert schedules.commands(env)[0] in (tmp_path / "schedules.sh").read_text()
    plain = environment()
    assert str(tmp_path / "schedules.sh") not in files.write(plain, spec(plain), tmp_path)
