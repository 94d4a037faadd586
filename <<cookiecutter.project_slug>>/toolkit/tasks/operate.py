"""Tasks of every day on an environment: run, restart, scale, shell, connect, secrets, remove."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task(iterable=["e"])
def restart(c: Context, env: str, e: list[str], yes: bool = False) -> None:
    """Replace every instance of ENV, one after another, for example after a secret has changed."""
    from toolkit.deploy.operations import commands

    raise SystemExit(commands.restart(project(c), env, e, yes=yes))


@task(iterable=["e"])
def scale(c: Context, env: str, count: str, e: list[str], process: str = "", yes: bool = False) -> None:
    """Run COUNT instances in ENV until the next deploy, which sets the number of the inventory again.

    --process NAME is one of `processes` in the inventory instead of the service itself.
    """
    from toolkit.deploy.operations import commands

    raise SystemExit(commands.scale(project(c), env, e, count, process=process, yes=yes))


@task(iterable=["e"])
def shell(c: Context, env: str, e: list[str]) -> None:
    """Open a shell in the released image with the settings of ENV, in an instance of its own."""
    from toolkit.deploy.operations import commands

    raise SystemExit(commands.shell(project(c), env, e))


@task(iterable=["e"])
def connect(c: Context, env: str, what: str, e: list[str], port: int = 0) -> None:
    """Open a tunnel to the database of ENV (WHAT is `db`) until Ctrl-C, and print the psql command for it."""
    from toolkit.deploy.operations import commands

    raise SystemExit(commands.connect(project(c), env, e, what, port))


@task(name="set", iterable=["e"])
def secret_set(c: Context, env: str, key: str, e: list[str]) -> None:
    """Store a secret variable of ENV; its value is read from the standard input, and shown nowhere."""
    from toolkit.deploy.operations import commands

    raise SystemExit(commands.set_secret(project(c), env, e, key))


@task(iterable=["e"], help={"yes": "the name of ENV, instead of the question"})
def remove(c: Context, env: str, e: list[str], yes: str = "", database: bool = False) -> None:
    """Delete the service from ENV: lists what would be deleted, and asks for the name of ENV; the database stays.

    --database deletes the database of ENV too, if the toolkit runs it.
    """
    from toolkit.deploy.operations import commands

    raise SystemExit(commands.remove(project(c), env, e, yes=yes, database=database))


namespace = Collection(restart, scale, shell, connect, remove)
namespace.add_collection(Collection("secrets", secret_set))
