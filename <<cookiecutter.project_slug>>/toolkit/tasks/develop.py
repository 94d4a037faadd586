"""Tasks of development: set up, serve, test, lint."""

import sys

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task
def setup(c: Context) -> None:
    """Set up this checkout: environment, lock file, first revision, git."""
    from toolkit.dev import setup

    try:
        setup.run(project(c))
    except RuntimeError as error:  # the owner's code does not run
        raise SystemExit(f"{error}\nCorrect the code, then run `python3 tasks.py setup` again.") from None


@task
def dev(c: Context, port: int = 8000, fresh: bool = False, allow_destructive: bool = False) -> None:
    """Serve on an embedded PostgreSQL (--fresh erases its data first) or DATABASE_URL; restart when a file is saved."""
    from toolkit.dev import serve

    serve.serve(project(c), port, fresh=fresh, allow_destructive=allow_destructive)


@task(name="run", iterable=["e"])
def run_command(c: Context, what: str, e: list[str]) -> None:
    """Run a module of the service here, such as app.commands.NAME, or a command in an environment: ENV -- COMMAND.

    A module runs on the database of `dev` or on DATABASE_URL. A command runs in an instance of its own, with the
    released image and its settings; its lines are shown and its exit code is returned.
    """
    if "--" not in sys.argv:
        from toolkit.dev import run

        raise SystemExit(run.run(project(c), what))
    from toolkit.deploy.operations import commands

    # As typed: invoke's own remainder has lost the quotes.
    raise SystemExit(commands.run(project(c), what, e, sys.argv[sys.argv.index("--") + 1 :]))


@task(default=True, name="all")
def test_all(c: Context, k: str = "") -> None:
    """Run every test, with the coverage gate; skipped tests are listed with the reason."""
    from toolkit.dev import test

    test.run(project(c), only=k)


@task
def unit(c: Context, k: str = "") -> None:
    """Run the tests that need only Python."""
    from toolkit.dev import test

    test.run(project(c), "unit", only=k)


@task
def integration(c: Context, k: str = "") -> None:
    """Run the tests of the API on a real PostgreSQL."""
    from toolkit.dev import test

    test.run(project(c), "integration", only=k)


@task
def e2e(c: Context, k: str = "") -> None:
    """Run the end-to-end tests on the service at BASE_URL, or on one that they start."""
    from toolkit.dev import test

    test.run(project(c), "e2e", only=k)


@task
def lint(c: Context) -> None:
    """Check style, imports, security and types."""
    from toolkit.dev import lint as checks

    checks.lint(project(c))


@task(name="format")
def format_code(c: Context) -> None:
    """Format the code and apply automatic fixes."""
    from toolkit.dev import lint as checks

    checks.format_code(project(c))


@task
def openapi(c: Context, check: bool = False) -> None:
    """Write docs/openapi.json; with --check, only check that it is up to date."""
    from toolkit.dev import openapi

    openapi.write(project(c), check=check)


@task(iterable=["scope"])
def token(c: Context, scope: list[str], all: bool = False) -> None:
    """Print a token for development, with the given scopes or with --all."""
    from toolkit.dev import service

    raise SystemExit(service.run(project(c), "token", *scope, *(["--all"] if all else [])))


namespace = Collection(setup, dev, run_command, lint, format_code, openapi)
namespace.add_collection(Collection("test", test_all, unit, integration, e2e))
