"""Tasks of an environment: release, roll back, look."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task(iterable=["e"])
def deploy(
    c: Context,
    env: str,
    e: list[str],
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    json: bool = False,
    exit_code: bool = False,
    allow_destructive: bool = False,
    correct_drift: bool = False,
    allow_older: bool = False,
    explain: bool = False,
    render: str = "",
    page: str = "",
) -> None:
    """Release this checkout to ENV: image, migration, roll-out, smoke test; a failed release is rolled back.

    --check only plans (--diff shows the changes, --exit-code exits with 2 if there are any); -e KEY=VALUE sets a key of
    the inventory; --explain prints the origin of each value; --render DIR writes the objects as files. --correct-drift
    reverts changes made by others, --allow-older releases an earlier commit than the running one, --allow-destructive
    runs a migration that breaks the running version. --page FILE writes the time line, verdict and evidence as HTML.
    """
    from toolkit.deploy import cli

    flags = {"check": check, "diff": diff, "yes": yes, "exit_code": exit_code}
    flags |= {"allow_destructive": allow_destructive, "correct_drift": correct_drift, "allow_older": allow_older}
    raise SystemExit(
        cli.deploy_task(project(c), env, flags, e, as_json=json, explain=explain, render=render, page=page)
    )


@task(iterable=["e"])
def rollback(
    c: Context,
    env: str,
    e: list[str],
    to: int = 0,
    check: bool = False,
    yes: bool = False,
    json: bool = False,
    allow_destructive: bool = False,
    page: str = "",
) -> None:
    """Roll back to the last release of ENV that passed its smoke test, or to release --to N.

    --allow-destructive goes back across a migration that broke the older code. --page FILE as in deploy.
    """
    from toolkit.deploy import cli

    flags = {"check": check, "yes": yes, "allow_destructive": allow_destructive}
    raise SystemExit(cli.rollback(project(c), env, flags, e, to=to or None, as_json=json, page=page))


@task(iterable=["e"])
def history(c: Context, env: str, e: list[str], json: bool = False) -> None:
    """List the releases of ENV: number, time, outcome, image, schema, user."""
    from toolkit.deploy import cli

    raise SystemExit(cli.history(project(c), env, e, as_json=json))


@task(iterable=["e"])
def status(c: Context, env: str, e: list[str], json: bool = False) -> None:
    """Show the running release of ENV, and the version that answers requests."""
    from toolkit.deploy import cli

    raise SystemExit(cli.status(project(c), env, e, as_json=json))


@task(iterable=["e"])
def doctor(c: Context, env: str, e: list[str], json: bool = False) -> None:
    """Check the requirements of a deploy to ENV and print a fix for each missing one; changes nothing."""
    from toolkit.deploy import cli

    raise SystemExit(cli.doctor(project(c), env, e, as_json=json))


@task(iterable=["e"])
def provision(c: Context, env: str, e: list[str], yes: bool = False) -> None:
    """Print what the hosts of ENV lack for deploys (place: machine), or with --yes install it by sudo."""
    from toolkit.deploy import cli

    raise SystemExit(cli.provision(project(c), env, e, yes=yes))


namespace = Collection(deploy, rollback, history, status, doctor, provision)
