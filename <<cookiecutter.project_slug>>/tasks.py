"""The developer's commands: `python3 tasks.py TASK`, or `invoke TASK` inside the virtual environment."""

from pathlib import Path

from dev import bootstrap

HERE = Path(__file__).resolve().parent
bootstrap.enter(HERE)

from invoke import Collection, Context, Program, task


@task
def setup(_: Context) -> None:
    """Make this checkout ready to work in: environment, lock file, first revision, git."""
    from dev import setup

    setup.run(HERE)


@task
def dev(_: Context, port: int = 8000, fresh: bool = False, allow_destructive: bool = False) -> None:
    """Serve on an embedded PostgreSQL (--fresh erases it first), or on DATABASE_URL; saving a file restarts it."""
    from dev import server

    server.serve(HERE, port, fresh=fresh, allow_destructive=allow_destructive)


@task(default=True, name="all")
def test_all(_: Context, k: str = "") -> None:
    """Run every test, with the coverage gate; what is left out is named with the reason."""
    from dev import testing

    testing.run(HERE, only=k)


@task
def unit(_: Context, k: str = "") -> None:
    """Run the tests that need nothing but Python."""
    from dev import testing

    testing.run(HERE, "unit", only=k)


@task
def integration(_: Context, k: str = "") -> None:
    """Run the tests of the API on a real PostgreSQL."""
    from dev import testing

    testing.run(HERE, "integration", only=k)


@task
def e2e(_: Context, k: str = "") -> None:
    """Run the tests of a running service: BASE_URL, or one that they start."""
    from dev import testing

    testing.run(HERE, "e2e", only=k)


@task
def lint(_: Context) -> None:
    """Check style, imports, security and types."""
    from dev import checks

    checks.lint(HERE)


@task(name="format")
def format_code(_: Context) -> None:
    """Format the code and mend what can be mended without thought."""
    from dev import checks

    checks.format_code(HERE)


@task(default=True, name="up")
def migrate(_: Context, revision: str = "head", allow_destructive: bool = False) -> None:
    """Upgrade the database (the embedded one, or DATABASE_URL); asks before a revision erases rows."""
    from dev import migrations

    migrations.upgrade(HERE, revision, allow_destructive=allow_destructive)


@task(name="new")
def migrate_new(_: Context, message: str) -> None:
    """Write the revision for what has changed in the models."""
    from dev import new_revision

    print(new_revision.new(message, HERE) or "The revisions have everything that the models have.")


@task(name="merge")
def migrate_merge(_: Context) -> None:
    """Write the revision that joins two heads, after a git merge of two branches with a revision each."""
    from dev import migrations

    print(migrations.merge(HERE) or "There is one head: nothing to merge.")


@task(name="lint")
def migrate_lint(_: Context) -> None:
    """Read the revisions' SQL for statements that would block or break a running service."""
    from dev import revision_lint

    revision_lint.lint(HERE)


@task(name="add")
def resource_add(_: Context, line: str, check: bool = False) -> None:
    """Add a resource from its line, with its revision: "review: stars:int>=1<=5 text:text?"."""
    from dev import resources

    resources.add(HERE, line, check=check)


@task
def openapi(_: Context, check: bool = False) -> None:
    """Write docs/openapi.json, or with --check say whether it is up to date."""
    from dev import openapi

    openapi.write(HERE, check=check)


@task(iterable=["profile"])
def up(_: Context, profile: list[str]) -> None:
    """Serve in containers with their own database; --profile tools adds pgAdmin, --profile observability the rest."""
    from deploy import containers

    raise SystemExit(containers.up(HERE, profiles=profile))


@task
def down(_: Context, volumes: bool = False) -> None:
    """Remove the containers of `up`; --volumes removes their data, too."""
    from deploy import containers

    raise SystemExit(containers.down(HERE, volumes=volumes))


@task(iterable=["e"])
def logs(_: Context, e: list[str], service: str = "", follow: bool = False, lines: int = 100, env: str = "") -> None:
    """Print the logs of the containers of `up`, or with --env ENV those of the pods; --follow continues."""
    from deploy import containers

    raise SystemExit(containers.logs(HERE, service, follow=follow, lines=lines, env=env, extra=e))


@task
def verify(_: Context, base_url: str = "", tests: bool = False, json: bool = False) -> None:
    """Run the review checklist on the containers of `up`; --tests adds the whole suite, which takes minutes.

    With --base-url URL it checks a deployed service from outside (TOKEN).
    """
    from deploy import containers

    raise SystemExit(containers.verify(HERE, url=base_url, tests=tests, as_json=json))


@task
def build(_: Context, check: bool = False, sbom: bool = False, platform: str = "") -> None:
    """Build the image, unless there is one of this content; --check says so, --sbom lists its parts, --platform A,B."""
    from deploy import containers

    raise SystemExit(containers.build(HERE, check=check, sbom=sbom, platform=platform))


@task
def push(_: Context, check: bool = False, platform: str = "") -> None:
    """Push the image, unless the registry has one of this content; prints its digest."""
    from deploy import containers

    raise SystemExit(containers.push(HERE, check=check, platform=platform))


@task(iterable=["e"])
def deploy(
    _: Context,
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
) -> None:
    """Release this checkout to ENV: image, migration, roll-out, smoke test; undone with the reason when it fails.

    --check plans and stops (--diff shows the changes, --exit-code ends with 2 when there are any); -e KEY=VALUE sets a
    key of the inventory; --explain prints where each value came from; --render DIR writes the objects as files.
    --correct-drift undoes what others have changed, --allow-older releases an earlier commit than the one that runs,
    --allow-destructive runs a migration that breaks the version that still serves.
    """
    from deploy import commands

    flags = {"check": check, "diff": diff, "yes": yes, "exit_code": exit_code}
    flags |= {"allow_destructive": allow_destructive, "correct_drift": correct_drift, "allow_older": allow_older}
    raise SystemExit(commands.deploy_task(HERE, env, flags, e, as_json=json, explain=explain, render=render))


@task(iterable=["e"])
def rollback(
    _: Context, env: str, e: list[str], to: int = 0, check: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Bring back the last release of ENV that passed its smoke test, or release --to N."""
    from deploy import commands

    raise SystemExit(commands.rollback(HERE, env, {"check": check, "yes": yes}, e, to=to or None, as_json=json))


@task(iterable=["e"])
def history(_: Context, env: str, e: list[str], json: bool = False) -> None:
    """List the releases of ENV: number, time, outcome, image, schema, who."""
    from deploy import commands

    raise SystemExit(commands.history(HERE, env, e, as_json=json))


@task(iterable=["e"])
def status(_: Context, env: str, e: list[str], json: bool = False) -> None:
    """Show what runs in ENV, and which version answers."""
    from deploy import commands

    raise SystemExit(commands.status(HERE, env, e, as_json=json))


@task(iterable=["e"])
def doctor(_: Context, env: str, e: list[str], json: bool = False) -> None:
    """Look at everything that a deploy to ENV needs, each line with its fix; changes nothing."""
    from deploy import commands

    raise SystemExit(commands.doctor(HERE, env, e, as_json=json))


# % if cookiecutter.auth == "jwt"
@task(iterable=["scope"])
def token(_: Context, scope: list[str], all: bool = False) -> None:
    """Print a token for development, with the scopes named or with --all."""
    from dev import tokens

    tokens.show(scope, everything=all)


# % endif
namespace = Collection(
    setup,
    dev,
    lint,
    format_code,
    openapi,
    up,
    down,
    logs,
    verify,
    build,
    push,
    deploy,
    rollback,
    history,
    status,
    doctor,
)
namespace.add_collection(Collection("test", test_all, unit, integration, e2e))
namespace.add_collection(Collection("migrate", migrate, migrate_new, migrate_merge, migrate_lint))
namespace.add_collection(Collection("resource", resource_add))
# % if cookiecutter.auth == "jwt"
namespace.add_task(token)
# % endif

if __name__ == "__main__":
    Program(name="tasks", binary="python3 tasks.py", namespace=namespace).run()
