"""The answer `infra`: the modules of the chosen cloud alone, with the names that the other answers say."""

import re
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.terraform import REGISTRIES, make
from toolkit.tasks import namespace
from workshop import documents

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "aws": {"account": "123456789012", "region": "eu-central-1", "ci": "github"},
    "google": {"project": "team-project", "region": "europe-west3", "ci": "gitlab"},
    "azure": {"image": "example.azurecr.io/team/shop", "ci": "github"},
}
PAGE = "docs/infrastructure.md"


@pytest.fixture(params=sorted(NAMES))
def service(request: pytest.FixtureRequest, bakery: Bakery, tmp_path: Path) -> tuple[str, Path]:
    return request.param, make(bakery, request.param, tmp_path, ci=NAMES[request.param]["ci"])


def test_the_chosen_cloud_alone(service: tuple[str, Path]) -> None:
    cloud, project = service
    assert [path.name for path in (project / "infra").iterdir()] == [cloud]
    text = "\n".join(path.read_text() for path in (project / "infra").rglob("*") if path.is_file())
    assert "<<" not in text
    assert "cookiecutter" not in text
    given = (project / "infra" / cloud / "terraform.tfvars").read_text()
    for name, value in {"service": "shop", **NAMES[cloud]}.items():
        assert re.search(rf'^{name} += "{re.escape(value)}"$', given, re.MULTILINE), name
    assert ".terraform/" in (project / ".gitignore").read_text()
    other = {"aws": "gcloud", "google": "azurerm", "azure": "aws s3"}[cloud]
    assert other not in (project / PAGE).read_text()


def test_the_page_is_true(service: tuple[str, Path]) -> None:
    cloud, project = service
    page = project / PAGE
    assert documents.broken_links(page) == []
    assert {call.task for call in documents.calls(page)} <= set(namespace.task_names)
    for block in documents.shell_blocks(page):
        assert re.fullmatch(r"needs [\w ,-]+", block.mark), block.line
    for name in re.findall(r"`((?:environment/)?\w+\.tf)`", page.read_text()):
        assert (project / "infra" / cloud / name).is_file() or (
            project / "infra" / cloud / "environment" / name
        ).is_file()
    created = {path.name for path in (project / "infra" / cloud).rglob("*.tf")}
    assert len(created) > 10


def test_without_infra_nothing_is_left(bakery: Bakery, tmp_path: Path) -> None:
    project = make(bakery, "aws", tmp_path, infra="none")
    assert not (project / "infra").exists()
    assert not (project / PAGE).exists()
    for name in (".gitignore", "README.md", ".github/workflows/ci-cd.yml"):
        assert "terraform" not in (project / name).read_text().lower()


def test_every_cloud_has_a_registry_here() -> None:
    assert (
        set(REGISTRIES)
        == set(NAMES)
        == {path.name for path in (ROOT / "<<cookiecutter.project_slug>>/infra").iterdir()}
    )


# Operations of boto3 whose permission has another name, and one that needs none.
PERMISSIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "elbv2:DescribeTargetHealth": "elasticloadbalancing:DescribeTargetHealth",
    "sts:GetCallerIdentity": "",
}
SERVICE = ROOT / "<<cookiecutter.project_slug>>"


def test_the_role_that_deploys_to_ecs_may_do_what_the_toolkit_calls() -> None:
    code = "\n".join(path.read_text() for path in (SERVICE / "toolkit" / "deploy" / "places" / "ecs").glob("*.py"))
    called = set(re.findall(r'(?:read|found|call|change)\(\s*"([a-z0-9-]+)",\s*"([a-z0-9_]+)"', code))
    called |= {("ecs", name) for name in re.findall(r'(?:self|calls)\.change\(\s*"([a-z_]+)"', code)} - {
        ("ecs", "scheduler")
    }
    needed = {f"{service}:{''.join(word.capitalize() for word in name.split('_'))}" for service, name in called}
    assert {"ecs:RunTask", "ecs:UpdateService", "ecs:DeleteService", "s3:PutObject", "s3:ListObjectsV2"} <= needed
    assert {"scheduler:CreateSchedule", "scheduler:DeleteSchedule"} <= needed
    policy = (SERVICE / "infra" / "aws" / "environment" / "deploy_role.tf").read_text()
    allowed = set(re.findall(r'"([a-z0-9-]+:[A-Za-z]+)"', policy))
    assert {PERMISSIONS.get(name, name) for name in needed} - {""} - allowed == set()
