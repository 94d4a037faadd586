"""Every pair of options gives a service that is clean: linted, typed, and free of what was not asked for."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from hooks.answers import CLOUDS_OF_PLACES
from hooks.options import OPTION_FILES
from tests.support import terraform
from tests.support.bakery import Bakery
from tests.support.domains import DOMAINS
from tests.support.pairwise import each_answer_once, pairwise

OPTIONS = {
    "place": ("kubernetes", "machine", "ecs", "cloudrun", "containerapps"),
    "driver": ("manifests", "helm"),
    "auth": ("jwt", "accounts", "none"),
    "license": ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"),
    "resources": tuple(DOMAINS),
    "python_version": ("3.13", "3.11"),
    "ci": ("github", "gitlab", "none"),
    "infra": ("none", "aws", "google", "azure"),
    "registry": ("docker.io/example", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team"),
    "project_name": ("Product Catalogue", "Größe & Maße"),
}
CASES = list(pairwise(OPTIONS))
SERVICE = Path(__file__).resolve().parents[2] / "<<cookiecutter.project_slug>>"
EARLY = list(each_answer_once(CASES))  # the others are drills: ten seconds each
CACHES = {"__pycache__", ".ruff_cache"}
# What an option that was left out must not be mentioned by, in any file but the recorded answers.
TRACES = {
    ("auth", "none"): re.compile(
        r"\bjwt\b|\bJWT_|PyJWT|jwks|\brequires\(|security_none|identity_none|_accounts|ACCOUNTS_", re.IGNORECASE
    ),
    ("auth", "jwt"): re.compile(r"security_none|identity_none|_accounts|ACCOUNTS_|SMTP_|argon2|zxcvbn|app\.accounts"),
    ("auth", "accounts"): re.compile(
        r"security_none|identity_none|(provider|identity|tokens)_accounts\b|JWT_(?!JWKS_URL|ISSUER|AUDIENCE|ALGORITHMS)[A-Z]"
    ),
    ("infra", "none"): re.compile(r"terraform", re.IGNORECASE),
}
LICENSES = {
    "MIT": "Permission is hereby granted, free of charge",
    "Apache-2.0": "Apache License\n                           Version 2.0, January 2004",
    "BSD-3-Clause": "3. Neither the name of the copyright holder",
    "Proprietary": "All rights reserved",
}


@pytest.fixture(
    params=[
        pytest.param(case, marks=[] if early else pytest.mark.drill) for case, early in zip(CASES, EARLY, strict=True)
    ],
    ids=lambda case: "-".join(re.sub(r"\W+", "", answer) for answer in case.values()),
)
def case(request: pytest.FixtureRequest) -> dict[str, str]:
    given = {**request.param, "resources": DOMAINS[request.param["resources"]], "project_slug": "some-service"}
    # What infra/ creates is in the cloud of the registry, and of the place.
    if given["infra"] != "none" and CLOUDS_OF_PLACES.get(given["place"], given["infra"]) != given["infra"]:
        given["place"] = "kubernetes"
    return {**given, "registry": terraform.REGISTRIES.get(given["infra"], given["registry"])}


@pytest.fixture
def service(bakery: Bakery, case: dict[str, str]) -> Path:
    return bakery.bake(**case)


def tracked(service: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=service, check=True, capture_output=True, text=True).stdout
    return [service / name for name in listed.split("\0") if name]


def test_a_bake_runs_the_code_of_its_template(bakery: Bakery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the code of the current folder, which is this repository and may change while the tests run."""
    monkeypatch.chdir(bakery.root)
    other = tmp_path / "template"
    shutil.copytree(bakery.template, other)
    (other / "extensions.py").write_text("raise SystemExit('the code of the other template')\n")
    done = bakery.cookiecutter(tmp_path / "baked", template=str(other))
    assert done.returncode != 0
    assert "the code of the other template" in done.stderr


def test_pairs_are_covered() -> None:
    every = {
        (q1, a1, q2, a2) for q1 in OPTIONS for a1 in OPTIONS[q1] for q2 in OPTIONS for a2 in OPTIONS[q2] if q1 < q2
    }
    covered = {(q1, case[q1], q2, case[q2]) for case in CASES for q1 in case for q2 in case if q1 < q2}
    assert covered == every


def test_without_drills_every_answer_is_covered() -> None:
    early = {answer for case, early in zip(CASES, EARLY, strict=True) if early for answer in case.items()}
    assert early == {(question, answer) for question, answers in OPTIONS.items() for answer in answers}
    assert sum(EARLY) < len(CASES) / 2


def test_clean(service: Path, case: dict[str, str], subtests: pytest.Subtests) -> None:
    programs = service / ".venv" / "bin"
    with subtests.test("the formatter changes nothing"):
        run(service, programs / "ruff", "format", "--diff", ".")
    with subtests.test("the linter finds nothing"):
        run(service, programs / "ruff", "check", "--output-format=concise", ".")
    with subtests.test("the types agree"):
        run(service, programs / "pyrefly", "check", "--output-format=min-text")
    with subtests.test("everything is committed, once"):
        assert run(service, "git", "status", "--porcelain") == ""
        assert run(service, "git", "log", "--format=%D", "--all") == "HEAD -> main, template\n"
    with subtests.test("the answers are recorded, and the license is the one asked for"):
        assert case.items() <= recorded(service).items()
        assert LICENSES[case["license"]] in (service / "LICENSE").read_text()
    with subtests.test("the template does not show through"):
        assert leftovers(service) == []
    with subtests.test("options that were left out leave no trace"):
        assert traces(service, case) == []
    with subtests.test("the toolkit is the template's, whatever the answers are"):
        assert toolkit_of(service) == toolkit_of(SERVICE)


def run(service: Path, *command: str | Path) -> str:
    done = subprocess.run(command, cwd=service, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def toolkit_of(service: Path) -> dict[str, bytes]:
    """The files of the toolkit by their paths, without the caches of Python and ruff beside them."""
    folder = service / "toolkit"
    files = (path for path in folder.rglob("*") if path.is_file() and not CACHES & set(path.parts))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def recorded(service: Path) -> dict[str, str]:
    return tomllib.loads((service / "service.toml").read_text())["answers"]


def leftovers(service: Path) -> list[str]:
    """Places where the template shows through."""
    signs = re.compile(r"<<\s*cookiecutter|# % |\bcookiecutter\b", re.IGNORECASE)
    return [
        f"{path.relative_to(service)}: {found[0]}"
        for path in tracked(service)
        if (found := signs.search(path.read_text(encoding="utf-8"))) and "toolkit/resources/templates" not in str(path)
    ]


def traces(service: Path, case: dict[str, str]) -> list[str]:
    """Files and words of options that were left out."""
    present = [
        name
        for (question, answer), effect in OPTION_FILES.items()
        if case[question] == answer
        for name in (*effect.remove, *effect.rename)
        if (service / name).exists()
    ]
    for (question, answer), words in TRACES.items():
        if case[question] == answer:
            present += [
                f"{path.relative_to(service)}: {found[0]}"
                for path in tracked(service)
                if path.name not in ("service.toml", "uv.lock")
                and path.relative_to(service).parts[0] != "toolkit"  # the same for every answer
                and (found := words.search(path.read_text()))
            ]
    return present
