"""`template.propose` as the scheduled jobs of both pipelines run it, with a repository that takes the push."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import yaml

from tests.support import older
from tests.support.bakery import Bakery

ROOT = Path(__file__).resolve().parents[2]
# GitHub's program writes down what it is asked; GitLab's push options arrive at the repository itself.
GH = """#!/bin/sh
echo "$@" >> "$ASKED"
case "$*" in
*list*) if grep -q create "$ASKED"; then echo '[{"url": "https://github.com/team/shop/pull/7"}]'; else echo '[]'; fi ;;
*) cat >> "$ASKED"; echo https://github.com/team/shop/pull/7 ;;
esac
"""
RECEIVE = """#!/bin/sh
env | sed -n 's/^GIT_PUSH_OPTION_[0-9]*=//p' >> "${ASKED:-/dev/null}"
"""
TOKEN = "s3cret"


@dataclass
class Pipeline:
    """A service, the repository that it is pushed to, and the template that it was made from."""

    forge: Literal["github", "gitlab"]
    folder: Path
    environment: dict[str, str]

    @property
    def template(self) -> Path:
        return self.folder / "template"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @property
    def shop(self) -> Path:
        return self.folder / "out" / "shop"

    @property
    def asked(self) -> str:
        """Return the requests to the forge since the last call."""
        path = self.folder / "asked"
        text = path.read_text() if path.exists() else ""
        path.write_text("".join(line for line in text.splitlines(keepends=True) if "create" in line))
        return text.replace("\\n", "\n")

    def run(self, command: Sequence[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, "ASKED": str(self.folder / "asked"), **variables}
        return subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, text=True)

    def make(self) -> None:
        older.git(self.folder, "clone", "--quiet", str(ROOT), str(self.template))
        older.git(self.template, "remote", "remove", "origin")
        command = [sys.executable, "-P", "-m", "cookiecutter", str(self.template), "--no-input"]
        command += ["-o", str(self.folder / "out"), "project_name=Shop", f"ci={self.forge}"]
        made = self.run(command, self.folder)
        assert made.returncode == 0, made.stdout + made.stderr
        older.git(self.folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.origin))
        older.git(self.origin, "config", "receive.advertisePushOptions", "true")
        for path, text in ((self.origin / "hooks" / "pre-receive", RECEIVE), (self.folder / "bin" / "gh", GH)):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        older.git(self.shop, "remote", "add", "origin", str(self.origin))
        older.git(self.shop, "push", "--quiet", "--set-upstream", "origin", "main")

    def step(self) -> str:
        """The command of the job, as it stands in the service's file."""
        if self.forge == "gitlab":
            return str(yaml.safe_load((self.shop / ".gitlab-ci.yml").read_text())["template"]["script"][0])
        content = yaml.safe_load((self.shop / ".github" / "workflows" / "template-update.yml").read_text())
        return str(content["jobs"]["propose"]["steps"][-1]["run"])

    def job(self, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
        """A checkout as the pipeline makes it, and the step in it."""
        checkout = self.folder / "job"
        if not checkout.exists():
            older.git(self.folder, "clone", "--quiet", f"file://{self.origin}", str(checkout))
        older.git(checkout, "fetch", "--quiet", "origin")
        older.git(checkout, "switch", "--quiet", "--detach", "origin/main")
        variables = {"TEMPLATE_TOKEN": token, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        if self.forge == "github":
            older.git(checkout, "switch", "--quiet", "--force-create", "main")
            variables |= {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main"}
            variables |= {"GITHUB_SERVER_URL": "https://github.com"}
        else:
            variables |= {"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main", "CI_SERVER_URL": "https://gitlab.com"}
            variables |= {"CI_PROJECT_URL": str(self.origin).removesuffix(".git")}
        return self.run(["bash", "-euo", "pipefail", "-c", self.step()], checkout, **variables)

    def change(self, line: str) -> None:
        """A newer commit of the template."""
        with (self.template / "<<cookiecutter.project_slug>>" / "entrypoint.sh").open("a") as script:
            script.write(f"# {line}\n")
        older.commit_all(self.template, line)

    def proposed(self, path: str) -> str:
        return older.git(self.origin, "show", f"template-update:{path}")

    def branches(self) -> list[str]:
        return older.git(self.origin, "branch", "--format=%(refname:short)").splitlines()


@pytest.mark.drill(minutes=4)
@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_scheduled_job_proposes_what_is_new(
    bakery: Bakery, tmp_path: Path, forge: Literal["github", "gitlab"]
) -> None:
    pipeline = Pipeline(forge, tmp_path, {**bakery.environment, **older.AUTHOR})
    pipeline.make()

    def job(wanted: int = 0, token: str = TOKEN) -> str:
        done = pipeline.job(token)
        shown = done.stdout + done.stderr
        assert done.returncode == wanted, shown
        assert "Traceback" not in shown
        assert TOKEN not in shown
        return shown

    assert "Up to date" in job()
    pipeline.change("One")
    assert "Set TEMPLATE_TOKEN" in job(token="")
    assert pipeline.branches() == ["main"]
    assert pipeline.asked == ""

    job()
    assert pipeline.proposed("entrypoint.sh").endswith("# One")
    assert "# One" not in older.git(pipeline.origin, "show", "main:entrypoint.sh")
    asked = pipeline.asked
    assert "- One\n" in asked
    assert "main" in asked
    assert "failed" not in asked
    assert ("merge_request.create" if forge == "gitlab" else "pr create --head template-update --base main") in asked
    assert "template-update has this already" in job()
    assert pipeline.asked.count("create") <= 1  # the line that is kept

    # The open one is brought up to date, also with what has come to main.
    pipeline.change("Two")
    (pipeline.shop / "note.txt").write_text("ours\n")
    older.commit_all(pipeline.shop, "A note")
    older.git(pipeline.shop, "push", "--quiet")
    job()
    assert pipeline.proposed("entrypoint.sh").endswith("# One\n# Two")
    assert pipeline.proposed("note.txt") == "ours"
    asked = pipeline.asked
    assert "- Two\n" in asked
    assert forge == "gitlab" or "pr edit template-update" in asked

    # Conflicts are never pushed.
    before = older.git(pipeline.origin, "rev-parse", "template-update")
    with (pipeline.shop / "entrypoint.sh").open("a") as script:
        script.write("# Ours\n")
    older.commit_all(pipeline.shop, "Ours")
    older.git(pipeline.shop, "push", "--quiet")
    shown = job(wanted=3)
    assert "  entrypoint.sh\n" in shown
    assert "python3 tasks.py template.update" in shown
    assert older.git(pipeline.origin, "rev-parse", "template-update") == before

    # Neither is the commit of a reviewer on that branch overwritten.
    older.git(pipeline.shop, "fetch", "--quiet", "origin")
    older.git(pipeline.shop, "switch", "--quiet", "template-update")
    (pipeline.shop / "note.txt").write_text("corrected\n")
    older.commit_all(pipeline.shop, "A correction")
    older.git(pipeline.shop, "push", "--quiet", "origin", "template-update")
    assert "template-update has commits of ada@example.com" in job(wanted=1)
    assert pipeline.proposed("note.txt") == "corrected"
