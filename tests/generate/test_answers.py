"""Which answers make a service, and what is said of the others."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.answers import CHOICES, check_answers
from tests.support.terraform import REGISTRIES

TEMPLATE = Path(__file__).resolve().parents[2]
GOOD = {
    "project_name": "Product Catalogue",
    "project_slug": "product-catalogue",
    "description": "Product Catalogue: a FastAPI service on PostgreSQL",
    "author": "The Product Catalogue team",
    "resources": "product: name:str(1..100)",
    "registry": "docker.io/example",
    "place": "kubernetes",
    "driver": "manifests",
    "auth": "jwt",
    "license": "MIT",
    "python_version": "3.13",
    "ci": "github",
    "infra": "none",
}


def test_good_answers() -> None:
    assert check_answers(GOOD) == []
    assert check_answers(GOOD | {"__image": "anything", "later": "question"}) == []


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("project_name", "O'Neil & Sons, 100 % #1 (3D)"),
        ("project_name", "Ünïcode 日本"),
        ("project_name", "3D Models"),
        ("project_slug", "a"),
        ("project_slug", "a" * 53),
        ("project_slug", "a-1--b"),
        *(("project_slug", name) for name in ("app", "test", "class", "import", "json", "order")),
        ("description", "Orders: what's due, #1 in C# * & more!"),
        ("author", "Jane Doe <jane.doe+x@example.com>"),
        ("registry", "localhost:5000"),
        ("registry", "ghcr.io/team/sub/"),
        ("registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team"),
        ("registry", "europe-west1-docker.pkg.dev/project-1/repo_a"),
        ("resources", "order: a:int;\n user: b:ref(order)"),
    ],
)
def test_legal(question: str, given: str) -> None:
    assert check_answers(GOOD | {question: given}) == []


@pytest.mark.parametrize(
    ("question", "given", "words"),
    [
        ("project_name", "", "is empty; expected one line of 1 to 60 characters"),
        ("project_name", "   ", "is empty"),
        ("project_name", "a" * 80, "has 80 characters"),
        ("project_name", "a\nb", "U+000A"),
        ("project_name", "a\x00b", "U+0000"),
        ("project_name", "a\u202eb", "U+202E"),
        ("project_name", " a", "no leading or trailing white space"),
        ("project_name", "?!", "expected at least one letter or digit"),
        ("project_name", 'a"b', 'contains "'),
        ("project_name", "a\\b", "contains \\"),
        ("project_name", "`id`", "contains `"),
        ("project_name", "$(rm -rf ~)", "contains $"),
        ("project_name", "{{ 7 * 7 }}", "contains { }"),
        ("project_name", "<< cookiecutter >>", "contains < >"),
        ("project_name", "<% raw %>", "contains < >"),
        ("project_name", None, "is `None`; expected text"),
        ("project_slug", "", "is empty; expected 1 to 53 lower-case letters"),
        ("project_slug", "a" * 54, "has 54 characters"),
        ("project_slug", "3d", "a letter first"),
        ("project_slug", "My Service", "did you mean `my-service`?"),
        ("project_slug", "my_service", "did you mean `my-service`?"),
        ("project_slug", "x\n", "did you mean `x`?"),
        ("project_slug", "-x", "did you mean `x`?"),
        ("project_slug", "x-", "did you mean `x`?"),
        ("project_slug", "../../x", "is `../../x`"),
        ("project_slug", "größe", "is `größe`"),
        ("project_slug", "a;rm", "is `a;rm`"),
        ("project_slug", "postgres", "try `postgres-service`"),
        ("project_slug", "default", "Kubernetes has a namespace"),
        ("project_slug", "kube-x", "Kubernetes reserves"),
        ("project_slug", "on", "YAML does not read it as text"),
        ("description", "a\r\nb", "U+000D, U+000A"),
        ("description", "a" * 201, "has 201 characters"),
        ("author", "Jane <jane>", "contains < >"),
        ("author", 'Jane "J" Doe', 'contains "'),
        ("registry", "", "expected a host and a path"),
        ("registry", "https://ghcr.io/Team", "did you mean `ghcr.io/team`?"),
        ("registry", "example", "did you mean `docker.io/example`?"),
        ("registry", "docker.io", "your name on Docker Hub too"),
        ("registry", "localhost:0", "expected 1 to 65535"),
        ("registry", "../../x", "is `../../x`"),
        ("registry", "ghcr.io/a b", "is `ghcr.io/a b`"),
        ("registry", "ghcr.io/a\n", "expected a host"),
        ("registry", "ghcr.io/" + "a" * 200, "has 208 characters"),
        ("driver", "docker", "expected one of manifests, helm"),
        ("auth", ["jwt"], "expected one of jwt, accounts, none"),
        ("license", "", "expected one of MIT"),
        ("python_version", "3.9", "expected one of 3.11"),
        ("resources", "", "no resource is given"),
        ("resources", "product: name:strng", "product.name, column 15: unknown type `strng`"),
    ],
)
def test_illegal(question: str, given: Any, words: str) -> None:
    (fault,) = check_answers(GOOD | {question: given})
    assert fault.startswith(f"{question} ")
    assert words in fault


@pytest.mark.parametrize(
    ("infra", "registry"),
    [
        ("aws", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        ("aws", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/"),
        ("google", "europe-west1-docker.pkg.dev/project-1/repository"),
        ("azure", "example.azurecr.io/team"),
    ],
)
def test_infra_is_in_the_cloud_of_the_registry(infra: str, registry: str) -> None:
    assert check_answers(GOOD | {"infra": infra, "registry": registry}) == []
    for other in {"aws", "google", "azure"} - {infra}:
        (fault,) = check_answers(GOOD | {"infra": other, "registry": registry})
        assert fault.startswith(f"infra is `{other}` with the registry `{registry}`; expected a registry of ")


@pytest.mark.parametrize(
    ("infra", "place", "expected"),
    [
        ("aws", "ecs", ""),
        ("aws", "kubernetes", ""),
        ("aws", "machine", ""),
        ("none", "ecs", ""),
        ("google", "cloudrun", ""),
        ("aws", "cloudrun", "infra is `aws` with the place `cloudrun`; expected `google`, or `none`"),
        ("azure", "cloudrun", "infra is `azure` with the place `cloudrun`; expected `google`, or `none`"),
        ("google", "ecs", "infra is `google` with the place `ecs`; expected `aws`, or `none`"),
    ],
)
def test_infra_is_in_the_cloud_of_the_place(infra: str, place: str, expected: str) -> None:
    registry = REGISTRIES.get(infra, "docker.io/example")
    faults = check_answers(GOOD | {"infra": infra, "place": place, "registry": registry})
    assert faults == ([expected] if expected else [])


def test_infra_with_a_registry_of_no_cloud_is_refused() -> None:
    (fault,) = check_answers(GOOD | {"infra": "google", "registry": "europe-west1-docker.pkg.dev/project-1"})
    assert "such as europe-west3-docker.pkg.dev/PROJECT/REPOSITORY" in fault


def test_every_fault_at_once() -> None:
    bad = GOOD | {"project_slug": "X", "auth": "x", "resources": "a: id:int b:strng"}
    assert [fault.split()[0] for fault in check_answers(bad)] == ["project_slug", "resources", "resources", "auth"]
    assert len(check_answers({})) == len(GOOD)


def test_a_fault_of_the_name_is_reported_once() -> None:
    name = 'A "b"'
    bad = GOOD | {"project_name": name, "description": f"{name}: a service", "author": f"The {name} team"}
    assert [fault.split()[0] for fault in check_answers(bad)] == ["project_name"]
    assert len(check_answers(bad | {"author": f"{name} $"})) == 2


def test_the_choices_are_those_of_the_questions() -> None:
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text())
    asked = {name: set(choices) for name, choices in questions.items() if isinstance(choices, list) and name[0] != "_"}
    assert asked == {name: set(choices) for name, choices in CHOICES.items()}


@given(st.sampled_from(sorted(GOOD)), st.text(max_size=100))
def test_any_text_is_judged_in_printable_words(question: str, given: str) -> None:
    for fault in check_answers(GOOD | {question: given}):
        assert all(sign.isprintable() or sign == "\n" for sign in fault)
