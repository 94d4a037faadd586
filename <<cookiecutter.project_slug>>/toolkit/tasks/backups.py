"""Tasks of a database that the toolkit runs: back up, list, restore."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task(iterable=["e"])
def backup(c: Context, env: str, e: list[str]) -> None:
    """Back up the database of ENV on its host (`database` in the inventory); it counts after a restore as a check."""
    from toolkit.deploy.operations import backups

    raise SystemExit(backups.backup(project(c), env, e))


@task(name="backups", iterable=["e"])
def backups_list(c: Context, env: str, e: list[str], json: bool = False) -> None:
    """List the backups of ENV: number, time, size, schema, reason."""
    from toolkit.deploy.operations import backups

    raise SystemExit(backups.listed(project(c), env, e, as_json=json))


@task(iterable=["e"], help={"yes": "the name of ENV, instead of the question"})
def restore(c: Context, env: str, number: str, e: list[str], yes: str = "") -> None:
    """Replace the database of ENV with its backup NUMBER; asks for the name of ENV. Refuses a broken backup."""
    from toolkit.deploy.operations import backups

    raise SystemExit(backups.restore(project(c), env, e, number, yes=yes))


namespace = Collection(backup, backups_list, restore)
