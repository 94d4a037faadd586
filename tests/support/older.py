"""Services as an earlier commit of this repository made them: pristine, committed, with the branch `template`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from workshop.update import base

# Runs in a checkout of the commit, with its own hooks and its own generator.
_MAKE = """
import json, sys
from pathlib import Path
from cookiecutter.main import cookiecutter
answers = json.loads(sys.argv[1])
sys.path.insert(0, ".")
how = {"no_input": True, "default_config": True, "accept_hooks": False}
project = Path(cookiecutter(".", extra_context=answers, output_dir=sys.argv[2], **how))
from hooks import options
options.remove_strays(project)
options.remove_sample(project)
getattr(options, "remove_judge", lambda _: None)(project)
content = json.loads(Path("cookiecutter.json").read_text())
chosen = {name: value[0] if isinstance(value, list) else value for name, value in content.items()} | answers
options.apply_files(project, chosen)
options.apply_regions(project, chosen)
sys.path.insert(0, str(project))
try:
    from toolkit.resources.write import generator
except ImportError:
    from scaffold import generator
generator.add(answers["resources"], project)
print(project)
"""
METHOD = "\n    def is_cheap(self) -> bool:\n        return self.price < 10\n"
REVIEW = "review: stars:int>=1<=5 text:text?"
AUTHOR = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Ada Example"), ("EMAIL", "ada@example.com"))
}


def make(root: Path, commit: str, folder: Path, answers: Mapping[str, str]) -> Path:
    """The service that `commit` of the repository `root` makes of the answers (`resources` among them)."""
    template = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(root), str(template)], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=template, check=True)
    command = [sys.executable, "-B", "-c", _MAKE, json.dumps(dict(answers)), str(folder / "made")]
    done = subprocess.run(command, cwd=template, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    service = Path(done.stdout.strip().splitlines()[-1])
    for cache in list(service.rglob("__pycache__")):
        shutil.rmtree(cache)
    git(service, "init", "--quiet", "--initial-branch", "main")
    commit_all(service, "Start")
    git(service, "branch", "template")
    return service


def add_resource(service: Path, line: str) -> None:
    """Write a resource's files with the service's own generator."""
    command = [sys.executable, "-B", "-c", base.ADD, line]
    subprocess.run(command, cwd=service, check=True)


def git(folder: Path, *arguments: str) -> str:
    """Return git's output. Fails with git's message."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **AUTHOR}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def commit_all(folder: Path, message: str) -> None:
    """Commit everything in the working tree."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)


def owned(folder: Path) -> Path:
    """The service with its owner's edits in three files and a resource that was added later."""
    edit(folder / "app/models/product.py", lambda text: text.rstrip() + "\n" + METHOD)
    edit(folder / "app/main.py", lambda text: text.replace("from __future__", "# Ours\nfrom __future__", 1))
    edit(folder / "Dockerfile", lambda text: text.replace("AS code\n", 'AS code\nLABEL team="shop"\n', 1))
    add_resource(folder, REVIEW)
    commit_all(folder, "Rules of our own, and reviews")
    return folder


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Rewrite a file; the change has to change something."""
    before = path.read_text()
    after = change(before)
    assert after != before, f"{path} is not as this test expects it"
    path.write_text(after)
