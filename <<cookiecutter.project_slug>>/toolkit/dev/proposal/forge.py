"""GitHub and GitLab: where a branch is pushed, and how a request to merge it is opened or brought up to date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

TOKEN = "TEMPLATE_TOKEN"  # noqa: S105  # the name of a variable
# A push option travels in one packet of git's protocol, and GitHub takes 65536 characters.
LONGEST_TEXT = 60_000
# Git calls it for a password; the token stays in the environment, out of arguments and files.
_HELPER = f'!f() {{ test "$1" = get && printf "username=x-access-token\\npassword=%s\\n" "${TOKEN}"; }}; f'

Name = Literal["github", "gitlab"]


class Run(Protocol):
    """Run a program in the service's folder and return its output. Raises ProposalError when it fails."""

    def __call__(self, *command: str, stdin: str = "") -> str: ...


@dataclass(frozen=True)
class Request:
    """A branch to be merged into `target`."""

    branch: str
    target: str
    title: str
    text: str


@dataclass(frozen=True)
class Forge:
    """The service behind `remote`, which is `origin` or an address."""

    name: Name
    remote: str = "origin"

    def push_options(self, request: Request) -> list[str]:
        """Return the options with which a push itself opens the request, or brings it up to date: GitLab's alone."""
        if self.name == "github":
            return []
        values = {
            "target": request.target,
            "title": request.title,
            # GitLab reads \n as a new line; git refuses a real one in an option.
            "description": shortened(request.text).replace("\n", "\\n"),
        }
        pairs = [f"merge_request.{name}={value}" for name, value in values.items()]
        options = ["merge_request.create", "merge_request.remove_source_branch", *pairs]
        return [part for option in options for part in ("--push-option", option)]

    def open(self, request: Request, run: Run) -> str:
        """Open the request after the push, or bring its text up to date. Returns a line for the log."""
        if self.name == "gitlab":
            return f"The merge request of {request.branch} is open."
        text = shortened(request.text)
        listed = run("gh", "pr", "list", "--head", request.branch, "--state", "open", "--json", "url")
        title = ("--title", request.title, "--body-file", "-")
        if found := json.loads(listed):
            run("gh", "pr", "edit", request.branch, *title, stdin=text)
            return f"Updated: {found[0]['url']}"
        made = run("gh", "pr", "create", "--head", request.branch, "--base", request.target, *title, stdin=text)
        return f"Opened: {made}"


def find(ci: str, environment: Mapping[str, str]) -> Forge | None:
    """Return the forge of a service by its answer `ci`; None without a pipeline.

    GitLab's remote `origin` has the token of the job, which may not push, so the project's plain address is used there.
    """
    if ci == "gitlab":
        address = environment.get("CI_PROJECT_URL", "")
        return Forge("gitlab", f"{address}.git" if address else "origin")
    return Forge("github") if ci == "github" else None


def target(environment: Mapping[str, str], branch: str) -> str:
    """Return the branch into which the request is to be merged: that of the pipeline, or the current one."""
    return environment.get("CI_COMMIT_BRANCH") or environment.get("GITHUB_REF_NAME") or branch


def is_pipeline(environment: Mapping[str, str]) -> bool:
    """Return True in a job of either pipeline."""
    return bool(environment.get("GITHUB_ACTIONS") or environment.get("GITLAB_CI"))


def credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables with which git and `gh` use the token, on the pipeline's own host only; none without it."""
    host = environment.get("CI_SERVER_URL") or environment.get("GITHUB_SERVER_URL") or ""
    if not environment.get(TOKEN) or not host:
        return {}
    count = int(environment.get("GIT_CONFIG_COUNT", "0"))
    return {
        "GH_TOKEN": environment[TOKEN],
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"credential.{host}.helper",
        f"GIT_CONFIG_VALUE_{count}": _HELPER,
    }


def shortened(text: str) -> str:
    """Return the text within the limit of both forges."""
    encoded = text.encode()
    if len(encoded) <= LONGEST_TEXT:
        return text
    return encoded[:LONGEST_TEXT].decode(errors="ignore").rpartition("\n")[0] + "\n\n(shortened)"


def describe(version: str, news: str, failed: Sequence[str]) -> tuple[str, str]:
    """Return the title and the text of a request: what is new, and which of the next commands failed here."""
    parts = [news.strip()]
    if failed:
        commands = "\n".join(f"    {command}" for command in failed)
        parts.append(f"These commands failed in the pipeline. Run them in a checkout of this branch:\n\n{commands}")
    parts.append(
        "Written by `python3 tasks.py template.propose`; a later run replaces the branch unless others add commits."
    )
    return f"Update the template to {version}", "\n\n".join(parts) + "\n"
