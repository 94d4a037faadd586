"""The pipelines of a service for Container Apps log in by the job's identity, and have no key of Azure."""

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import linters
from tests.support.bakery import Bakery

REGISTRIES = ("docker.io/example", "example.azurecr.io/team")
DEPLOYS = ("staging", "production", "rollback")
LOGIN = {
    "client-id": "${{ vars.AZURE_CLIENT_ID }}",
    "tenant-id": "${{ vars.AZURE_TENANT_ID }}",
    "subscription-id": "${{ vars.AZURE_SUBSCRIPTION_ID }}",
}


@pytest.fixture(scope="module", params=REGISTRIES)
def skeleton(request: pytest.FixtureRequest, bakery: Bakery) -> Path:
    """The rendered files with both pipelines, without what takes seconds to make."""
    output = bakery.folder / f"containerapps-{REGISTRIES.index(request.param)}"
    with bakery._once(output.name) as first:
        if first:
            answers = ("place=containerapps", f"registry={request.param}")
            done = bakery.cookiecutter(output, "--accept-hooks", "no", *answers)
            assert done.returncode == 0, done.stderr
            subprocess.run(["git", "init", "-q"], cwd=output / "product-catalogue", check=True)
    return output / "product-catalogue"


def test_github(skeleton: Path) -> None:
    assert linters.complaints(linters.zizmor(), skeleton, "--offline", "--quiet", ".") == ""
    with suppress(LookupError):
        assert linters.complaints(linters.actionlint(), skeleton) == ""
    jobs = yaml.safe_load((skeleton / ".github" / "workflows" / "ci-cd.yml").read_text())["jobs"]
    action = yaml.safe_load((skeleton / ".github" / "actions" / "registry" / "action.yml").read_text())
    of_registry = [step for step in action["runs"]["steps"] if step.get("uses", "").startswith("azure/login@")]
    for name in DEPLOYS:
        assert jobs[name]["permissions"]["id-token"] == "write"
        steps = jobs[name]["steps"]
        logins = [step for step in steps if step.get("uses", "").startswith("azure/login@")]
        assert len(logins) + len(of_registry) == 1, "one log-in, by the registry's action or by the job"
        given = logins or [step for step in steps if step.get("uses") == "./.github/actions/registry"]
        assert given[0]["with"] == LOGIN
    text = "".join(path.read_text() for path in (skeleton / ".github").rglob("*.yml") if path.name != "preview.yml")
    assert "creds:" not in text
    assert "AZURE_CLIENT_SECRET" not in text
    assert "KUBE" not in text


def test_gitlab(skeleton: Path, bakery: Bakery, tmp_path: Path) -> None:
    """A deploy's job writes its identity where azure-identity looks for it."""
    text = (skeleton / ".gitlab-ci.yml").read_text()
    assert "AZURE_CLIENT_SECRET" not in text
    assert "KUBE" not in text
    content = yaml.safe_load(text)
    for name in ("staging", "production", "rollback:staging"):
        assert content[name]["extends"] == ".release"
    job = inherited(content, ".release")
    (identity,) = job["id_tokens"]
    assert job["id_tokens"][identity]["aud"] == "api://AzureADTokenExchange"
    file = Path(job["variables"]["AZURE_FEDERATED_TOKEN_FILE"])
    line = next(line for line in job["before_script"] if str(file) in line).replace(str(file), str(tmp_path / "token"))
    subprocess.run(["sh", "-euc", line], env={**bakery.environment, identity: "of-the-job"}, check=True)
    assert (tmp_path / "token").read_text() == "of-the-job"


def test_the_readme_names_what_the_pipelines_need(skeleton: Path) -> None:
    text = (skeleton / "README.md").read_text()
    assert "AZURE_CLIENT_ID" in text
    assert "docs/containerapps.md#permissions" in text
    assert '"azure-identity>=' in (skeleton / "pyproject.toml").read_text()


def inherited(content: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """Return a job with what it extends, as GitLab merges them: maps by their keys, lists as a whole."""
    own = content[name]
    base = inherited(content, str(own["extends"])) if "extends" in own else {}
    return {
        key: {**base.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in {**base, **own}.items()
    }
