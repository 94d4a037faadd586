"""The schedules of processes as gcloud commands: Cloud Scheduler starts their Jobs, and is not the toolkit's. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from toolkit.deploy.places.cloudrun import render

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment

# Names of crontab(5) that Cloud Scheduler does not know.
NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
ACCOUNT = "SCHEDULER_ACCOUNT"


def commands(env: CloudRunEnvironment) -> list[str]:
    """Return a command for each scheduled process; `SCHEDULER_ACCOUNT` is an account with roles/run.invoker."""
    return [
        shlex.join(_command(env, name, (process.schedule or "").strip()))
        for name, process in sorted(env.processes.items())
    ]


def _command(env: CloudRunEnvironment, name: str, schedule: str) -> list[str]:
    job = render.job_name(env.service, name)
    path = f"apis/{render.RUN}/namespaces/{env.project}/jobs/{job}:run"
    return [
        *("gcloud", "scheduler", "jobs", "create", "http", job),
        f"--project={env.project}",
        f"--location={env.region}",
        f"--schedule={NAMED.get(schedule, schedule)}",
        "--time-zone=Etc/UTC",
        f"--uri=https://{env.region}-run.googleapis.com/{path}",
        "--http-method=POST",
        f"--oauth-service-account-email={ACCOUNT}",
    ]
