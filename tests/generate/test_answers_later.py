"""`update --answer`: an answer is changed in a service that lives, and changed back."""

import shutil
from pathlib import Path

import pytest

from tests.support import older
from tests.support.older import edit
from workshop.update import merge, pristine, run, service
from workshop.update.git import UpdateError

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = {"project_name": "Shop", "resources": "product: name:str(1..100) price:decimal(10,2)>0"}
EDITED = {"Dockerfile", "app/main.py", "app/models/product.py"}
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team"
MANIFEST = "k8s/configmap.yaml.j2"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Today's service with its owner's edits, and a resource that was added later."""
    return older.owned(older.make(ROOT, "HEAD", tmp_path_factory.mktemp("made"), ANSWERS))


@pytest.fixture
def shop(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    shutil.copytree(made, folder, symlinks=True)
    for name, value in older.AUTHOR.items():
        monkeypatch.setenv(name, value)
    return folder


def differing(shop: Path, *commits: str) -> set[str]:
    return set(older.git(shop, "diff", "--name-only", *commits).splitlines())


def question(answer: str) -> str:
    return answer.partition("=")[0]


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("auth=none", "auth=jwt"),
        *(
            pytest.param(*case, marks=pytest.mark.drill)
            for case in (
                ("driver=helm", "driver=manifests"),
                ("ci=gitlab", "ci=github"),
                ("ci=none", "ci=github"),
                (f"infra=aws;registry={ECR}", "infra=none;registry=docker.io/example"),
                ("license=Apache-2.0", "license=MIT"),
                ("license=Proprietary", "license=BSD-3-Clause"),
                ("python_version=3.11", "python_version=3.13"),
                ("registry=ghcr.io/team", "registry=docker.io/example"),
                (f"registry={ECR}", "registry=docker.io/example"),
                ("project_name=Boutique", "project_name=Shop"),
                ("description=Sells things", "description=Shop: a FastAPI service on PostgreSQL"),
                ("author=Ada Example <ada@example.com>", "author=The Shop team"),
            )
        ),
    ],
)
def test_there_and_back(shop: Path, there: str, back: str, tmp_path: Path) -> None:
    """The service is then what the template makes of the new answers, and the owner's edits."""
    start = older.git(shop, "rev-parse", "HEAD")
    for answer in (there, back):
        given = answer.split(";")
        assert run.run(shop, given, check=False) == 0
        found = service.read(shop)
        assert {one: found.answers[question(one)] for one in given} == {one: one.partition("=")[2] for one in given}
        assert differing(shop, "template") == EDITED
        wanted = pristine.make(found.answers, found.lines, tmp_path / answer.replace("/", "-"))
        listed = {str(path.relative_to(wanted)) for path in wanted.rglob("*") if path.is_file()}
        tracked = {path for path in older.git(shop, "ls-files").splitlines() if not merge.matches(path, merge.KEPT)}
        assert tracked == listed
        for path in tracked - EDITED:
            assert (shop / path).read_bytes() == (wanted / path).read_bytes(), path
    if "BSD" not in back:
        assert differing(shop, start, "HEAD") == {"service.toml"}  # which records the lines of today


def test_an_edited_file_of_the_other_answer_is_a_conflict(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Git alone would take a similar file of the new answer for the old one, renamed, and edit that."""
    edit(shop / MANIFEST, lambda text: text + "# ours\n")
    (shop / "k8s/queue.yaml").write_text("kind: ConfigMap\n")
    older.commit_all(shop, "A queue")
    assert run.run(shop, ["driver=helm"], check=False) == run.CONFLICTS
    shown = capsys.readouterr().out
    assert "The template no longer has these files, and you have edited them. Move what you need into" in shown
    assert f"  {MANIFEST}\n" in shown
    assert "With the new answers these files of yours have no effect" in shown
    assert "  k8s/queue.yaml\n" in shown
    assert (shop / MANIFEST).read_text().endswith("# ours\n")
    assert "# ours" not in "".join(path.read_text() for path in shop.glob("helm/**/*") if path.is_file())

    older.git(shop, "rm", "--quiet", MANIFEST, "k8s/queue.yaml")
    older.git(shop, "commit", "--quiet", "-m", "A chart")
    assert differing(shop, "template") == EDITED
    assert run.run(shop, ["driver=manifests"], check=False) == 0
    assert differing(shop, "template") == EDITED


def test_conflicts_of_the_update_come_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in older.AUTHOR.items():
        monkeypatch.setenv(name, value)
    shop = older.make(ROOT, "e0a3d81", tmp_path, ANSWERS)
    edit(shop / "tasks.py", lambda text: text.replace("from dev import bootstrap", "from dev import bootstrap as ours"))
    older.commit_all(shop, "An edit in the way")
    assert run.run(shop, ["auth=none"], check=False) == run.CONFLICTS
    assert 'run this again with --answer "auth=none"' in capsys.readouterr().out
    older.git(shop, "checkout", "--theirs", "tasks.py")
    older.commit_all(shop, "The template's tasks")
    assert service.read(shop).answers["auth"] == "jwt"
    assert run.run(shop, ["auth=none"], check=False) == 0
    assert differing(shop, "template") == set()
    assert "requires" not in (shop / "app/api/v1/endpoints/products.py").read_text()


def test_rows_with_owners_keep_their_tokens(tmp_path: Path) -> None:
    """Before the merge: the service is unchanged."""
    with pytest.raises(UpdateError, match=r"`order` has `owner`, .* but auth is `none`; remove the word `owner`"):
        pristine.make({"project_name": "Shop", "auth": "none"}, ["order: owner number:str"], tmp_path)
    assert list(tmp_path.iterdir()) == []
