"""Root modules of a service, in folders to change, and Terraform on the providers' published schemas."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hooks import options
from tests.support.bakery import Bakery

# Of each cloud: a registry there, and the variables that an owner has to give.
REGISTRIES = {
    "aws": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team",
    "google": "europe-west3-docker.pkg.dev/team-project/images",
    "azure": "example.azurecr.io/team",
}
GIVEN: Mapping[str, Mapping[str, object]] = {
    "aws": {
        "repository": "team/shop",
        "state_bucket": "team-state",
        "environments": {
            name: {
                "cidr": "10.10.0.0/16",
                "domain": f"{name}.example.com",
                "certificate": "arn:aws:acm:eu-central-1:1:certificate/0",
            }
            for name in ("staging", "production")
        },
    },
    "google": {"repository": "team/shop", "state_bucket": "team-state"},
    "azure": {
        "subscription": "00000000-0000-0000-0000-000000000001",
        "tenant": "00000000-0000-0000-0000-000000000002",
        "location": "westeurope",
        "repository": "team/shop",
        "state_account": "/subscriptions/1/resourceGroups/state/providers/Microsoft.Storage/storageAccounts/state",
    },
}
LOCAL = 'terraform {\n  backend "local" {}\n}\n'
CONFIG = "TEST_TERRAFORM_CLI_CONFIG"


def unavailable() -> str:
    """Return why Terraform is not available for tests; empty if it is."""
    if CONFIG not in os.environ:
        return f"no schemas of the providers ({CONFIG})"
    return "" if shutil.which("terraform") else "terraform is not installed"


class Root:
    """A root module that a test may change. `project` is the service's folder."""

    def __init__(self, project: Path, cloud: str) -> None:
        self.project, self.cloud = project, cloud
        self.folder = project / "infra" / cloud
        self.environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.environ[CONFIG], "TF_IN_AUTOMATION": "1"}
        # The state of an owner is in the cloud.
        (self.folder / "backend_override.tf").write_text(LOCAL)
        self.give(GIVEN[cloud])

    def give(self, variables: Mapping[str, object]) -> None:
        (self.folder / "owner.auto.tfvars.json").write_text(json.dumps(variables))

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def terraform(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["terraform", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, capture_output=True, text=True, timeout=300
        )

    def done(self, *arguments: str) -> str:
        ended = self.terraform(*arguments)
        assert ended.returncode == 0, f"{arguments}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def plan(self) -> str:
        """Return the plan as JSON."""
        self.done("plan", "-no-color", "-input=false", "-out=test.tfplan")
        return self.done("show", "-json", "test.tfplan")


def make(bakery: Bakery, cloud: str, folder: Path, **answers: str) -> Path:
    """Write a service with infra/, without its environment and its revision, and return its folder."""
    given = {"project_name": "Shop", "infra": cloud, "registry": REGISTRIES[cloud], **answers}
    done = bakery.cookiecutter(folder, "--accept-hooks", "no", *(f"{key}={value}" for key, value in given.items()))
    assert done.returncode == 0, done.stderr
    (project,) = folder.iterdir()
    defaults = {"place": "kubernetes", "driver": "manifests", "ci": "github", "auth": "jwt"}
    options.apply_files(project, {**defaults, **given})
    return project
