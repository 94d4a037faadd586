"""Bad answers: one message with every fault, exit code 2, and nothing left behind."""

from pathlib import Path

import pytest

from tests.support.bakery import Bakery

BAD = {
    "empty": {"project_name": ""},
    "80 characters": {"project_name": "x" * 80},
    "unicode that is no letter": {"project_name": "☃"},
    "quotes": {"project_name": "say \"hi\" and 'ho'"},
    "newline": {"project_name": "two\nlines"},
    "shell": {"project_name": "$(touch pwned); rm -rf ."},
    "leading digit": {"project_slug": "3-coins"},
    "outside": {"project_slug": "../../x"},
    "absolute": {"project_slug": "/srv/x"},
    "slug too long": {"project_slug": "a" * 54},
    "author": {"author": '"""\nimport os\n"""'},
    "no such type": {"resources": "product: name:string"},
    "half a bound": {"resources": "product: name:str(1.."},
    "bounds reversed": {"resources": "product: name:str(9..1)"},
    "default against the check": {"resources": "product: stock:int>=0=-1"},
    "reference to nothing": {"resources": "product: maker:ref(maker)"},
    "owner without tokens": {"resources": "product: owner a:int", "auth": "none"},
    "twice": {"resources": "product: a:int; product: b:int"},
}


@pytest.mark.parametrize("answers", BAD.values(), ids=BAD.keys())
def test_refused(bakery: Bakery, tmp_path: Path, answers: dict[str, str]) -> None:
    output = tmp_path / "deep" / "enough"
    done = bakery.cookiecutter(output, *(f"{question}={answer}" for question, answer in answers.items()))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"- {next(iter(answers))} " in done.stderr
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "deep", output]


def test_every_fault_at_once(bakery: Bakery, tmp_path: Path) -> None:
    done = bakery.cookiecutter(
        tmp_path, "project_name=two\nlines", "project_slug=A", "registry=http://x y", "resources=a"
    )
    assert done.returncode == 2
    assert all(question in done.stderr for question in ("project_name", "project_slug", "registry", "resources"))


def test_the_name_is_judged_by_what_is_made_of_it(bakery: Bakery, tmp_path: Path) -> None:
    done = bakery.cookiecutter(tmp_path, "project_name=3 Coins")
    assert "project_slug is `3-coins`" in done.stderr
    assert "did you mean `coins`?" in done.stderr


def test_no_choice(bakery: Bakery, tmp_path: Path) -> None:
    """Cookiecutter's own check comes before ours; it names the choices, too."""
    done = bakery.cookiecutter(tmp_path, "auth=magic")
    assert done.returncode == 1
    assert "magic provided for choice variable auth, but the choices are ['jwt', 'accounts', 'none']" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "app", "test", "Größe 7", "a" * 50])
def test_odd_names_that_work(bakery: Bakery, tmp_path: Path, name: str) -> None:
    """Words of Python or of the service are fine: no module is named after an answer."""
    done = bakery.cookiecutter(tmp_path, "--accept-hooks", "no", f"project_name={name}")
    assert done.returncode == 0, done.stderr
