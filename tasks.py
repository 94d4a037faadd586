"""The commands of this repository: `python3 tasks.py TASK`, or `invoke TASK` inside the virtual environment."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICE = HERE / "<<cookiecutter.project_slug>>"
sys.path.insert(0, str(SERVICE))  # as the service's own tasks.py does

from toolkit.dev import bootstrap

bootstrap.enter(HERE, also=[SERVICE])

from invoke import Collection, Context, Program, task


@task
def demo(_: Context, once: bool = False) -> None:
    """Generate a service with the default answers, run it, create and read a product; --once then stops it."""
    from workshop import demo

    demo.run(HERE, once=once)


@task
def test(_: Context, drills: bool = False, minutes: float = 0.0, spent: float = 0.0, k: str = "") -> None:
    """Run every test that this machine can run. Skipped tests are listed with the reason.

    --drills adds the tests that take minutes each. --minutes M adds those that fit into M minutes of a normal machine,
    less the --spent S seconds that have passed already; the drills of what changed come first.
    """
    from workshop import testing

    testing.run(HERE, drills=drills, only=k, minutes=minutes, spent=spent)


@task
def lint(_: Context) -> None:
    """Check style, imports, security, types and plain English, of the template and of the service where it stands."""
    from toolkit.dev import lint as checks
    from workshop import english

    english.lint(HERE)
    checks.lint(HERE, SERVICE, SERVICE / "toolkit")


@task(name="format")
def format_code(_: Context) -> None:
    """Format the code and apply automatic fixes."""
    from toolkit.dev import lint as checks

    checks.format_code(HERE, SERVICE / "toolkit")


@task(iterable=["answer"])
def update(_: Context, path: str, answer: list[str], check: bool = False) -> None:
    """Bring the service in PATH to this version of the template, by a git merge; --answer QUESTION=ANSWER changes one.

    --check only reports whether the template has moved on: exit code 2, and the changelog.
    """
    from workshop.update import run

    raise SystemExit(run.run(Path(path), answer, check=check))


@task
def pictures(_: Context) -> None:
    """Draw docs/pictures/ from real runs: demo, a failing deploy (on a cluster), /docs (in Chromium), the alerts."""
    from workshop import pictures

    pictures.make(HERE)


@task(iterable=["only"])
def bench(_: Context, only: list[str], rounds: int = 7) -> None:
    """Measure generation, start, requests and pages, as ratios in one run; --only PART for one of them."""
    from bench.__main__ import main

    raise SystemExit(main([f"--rounds={rounds}", *(["--only", *only] if only else [])]))


namespace = Collection(demo, test, lint, format_code, update, pictures, bench)


namespace = Collection(demo, test, lint, format_code, update, pictures, bench)

if __name__ == "__main__":
    Program(name="tasks", binary="python3 tasks.py", namespace=namespace).run()
