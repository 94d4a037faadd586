"""The pipeline of a service: valid, pinned, of least rights, and made of tasks that run in a fresh clone."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import linters, terraform
from tests.support.bakery import Bakery
from tests.support.stage import REGISTRY
from toolkit.dev.postgres import run

REGISTRIES = {
    "docker hub": "docker.io/example",
    "ecr": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team",
    "google": "europe-west3-docker.pkg.dev/project/repository",
    "azure": "example.azurecr.io/team",
    "ghcr": "ghcr.io/team",
    "another": "registry.example.com:5000/team",
}
LOGINS = {
    "docker hub": {"docker/login-action"},
    "ecr": {"aws-actions/configure-aws-credentials", "aws-actions/amazon-ecr-login"},
    "google": {"google-github-actions/auth", "docker/login-action"},
    "azure": {"azure/login"},
    "ghcr": {"docker/login-action"},
    "another": {"docker/login-action"},
}
CLOUDS = ("ecr", "google", "azure")
PINNED = re.compile(r"^\s*(?:- )?uses: (?P<action>[\w./-]+)@(?P<commit>\S+)(?P<comment>.*)$", re.MULTILINE)
TASK = re.compile(r"python3 tasks\.py (?P<task>[\w.]+)[^;&|]*")
# What is no task: the credentials that the tasks find where kubectl does.
TOOLCHAIN = ("""printf '%s' "$KUBE_CONFIG" | install -D -m 600 /dev/stdin "$HOME/.kube/config\"""",)
HOSTS = """printf '%s\\n' "$SSH_PRIVATE_KEY" | install -D -m 600 /dev/stdin "$HOME/.ssh/id_ed25519"
printf '%s\\n' "$SSH_KNOWN_HOSTS" | install -D -m 600 /dev/stdin "$HOME/.ssh/known_hosts\""""
JOBS = ["lint", "unit", "integration", "image", "staging", "e2e", "production", "rollback"]


@pytest.fixture(scope="module")
def skeletons(bakery: Bakery) -> dict[str, Path]:
    """One service for each registry, without what takes seconds to make."""
    made = {}
    for name, registry in REGISTRIES.items():
        output = bakery.folder / f"pipeline-{re.sub(r'[^a-z]', '-', registry)}"
        with bakery._once(output.name) as first:
            if first:
                done = bakery.cookiecutter(output, "--accept-hooks", "no", f"registry={registry}")
                assert done.returncode == 0, done.stderr
                subprocess.run(["git", "init", "-q"], cwd=output / "product-catalogue", check=True)
        made[name] = output / "product-catalogue"
    return made


@pytest.fixture(params=sorted(REGISTRIES))
def skeleton(request: pytest.FixtureRequest, skeletons: dict[str, Path]) -> Path:
    return skeletons[request.param]


def workflow(service: Path, name: str = "ci-cd") -> dict[str, Any]:
    content = yaml.safe_load((service / ".github" / "workflows" / f"{name}.yml").read_text())
    assert isinstance(content, dict)
    return content


def actions(service: Path) -> list[Path]:
    return sorted((service / ".github").glob("*/**/*.yml"))


def test_actionlint_finds_nothing(skeleton: Path) -> None:
    try:
        program = linters.actionlint()
    except LookupError as reason:
        pytest.skip(str(reason))
    assert linters.complaints(program, skeleton) == ""


def test_zizmor_finds_nothing(skeleton: Path) -> None:
    assert linters.complaints(linters.zizmor(), skeleton, "--offline", "--quiet", ".") == ""


def test_a_workflow_with_a_hole_is_noticed(skeletons: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(skeletons["ecr"] / ".github", tmp_path / ".github")
    path = tmp_path / ".github" / "workflows" / "ci-cd.yml"
    path.write_text(path.read_text().replace('--to "$RELEASE"', "--to ${{ inputs.release }}"))
    assert "template-injection" in linters.complaints(linters.zizmor(), tmp_path, "--offline", "--quiet", ".")


def test_every_action_is_pinned_by_commit_with_its_version(skeleton: Path) -> None:
    found = [(path.name, *match.groups()) for path in actions(skeleton) for match in PINNED.finditer(path.read_text())]
    assert len(found) > 10
    for name, action, commit, comment in found:
        assert re.fullmatch("[0-9a-f]{40}", commit), f"{name}: {action}@{commit}"
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{name}: {action} says no version"
    assert len({(action, commit) for _, action, commit, _ in found}) == len({action for _, action, _, _ in found})


def test_this_repository_has_the_same_pins_and_rules(skeletons: dict[str, Path]) -> None:
    """Its updates come by Dependabot, which cannot read a template: what it has moved has to be moved there, too."""
    root = Path(__file__).resolve().parents[2]
    text = (root / ".github" / "workflows" / "ci.yml").read_text()
    ours = {match["action"]: match.group("commit", "comment") for match in PINNED.finditer(text)}
    for service in skeletons.values():
        for path in actions(service):
            for match in PINNED.finditer(path.read_text()):
                assert ours.get(match["action"], match.group("commit", "comment")) == match.group("commit", "comment")
    assert linters.complaints(linters.zizmor(), root, "--offline", "--quiet", ".github") == ""
    with suppress(LookupError):
        assert linters.complaints(linters.actionlint(), root, str(root / ".github" / "workflows" / "ci.yml")) == ""


def test_rights_are_given_job_by_job(skeleton: Path) -> None:
    content = workflow(skeleton)
    assert content["permissions"] == {}
    assert list(content["jobs"]) == JOBS
    assert "concurrency" in content
    for name, job in content["jobs"].items():
        assert job["permissions"]["contents"] == "read", name
        assert 5 <= job["timeout-minutes"] <= 30, name
    for name in ("staging", "production", "rollback"):
        assert "concurrency" in content["jobs"][name], f"{name} could run twice at once"


def test_no_cloud_key_is_kept(skeletons: dict[str, Path]) -> None:
    """The clouds' registries take the workflow's identity; the others get a token, and only where it is needed."""
    for name, service in skeletons.items():
        rights = workflow(service)["jobs"]["image"]["permissions"]
        assert rights.get("id-token") == ("write" if name in CLOUDS else None), name
        assert rights.get("packages") == ("write" if name == "ghcr" else None), name
        used = {m["action"] for path in actions(service) for m in PINNED.finditer(path.read_text())}
        assert {action for action in used if "login" in action or "auth" in action or "aws" in action} == LOGINS[name]
        text = "".join(path.read_text() for path in actions(service))
        assert ("REGISTRY_PASSWORD" in text) == (name in ("docker hub", "another"))
        assert "AWS_SECRET" not in text
        assert "credentials_json" not in text


def test_the_way_to_production_is_the_one_promised(skeletons: dict[str, Path]) -> None:
    jobs = workflow(skeletons["docker hub"])["jobs"]
    assert jobs["image"]["needs"] == ["lint", "unit", "integration"]
    assert jobs["staging"]["needs"] == ["image"]
    assert jobs["e2e"]["needs"] == ["staging"]
    assert "e2e" in jobs["production"]["needs"]
    assert jobs["production"]["environment"]["name"] == "production"
    assert jobs["staging"]["if"] == "github.event_name == 'push'"
    assert jobs["rollback"]["if"] == "github.event_name == 'workflow_dispatch'"


def test_every_step_is_a_task(skeleton: Path) -> None:
    for name, job in workflow(skeleton)["jobs"].items():
        for command in runs(job):
            assert TASK.fullmatch(command) or command in TOOLCHAIN, f"{name}: {command}"


def test_previews_are_off_by_default_and_never_for_a_fork(skeleton: Path) -> None:
    content = workflow(skeleton, "preview")
    assert content["permissions"] == {}
    for name, job in content["jobs"].items():
        assert job["if"].startswith("vars.PREVIEWS == 'true' && "), name
        assert name == "expire" or "head.repo.full_name == github.repository" in job["if"], name
        assert job["permissions"]["contents"] == "read"
        for command in runs(job):
            assert TASK.fullmatch(command) or command in TOOLCHAIN, f"{name}: {command}"
    # A closed pull request removes what an open one has made: by the same name.
    made, removed = (content["jobs"][name]["steps"][-1] for name in ("preview", "remove"))
    assert made["env"] == removed["env"] == {"BRANCH": "${{ github.head_ref }}"}
    text = (skeleton / ".github" / "workflows" / "preview.yml").read_text()
    assert "types: [opened, synchronize, reopened, closed]" in text


@pytest.fixture(scope="module")
def on_machines(bakery: Bakery) -> Path:
    output = bakery.folder / "pipeline-on-machines"
    with bakery._once(output.name) as first:
        if first:
            done = bakery.cookiecutter(output, "--accept-hooks", "no", "place=machine")
            assert done.returncode == 0, done.stderr
            subprocess.run(["git", "init", "-q"], cwd=output / "product-catalogue", check=True)
    return output / "product-catalogue"


def test_previews_on_machines_reach_the_hosts_by_ssh(on_machines: Path, skeletons: dict[str, Path]) -> None:
    assert linters.complaints(linters.zizmor(), on_machines, "--offline", "--quiet", ".") == ""
    for name, job in workflow(on_machines, "preview")["jobs"].items():
        found = runs(job)
        assert HOSTS in found, name
        assert found[-1].startswith("python3 tasks.py preview"), name
        assert "KUBE_CONFIG" not in str(job)
        assert "SSH_PRIVATE_KEY" not in str(workflow(skeletons["docker hub"], "preview")["jobs"][name])
    content = yaml.safe_load((on_machines / ".gitlab-ci.yml").read_text())
    for name in ("preview", "preview:remove", "preview:expire"):
        before = content[content[name]["extends"]]["before_script"]
        assert any("openssh-client" in line for line in before), name
        assert sum('"$HOME/.ssh/' in line for line in before) == 2, name
        assert content[name]["script"][0].startswith("python3 tasks.py preview")


def test_a_deploy_leaves_its_page_also_when_it_fails(skeleton: Path) -> None:
    for name in ("staging", "production"):
        deploy, upload = workflow(skeleton)["jobs"][name]["steps"][-2:]
        assert "--page deploy.html" in deploy["run"]
        assert (upload["if"], upload["with"]["path"]) == ("always()", "deploy.html")


def test_the_job_for_the_template_only_reads_and_leaves_no_token_behind(skeleton: Path) -> None:
    content = workflow(skeleton, "template-update")
    assert content["permissions"] == {}
    (job,) = content["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    assert runs(job) == ["python3 tasks.py template.propose"]
    (checkout,) = [step["with"] for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert checkout == {"fetch-depth": 0, "persist-credentials": False}


def test_a_schedule_of_gitlab_deploys_nothing(skeletons: dict[str, Path]) -> None:
    content = yaml.safe_load((skeletons["docker hub"] / ".gitlab-ci.yml").read_text())
    jobs = {name: job for name, job in content.items() if isinstance(job, dict) and "script" in job}
    for name in ("image", "scan", "staging", "e2e", "production"):
        (rule,) = jobs[name]["rules"]
        assert '$CI_PIPELINE_SOURCE != "schedule"' in rule["if"], name
    (rule,) = jobs["template"]["rules"]
    assert rule == {"if": '$CI_PIPELINE_SOURCE == "schedule"'}


def test_gitlab_runs_the_same_tasks(skeletons: dict[str, Path]) -> None:
    for service in skeletons.values():
        names = ("ci-cd", "preview", "template-update")
        jobs = [job for name in names for job in workflow(service, name)["jobs"].values()]
        lines = [line for job in jobs for line in tasks_of(job)]
        ours = {found["task"] for line in lines if (found := TASK.fullmatch(line))}
        content = yaml.safe_load((service / ".gitlab-ci.yml").read_text())
        scripts = [line for job in content.values() if isinstance(job, dict) for line in job.get("script", ())]
        theirs = {found["task"] for line in scripts if (found := TASK.fullmatch(line))}
        assert theirs == ours
        assert [line for line in scripts if not TASK.fullmatch(line)] == [content["scan"]["script"][0]]
        for name, job in content.items():
            if isinstance(job, dict) and "script" in job:
                assert job.get("stage", "check") in content["stages"] or "extends" in job, name


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"].strip() for step in job["steps"] if "run" in step]


def tasks_of(job: dict[str, Any]) -> list[str]:
    return [command for command in runs(job) if command not in TOOLCHAIN]


@pytest.fixture
def clone(bakery: Bakery, tmp_path: Path) -> Iterator[Path]:
    """The pipeline's checkout: a clone of the generator's commit."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(bakery.bake()), str(folder)], check=True)
    yield folder
    run.forget(folder)


def rehearse(bakery: Bakery, clone: Path, job: str, only: str = "", **variables: str) -> None:
    """Run a job's steps in order, as they are written; or only those that hold a word."""
    for command in runs(workflow(clone)["jobs"][job]):
        if only not in command:
            continue
        done = bakery.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=clone, env={**bakery.environment, **variables}
        )
        assert done.returncode == 0, f"{job}: {command}\n{done.stdout[-5000:]}\n{done.stderr[-3000:]}"


def test_the_job_lint_passes_in_a_fresh_clone_and_finds_a_change(bakery: Bakery, clone: Path) -> None:
    rehearse(bakery, clone, "lint", BEFORE="")
    path = clone / "docs" / "openapi.json"
    path.write_text(path.read_text().replace("Liveness probe", "Probe"))
    with pytest.raises(AssertionError, match="openapi --check"):
        rehearse(bakery, clone, "lint", only="openapi")


@pytest.mark.alone
@pytest.mark.drill(minutes=3)
def test_the_test_jobs_pass_in_a_fresh_clone(bakery: Bakery, clone: Path) -> None:
    rehearse(bakery, clone, "unit")
    assert set(workflow(clone)["jobs"]["integration"]["env"]) == {"DATABASE_URL"}
    with run.scratch() as url:  # stands in for the job's service
        rehearse(bakery, clone, "integration", DATABASE_URL=url)


@pytest.mark.alone  # the engine is that of tests/image
@pytest.mark.drill(minutes=3)
@pytest.mark.needs("docker")
def test_the_image_job_passes_in_a_fresh_clone(bakery: Bakery, tmp_path: Path) -> None:
    """Its tasks build, push and tell the next job the digest; the actions between them want GitHub."""
    if reason := no_registry():
        pytest.skip(reason)
    service = bakery.bake(registry=f"{REGISTRY}/test-{uuid.uuid4().hex[:8]}")
    clone, told = tmp_path / "clone", tmp_path / "output"
    subprocess.run(["git", "clone", "-q", str(service), str(clone)], check=True)
    rehearse(bakery, clone, "image", GITHUB_OUTPUT=str(told))
    outputs: dict[str, str] = {}
    for line in told.read_text().splitlines():
        name, _, outputs[name] = line.partition("=")
    assert outputs["image"].startswith(f"{REGISTRY}/test-")
    assert re.fullmatch("sha256:[0-9a-f]{64}", outputs["digest"])
    assert yaml.safe_load((clone / "sbom.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    assert subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True).stdout == ""
    subprocess.run(["docker", "image", "rm", "--force", outputs["image"]], check=False, capture_output=True)


def no_registry() -> str:
    try:
        done = subprocess.run(["docker", "buildx", "version"], check=False, capture_output=True, timeout=60)
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/", timeout=60):
            return "" if done.returncode == 0 else "docker has no buildx"
    except OSError as error:
        return f"no docker with buildx, or no registry on {REGISTRY}: {error}"


@pytest.fixture(scope="module")
def with_infra(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One service for each cloud, with its infrastructure and the pipelines of both CI systems."""
    made = {}
    for cloud, registry in terraform.REGISTRIES.items():
        folder = tmp_path_factory.mktemp(cloud)
        done = bakery.cookiecutter(folder, "--accept-hooks", "no", f"registry={registry}", f"infra={cloud}")
        assert done.returncode == 0, done.stderr
        made[cloud] = folder / "product-catalogue"
        subprocess.run(["git", "init", "-q"], cwd=made[cloud], check=True)
    return made


def test_the_jobs_of_the_infrastructure_are_clean_and_the_same_in_both(with_infra: dict[str, Path]) -> None:
    for cloud, service in with_infra.items():
        assert linters.complaints(linters.zizmor(), service, "--offline", "--quiet", ".") == "", cloud
        with suppress(LookupError):
            assert linters.complaints(linters.actionlint(), service) == "", cloud
        jobs = workflow(service)["jobs"]
        assert list(jobs) == [*JOBS[:3], "infrastructure", "plan", *JOBS[3:]]
        assert jobs["infrastructure"]["permissions"] == {"contents": "read"}
        assert jobs["plan"]["permissions"] == {"contents": "read", "id-token": "write"}
        # Without the variable there are no credentials, and a fork gets none.
        assert "vars.TERRAFORM_STATE != ''" in jobs["plan"]["if"]
        assert "head.repo.full_name == github.repository" in jobs["plan"]["if"]
        content = yaml.safe_load((service / ".gitlab-ci.yml").read_text())
        for name in ("infrastructure", "plan"):
            assert runs(jobs[name]) == content[name]["script"]
        assert content["plan"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event" && $TERRAFORM_STATE'}]
        version = jobs["plan"]["steps"][2]["with"]["terraform_version"]
        assert f"terraform_{version}_linux_amd64.zip" in content["plan"]["before_script"][-1]
        text = "".join(path.read_text() for path in [*actions(service), service / ".gitlab-ci.yml"])
        assert "AWS_SECRET" not in text
        assert "credentials_json" not in text
        assert "REGISTRY_PASSWORD" not in text


def test_gitlab_logs_in_by_the_identity_of_the_job(skeletons: dict[str, Path]) -> None:
    for name, service in skeletons.items():
        content = yaml.safe_load((service / ".gitlab-ci.yml").read_text())
        job = content[".docker"]
        assert ("REGISTRY_PASSWORD" in str(content)) == (name not in CLOUDS), name
        assert (job.get("extends") == content["scan"].get("extends") == ".identity") == (name in CLOUDS), name
        if name in CLOUDS:
            assert set(content[".identity"]["id_tokens"]) == {"ID_TOKEN"}
            (written,) = content[".identity"]["before_script"]
            assert job["before_script"][-2:] == [written, job["before_script"][-1]]
            assert job["before_script"][-1].startswith(
                "aws ecr get-login-password | docker login" if name == "ecr" else "python3 tasks.py registry.login"
            )


def test_the_credentials_that_gitlab_writes_for_google_are_json(skeletons: dict[str, Path], tmp_path: Path) -> None:
    content = yaml.safe_load((skeletons["google"] / ".gitlab-ci.yml").read_text())
    (line,) = content[".identity"]["before_script"]
    line = line.replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    variables = {"ID_TOKEN": "job", "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "pool/1", "GOOGLE_SERVICE_ACCOUNT": "a@b"}
    subprocess.run(["sh", "-euc", line], env={**os.environ, **variables}, check=True)
    made = json.loads((tmp_path / "credentials.json").read_text())
    assert made["audience"] == "//iam.googleapis.com/pool/1"
    assert made["service_account_impersonation_url"].endswith("/serviceAccounts/a@b:generateAccessToken")
    assert Path(made["credential_source"]["file"]).read_text() == "job"
