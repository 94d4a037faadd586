"""Tasks of a service with users of its own: its signing key, and users without the API."""

import sys
from pathlib import Path

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task
def new(c: Context, algorithm: str = "EdDSA") -> None:
    """Print a new signing key, for the secret ACCOUNTS_KEY; --algorithm is EdDSA or ES256."""
    from toolkit.dev import service

    raise SystemExit(service.run(project(c), "keys", "new", "--algorithm", algorithm))


@task
def rotate(c: Context) -> None:
    """Read ACCOUNTS_KEY from the standard input, and print it for the next step of a rotation."""
    from toolkit.dev import service

    raise SystemExit(service.run(project(c), "keys", "rotate"))


@task(iterable=["role"])
def create(c: Context, email: str, role: list[str], token: bool = False) -> None:
    """Create a user with a password from the standard input; --token prints a single-use token instead."""
    _user(project(c), "create", email, *(f"--role={name}" for name in role), *(["--token"] if token else []))


@task
def disable(c: Context, email: str) -> None:
    """Deactivate a user and end all sessions."""
    _user(project(c), "disable", email)


@task
def password(c: Context, email: str, token: bool = False) -> None:
    """Set a user's password from the standard input; --token prints a single-use token instead."""
    _user(project(c), "password", email, *(["--token"] if token else []))


def _user(folder: Path, command: str, email: str, *options: str) -> None:
    """Run the command on the database that `dev` uses, or on DATABASE_URL."""
    from toolkit.dev import run

    sys.exit(run.run(folder, "app", "user", command, f"--email={email}", *options))


keys = Collection("keys", new, rotate)
user = Collection("user", create, disable, password)
