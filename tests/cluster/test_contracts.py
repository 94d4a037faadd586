"""Many changes in two releases, expand and contract, with a rollback between: nothing fails, nothing is lost."""

import http.client
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import revising
from tests.support.bakery import Bakery
from tests.support.load import Load
from tests.support.revised_images import image_at
from tests.support.stage import Images, Stage

pytestmark = pytest.mark.alone  # serves under load

ADDED = "maker: name:str(1..40); extra: name:str(1..40)"
# Each kind of change of one resource: rename and widen, remove, tighten, loosen, reference, required, unique, index.
CHANGE = (
    "description->summary:str(..600)? -is_available price:decimal(10,2)>0<=5000 name:str(1..120) "
    "+maker:ref(maker)? +size:int>=0 +unique(name, price) +index(stock, price)"
)
SCOPES = tuple(f"{name}:{what}" for name in ("products", "makers", "brands", "extras") for what in ("read", "write"))
PRODUCTS, MAKERS, BRANDS, EXTRAS = (f"/api/v1/{name}" for name in ("products", "makers", "brands", "extras"))
OLD, NEW = {"price": "9.50"}, {"price": "9.50", "size": 3}  # neither version accepts the body of the other one
ATTEMPTS = 8
numbers = itertools.count(1)


class Buyers(Load):
    """Clients that know both versions of the API: a body that one does not know is sent again as the other's."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, 60, 6, PRODUCTS, token)
        self.created: list[str] = []

    def _ask(self, connection: http.client.HTTPConnection, *, write: bool) -> bool:
        if not write:
            return super()._ask(connection, write=False)
        name, answers = f"Lamp {next(numbers)}", []
        for body in itertools.islice(itertools.cycle((OLD, NEW)), ATTEMPTS):
            text = json.dumps({"name": name, **body})
            connection.request("POST", self.path, text, {"Content-Type": "application/json", **self.headers})
            answer = connection.getresponse()
            content = json.loads(answer.read())
            answers.append(answer.status)
            if answer.status == 201:
                self.created.append(str(content["id"]))
                return answer.will_close
            if answer.status != 422:
                break
        self._failed(f"statuses {answers}")
        return answer.will_close


@pytest.fixture
def stage(actor: Stage, images: Images, bakery: Bakery, tmp_path: Path) -> Iterator[Stage]:
    """Yield a namespace with two more resources deployed, and a checkout to change."""
    project = tmp_path / "shop"
    bakery.copy(actor.project, project)
    own = replace(actor, project=project, images=replace(images, digests=dict(images.digests)), scopes=SCOPES)
    with own.fresh() as made:
        write(made, "resource.add", ADDED)
        assert (done := made.deploy(release(made))).code == 0, done
        yield made


def write(stage: Stage, *task: str) -> None:
    """Run a task that changes the checkout."""
    done = subprocess.run(
        [sys.executable, "tasks.py", *task],
        cwd=stage.project,
        env=stage.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def release(stage: Stage) -> str:
    """Return the name of an image of the checkout: its newest revision."""
    return image_at(stage, revising.head(stage.project), code=stage.project)


def make(stage: Stage, path: str, name: str, **values: object) -> str:
    """Create a row and return its id."""
    return str(stage.http(path, {"name": name, **values})["id"])


@pytest.mark.drill(minutes=7)
def test_expand_roll_back_expand_contract(stage: Stage) -> None:
    base = revising.head(stage.project)
    kept = {make(stage, PRODUCTS, "before", **OLD, description="before"): "before"}
    makers = {make(stage, MAKERS, "before")}
    extra = make(stage, EXTRAS, "before")
    write(stage, "resource.change", "product", CHANGE, "--backfill", "size=0")
    write(stage, "resource.rename", "maker", "brand")
    write(stage, "resource.remove", "extra")
    expand = release(stage)
    write(stage, "migrate.contract")
    contract = release(stage)

    before = stage.versions()
    for refused in (stage.task("deploy", "--yes"), stage.deploy(contract)):  # of the checkout, and of an image
        assert refused.code == 6, refused
        assert "CONTRACT_TOO_EARLY" in refused.out
        assert contract in refused.out
        assert f"release 1 ({stage.images[base][:19]}) is deployed; its newest revision is {base}" in refused.out
    assert stage.versions() == before

    with Buyers(stage.url, stage.token) as load:
        assert (done := stage.deploy(expand)).code == 0, done  # without --allow-destructive
        kept[make(stage, PRODUCTS, "new", **NEW, summary="n" * 500)] = "n" * 500
        makers.add(make(stage, BRANDS, "by the new version"))
        assert (done := stage.task("rollback", "--yes")).code == 0, done
        kept[make(stage, PRODUCTS, "rolled back", **OLD, description="after the rollback")] = "after the rollback"
        assert {id_: stage.http(f"{PRODUCTS}/{id_}")["description"] for id_ in kept} == kept
        makers.add(make(stage, MAKERS, "after the rollback"))
        assert {row["id"] for row in stage.http(MAKERS)["items"]} == makers
        assert stage.http(f"{EXTRAS}/{extra}")["name"] == "before"

        refused = stage.deploy(contract)
        assert refused.code == 6, refused
        assert "CONTRACT_TOO_EARLY" in refused.out
        assert "python3 tasks.py rollback staging --to 2" in refused.out
        assert (done := stage.task("rollback", "--yes", "--to", "2")).code == 0, done
        assert (done := stage.deploy(contract)).code == 0, done  # without --allow-destructive

        refused = stage.task("rollback", "--yes", "--to", "1")
        assert refused.code == 6, refused
        assert "FORWARD_FIX" in refused.out
        assert (done := stage.task("rollback", "--yes")).code == 0, done
    print(
        f"{load.sent} requests, failures {dict(load.failures)}, slowest {load.slowest:.2f} s, {len(load.created)} rows"
    )
    assert not load.failures
    assert stage.image_of_deployment() == stage.images[expand]
    assert {id_: stage.http(f"{PRODUCTS}/{id_}")["summary"] for id_ in kept} == kept
    assert {row["id"] for row in stage.http(BRANDS)["items"]} == makers
    rows = stage.sql("select id from products where name like 'Lamp %' and size in (0, 3)").split()
    assert sorted(rows) == sorted(load.created)
    assert stage.sql("select to_regclass('makers'), to_regclass('extras')") == "|"
