"""Pull and merge requests with the template's changes: what is pushed where, with which text and credentials."""

import os
import subprocess
from pathlib import Path

import pytest

from toolkit.dev.proposal import forge
from toolkit.dev.proposal.forge import Forge, Request

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REF_NAME": "main"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_SERVER_URL": "https://gitlab.example.com",
    "CI_COMMIT_BRANCH": "trunk",
    "CI_PROJECT_URL": "https://gitlab.example.com/team/shop",
}
REQUEST = Request("template-update", "main", "Update the template to v2", "One\n\n- two\n")


class Recorder:
    """Programs that were run, with their input; `listed` is what `gh pr list` prints."""

    def __init__(self, listed: str) -> None:
        self.listed = listed
        self.calls: list[tuple[tuple[str, ...], str]] = []

    def __call__(self, *command: str, stdin: str = "") -> str:
        self.calls.append((command, stdin))
        return self.listed if "list" in command else "https://github.com/team/shop/pull/8"


@pytest.mark.parametrize(
    ("ci", "environment", "wanted"),
    [
        ("github", GITHUB, Forge("github", "origin")),
        ("github", {}, Forge("github", "origin")),
        ("gitlab", GITLAB, Forge("gitlab", "https://gitlab.example.com/team/shop.git")),
        ("gitlab", {}, Forge("gitlab", "origin")),
        ("none", GITHUB, None),
    ],
)
def test_a_forge_is_that_of_the_answer_ci(ci: str, environment: dict[str, str], wanted: Forge | None) -> None:
    assert forge.find(ci, environment) == wanted


@pytest.mark.parametrize(("environment", "wanted"), [(GITHUB, "main"), (GITLAB, "trunk"), ({}, "mine")])
def test_the_target_is_the_branch_of_the_pipeline(environment: dict[str, str], wanted: str) -> None:
    assert forge.target(environment, "mine") == wanted
    assert forge.is_pipeline(environment) == bool(environment)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://gitlab.example.com/team/shop.git", "password=s3cret"),
        ("https://elsewhere.example.com/team/shop.git", ""),
    ],
)
def test_git_gives_the_token_to_the_own_host_only(address: str, wanted: str, tmp_path: Path) -> None:
    variables = {**GITLAB, forge.TOKEN: "s3cret"}
    known = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_ASKPASS": "true", **variables}
    command = ["git", "credential", "fill"]
    done = subprocess.run(
        command,
        input=f"url={address}\n\n",
        cwd=tmp_path,
        env={**known, **forge.credentials(variables)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("password=s")] == ([wanted] if wanted else [])
    assert "s3cret" not in str({**forge.credentials(variables), "GH_TOKEN": ""})


def test_without_a_token_there_are_no_credentials() -> None:
    assert forge.credentials(GITHUB) == {}
    assert forge.credentials({forge.TOKEN: "s3cret"}) == {}


def test_gitlab_takes_the_request_from_the_push() -> None:
    options = Forge("gitlab").push_options(REQUEST)
    assert options[::2] == ["--push-option"] * 5
    assert options[1::2] == [
        "merge_request.create",
        "merge_request.remove_source_branch",
        "merge_request.target=main",
        "merge_request.title=Update the template to v2",
        "merge_request.description=One\\n\\n- two\\n",
    ]
    recorder = Recorder("[]")
    Forge("gitlab").open(REQUEST, recorder)
    assert recorder.calls == []


def test_github_opens_a_pull_request_and_later_edits_it() -> None:
    assert Forge("github").push_options(REQUEST) == []
    recorder = Recorder("[]")
    assert Forge("github").open(REQUEST, recorder) == "Opened: https://github.com/team/shop/pull/8"
    command, text = recorder.calls[-1]
    assert command[:3] == ("gh", "pr", "create")
    assert command[3:7] == ("--head", "template-update", "--base", "main")
    assert text == REQUEST.text
    recorder = Recorder('[{"url": "https://github.com/team/shop/pull/7"}]')
    assert Forge("github").open(REQUEST, recorder) == "Updated: https://github.com/team/shop/pull/7"
    assert recorder.calls[-1][0][:4] == ("gh", "pr", "edit", "template-update")


def test_a_long_text_ends_with_a_whole_line() -> None:
    line = "- \N{LATIN SMALL LETTER E WITH ACUTE}" * 20 + "\n"
    text = forge.shortened(line * 5000)
    assert len(text.encode()) <= forge.LONGEST_TEXT + 20
    assert text.removesuffix("\n\n(shortened)").endswith(line.rstrip("\n"))
    assert forge.shortened(line) == line


def test_the_text_has_the_news_and_what_failed() -> None:
    title, text = forge.describe("v2", "The template has moved on.\n\n- Two\n", ["python3 tasks.py openapi"])
    assert title == "Update the template to v2"
    assert text.startswith("The template has moved on.\n\n- Two\n\nThese commands failed in the pipeline.")
    assert "\n    python3 tasks.py openapi\n" in text
    assert "failed" not in forge.describe("v2", "- Two", [])[1]
