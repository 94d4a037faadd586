"""The documents that a service is made with are true: links lead somewhere, tasks are there, commands are run."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support import provider
from tests.support.bakery import Bakery
from workshop import documents, reader
from workshop.documents import Block

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Followed:
    """A service whose owner has followed every recipe, and the files that the documents print."""

    service: Path
    environment: dict[str, str]
    written: list[str]

    def run(self, *command: str) -> str:
        python = str(self.service / ".venv" / "bin" / "python")
        done = subprocess.run(
            [python, *command], cwd=self.service, env=self.environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def service(bakery: Bakery) -> Path:
    return bakery.bake()


def test_the_links_lead_somewhere(service: Path) -> None:
    for page in documents.pages(service):
        assert documents.broken_links(page) == [], page.name


def test_the_files_of_the_walks_exist(service: Path) -> None:
    walks = (ROOT / "CONTRIBUTING.md").read_text().partition("## Five walks\n")[2].partition("\n## ")[0]
    files = re.findall(r"`([\w.-]+/[\w./-]+\.\w+)`", walks)
    assert len(files) > 30
    assert [name for name in files if not (service / name).is_file() and not (ROOT / name).is_file()] == []


def test_the_tree_on_the_front_page_is_that_of_a_service(service: Path) -> None:
    tree = next(block for block in documents.blocks(ROOT / "README.md") if block.mark == "tree of a service")
    paths = list(documents.tree(tree.text))
    assert paths[0] == service.name
    assert len(paths) > 15
    assert [path for path in paths if not (service.parent / path).exists()] == []


def test_a_tree_is_read_with_its_folders() -> None:
    text = "shop/\n  app/              the service\n    main.py  probe.py   wiring\n  tasks.py\n"
    assert list(documents.tree(text)) == [
        "shop",
        "shop/app",
        "shop/app/main.py",
        "shop/app/probe.py",
        "shop/tasks.py",
    ]


def test_every_shell_block_is_run_or_says_what_it_needs(service: Path) -> None:
    for page in documents.pages(service):
        for block in documents.shell_blocks(page):
            assert re.fullmatch(r"|serves|while serving|needs [\w ,-]+", block.mark), f"{page.name}:{block.line}"


def test_every_task_that_a_page_names_is_there(service: Path) -> None:
    command = [str(service / ".venv" / "bin" / "python"), "tasks.py", "--list", "--list-format=json"]
    done = subprocess.run(command, cwd=service, check=True, capture_output=True, text=True)
    tasks = documents.task_names(done.stdout)
    for page in documents.pages(service):
        assert {call.task for call in documents.calls(page)} <= tasks, page.name


DRILL = pytest.mark.drill(minutes=1)
# What the inventory of each place lacks, apart from the cluster's.
NEEDED = {
    "machine": ["hosts=[deploy@203.0.113.7]"],
    "cloudrun": ["project=shop-project"],
    "containerapps": [
        "subscription=0a1b2c3d-0000-4000-8000-00000000beef",
        "resource_group=shop",
        "environment=apps",
        "history_account=histshop",
    ],
}


@pytest.mark.parametrize("place", ["kubernetes", *(pytest.param(place, marks=DRILL) for place in NEEDED)])
def test_the_files_and_diffs_of_the_recipes_fit_together(bakery: Bakery, tmp_path: Path, place: str) -> None:
    """The quick half of the drills below: the resource is added, everything printed is written, the linter reads it."""
    made = bakery.bake(**({} if place == "kubernetes" else {"place": place}))
    copy = tmp_path / made.name
    bakery.copy(made, copy)
    printed = documents.blocks(copy / "README.md")
    add = next(line for block in printed for line in block.text.splitlines() if re.search(r'resource\.add ".+"$', line))
    reader.run(Block("sh", add, "", 0), copy, bakery.environment)
    written = reader.follow([block for block in printed if block.language != "sh"], copy, {})
    assert {"app/main.py", "app/services/review.py", "app/commands/rate.py"} <= set(written)
    done = Followed(copy, bakery.environment, written)
    done.run("-m", "ruff", "check", ".")
    done.run("-m", "ruff", "format", "--check", ".")
    if place == "kubernetes":
        check_the_job(done, tmp_path / "objects")
        return
    recipes = (copy / "README.md").read_text().partition("## Recipes")[2]
    assert "cluster" not in recipes
    given = [part for key in NEEDED[place] for part in ("-e", key)]
    shown = done.run("tasks.py", "deploy", "staging", "--explain", *given)
    assert "RATING_TOKEN" in shown


@pytest.fixture(scope="module", params=[("jwt", "manifests"), ("none", "helm")], ids="-".join)
def followed(request: pytest.FixtureRequest, bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Everything that the README and docs/database.md print, done in that order; only the recipes' commands are run."""
    auth, driver = request.param
    made = bakery.bake(auth=auth, driver=driver)
    copy = tmp_path_factory.mktemp(auth) / made.name
    bakery.copy(made, copy)
    readme = documents.blocks(copy / "README.md")
    first = next(number for number, block in enumerate(readme) if "resource.add" in block.text)
    variables = {**bakery.environment, "PYTEST_ADDOPTS": "--no-cov -p no:cacheprovider"}
    printed = [*readme[first:], *documents.blocks(copy / "docs" / "database.md")]
    return Followed(copy, variables, reader.follow(printed, copy, variables))


@pytest.mark.drill(minutes=2)
def test_every_recipe_works_as_it_is_printed(followed: Followed) -> None:
    paths = json.loads((followed.service / "docs" / "openapi.json").read_text())["paths"]
    assert {"/api/v1/reviews", "/api/v1/rating"} <= set(paths)
    revisions = "\n".join(path.name for path in (followed.service / "alembic" / "versions").glob("*.py"))
    assert all(name in revisions for name in ("add_review", "change_review", "daily_ratings"))
    assert {"app/main.py", "app/commands/rate.py", "deploy/inventory.yaml"} <= set(followed.written)


@pytest.mark.drill(minutes=2)
def test_the_code_of_the_recipes_is_clean_and_typed(followed: Followed) -> None:
    followed.run("tasks.py", "lint")


@pytest.mark.drill(minutes=2)
@pytest.mark.needs("cluster")  # which brings Helm, that renders the chart
def test_the_background_job_is_among_the_objects_of_a_deploy(followed: Followed, tmp_path: Path) -> None:
    if (followed.service / "helm").exists() and not shutil.which("helm"):
        pytest.skip("there is no helm on this machine")
    check_the_job(followed, tmp_path)


def check_the_job(followed: Followed, folder: Path) -> None:
    """Render what a deploy would apply: the job runs the command in the released image, and gets no requests."""
    settings = provider.SETTINGS if (followed.service / "docs" / "identity-providers.md").exists() else ()
    options = [part for value in (f"image=sha256:{'0' * 64}", *settings) for part in ("-e", value)]
    followed.run("tasks.py", "deploy", "staging", *options, "--render", str(folder))
    (job,) = folder.glob("cronjob-*.yaml")
    content = yaml.safe_load(job.read_text())
    pod = content["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["python", "-m", "app.commands.rate"]
    assert container["image"].endswith(f"@sha256:{'0' * 64}")
    assert "RATING_TOKEN" in {variable["name"] for variable in container["env"]}
    service = yaml.safe_load(next(folder.glob("service-*.yaml")).read_text())
    labels = content["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= labels.items(), "the Service would send requests to the job"
