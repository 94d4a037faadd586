"""The tasks of every service; each calls the module that does the work.

The service's own tasks.py passes them to invoke, with the service's folder as `project` in their configuration.
"""

from pathlib import Path

from invoke import Collection, Context, task


def project(c: Context) -> Path:
    """Return the service's folder."""
    return Path(c.config["project"])


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


@task(name="run")
def run_module(c: Context, module: str) -> None:
    """Run a module of the service, such as app.commands.NAME, on the database of `dev` or on DATABASE_URL."""
    from toolkit.dev import run

    raise SystemExit(run.run(project(c), module))


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


@task(default=True, name="up")
def migrate(c: Context, revision: str = "head", allow_destructive: bool = False) -> None:
    """Upgrade the database (the embedded one, or DATABASE_URL); ask before a revision erases rows."""
    from toolkit.dev.migrations import upgrade

    upgrade.upgrade(project(c), revision, allow_destructive=allow_destructive)


@task(name="new", iterable=["backfill", "rename", "map"])
def migrate_new(
    c: Context, message: str, backfill: list[str], rename: list[str], map: list[str], empty: bool = False
) -> None:
    """Write the revision for the changes in the models, in a form that the running version survives.

    --backfill TABLE.COLUMN=SQL gives existing rows a value; --rename TABLE.OLD=NEW or --rename OLD=NEW (a table) keeps
    the data of what was renamed; --map TABLE.COLUMN:OLD=NEW replaces a removed value. --empty writes a revision without
    statements, to be written by hand.
    """
    from toolkit.dev.alone import alone
    from toolkit.dev.migrations import intents, new_revision, upgrade

    meant = intents.parsed(backfills=backfill, renames=rename, maps=map)
    with alone(project(c)):
        written = upgrade.empty(project(c), message) if empty else new_revision.new(message, project(c), meant)
    print(written or "The revisions match the models; no new revision is needed.")


@task(name="contract")
def migrate_contract(c: Context) -> None:
    """Write the revision that finishes earlier changes, listed as [[contract]] in service.toml."""
    from toolkit.dev.alone import alone
    from toolkit.dev.migrations import new_revision

    with alone(project(c)):
        written = new_revision.contract("contract", project(c))
    print(written or "No change is outstanding; nothing to contract.")


@task(name="merge")
def migrate_merge(c: Context) -> None:
    """Write the revision that joins two heads, after a git merge of two branches that each added a revision."""
    from toolkit.dev.migrations import upgrade

    print(upgrade.merge(project(c)) or "There is only one head; nothing to merge.")


@task(name="lint")
def migrate_lint(c: Context, since: str = "", all: bool = False) -> None:
    """Check the SQL of unreleased revisions for statements that would block or break a running service.

    Unreleased are those that the default branch lacks, or with --since those after a revision or commit; --all checks
    every revision.
    """
    from toolkit.dev.migrations import lint as revision_lint

    revision_lint.lint(project(c), since, every=all)


@task(name="add")
def resource_add(c: Context, line: str, check: bool = False, diff: bool = False, conflicts: bool = False) -> None:
    """Add a resource from its line, with its revision: "review: stars:int>=1<=5 text:text?".

    --check only shows what would be written (exit code 2 if anything would), --diff the differences.
    """
    from toolkit.dev import resources

    resources.add(project(c), line, resources.Options(check, diff, conflicts))


@task(name="change", iterable=["backfill", "map"])
def resource_change(
    c: Context,
    name: str,
    edit: str,
    backfill: list[str],
    map: list[str],
    check: bool = False,
    diff: bool = False,
    conflicts: bool = False,
) -> None:
    """Change a resource: "+sku:str(..40)? -legacy price:decimal(12,2)>0 status:enum(+refunded -lost) total->amount".

    The files change with it, and your edits are merged; where both change the same lines, nothing is written, and the
    exit code is 3 (--conflicts writes them with marks). --backfill FIELD=SQL gives existing rows a value, --map
    FIELD:old=new replaces a removed value. --check and --diff as in resource.add.
    """
    from toolkit.dev import resources

    resources.change(project(c), name, edit, backfill, map, resources.Options(check, diff, conflicts))


@task(name="rename")
def resource_rename(
    c: Context, old: str, new: str, check: bool = False, diff: bool = False, conflicts: bool = False
) -> None:
    """Rename a resource, NEW or NEW/PLURAL: its files, table, path and scopes; references follow.

    --check, --diff and --conflicts as in resource.change.
    """
    from toolkit.dev import resources

    resources.rename(project(c), old, new, resources.Options(check, diff, conflicts))


@task(name="remove")
def resource_remove(
    c: Context, name: str, check: bool = False, diff: bool = False, delete_edited: bool = False
) -> None:
    """Remove a resource and its files; refused while another refers to it, or if files have your edits.

    --delete-edited deletes these too. --check and --diff as in resource.add.
    """
    from toolkit.dev import resources

    resources.remove(project(c), name, resources.Options(check, diff, delete_edited=delete_edited))


@task(name="sync", iterable=["rename", "backfill", "map"])
def resource_sync(
    c: Context,
    rename: list[str],
    backfill: list[str],
    map: list[str],
    check: bool = False,
    diff: bool = False,
    conflicts: bool = False,
    delete_edited: bool = False,
) -> None:
    """Make files, revision and docs/openapi.json as the resource lines in service.toml say, also after a git merge.

    --rename RESOURCE.OLD=NEW (a field) or OLD=NEW (a resource), --backfill RESOURCE.FIELD=SQL and --map
    RESOURCE.FIELD:old=new say what the lines cannot. The other options as in resource.change and resource.remove.
    """
    from toolkit.dev import resource_options, resources

    given = resource_options.Given(rename, backfill, map)
    resources.sync(project(c), given, resources.Options(check, diff, conflicts, delete_edited))


@task(name="update", iterable=["answer"], help={"from": "the template's address instead of the recorded one"})
def template_update(c: Context, answer: list[str], to: str = "", from_: str = "", check: bool = False) -> None:
    """Merge the changes of the template; --to TAG, --from ADDRESS, --answer QUESTION=ANSWER to change an answer.

    --check only reports whether the template has moved on: exit code 2, and the changelog.
    """
    from toolkit.dev import template_update

    raise SystemExit(template_update.run(project(c), to=to, address=from_, answers=answer, check=check))


@task(name="propose", help={"from": "the template's address instead of the recorded one"})
def template_propose(c: Context, to: str = "", from_: str = "") -> None:
    """Open a pull request with the changes of the template, or a merge request; a scheduled job of the pipeline."""
    from toolkit.dev.proposal import propose

    raise SystemExit(propose.run(project(c), to=to, address=from_))


@task
def openapi(c: Context, check: bool = False) -> None:
    """Write docs/openapi.json; with --check, only check that it is up to date."""
    from toolkit.dev import openapi

    openapi.write(project(c), check=check)


@task(iterable=["profile"])
def up(c: Context, profile: list[str]) -> None:
    """Serve in containers with their own database; --profile tools adds pgAdmin, --profile observability the rest."""
    from toolkit.deploy import container_cli

    raise SystemExit(container_cli.up(project(c), profiles=profile))


@task
def down(c: Context, volumes: bool = False) -> None:
    """Remove the containers of `up`; --volumes also removes their data."""
    from toolkit.deploy import container_cli

    raise SystemExit(container_cli.down(project(c), volumes=volumes))


@task(iterable=["e"])
def logs(c: Context, e: list[str], service: str = "", follow: bool = False, lines: int = 100, env: str = "") -> None:
    """Print the logs of the containers of `up`, or with --env ENV those of the pods; --follow streams them."""
    from toolkit.deploy import container_cli

    raise SystemExit(container_cli.logs(project(c), service, follow=follow, lines=lines, env=env, extra=e))


@task
def verify(c: Context, base_url: str = "", tests: bool = False, json: bool = False) -> None:
    """Run the review checklist on the containers of `up`; --tests adds the whole test suite, which takes minutes.

    With --base-url URL, check a deployed service from outside (with TOKEN).
    """
    from toolkit.deploy import container_cli

    raise SystemExit(container_cli.verify(project(c), url=base_url, tests=tests, as_json=json))


@task
def build(c: Context, check: bool = False, sbom: bool = False, platform: str = "") -> None:
    """Build the image unless it is up to date; --check only checks that, --sbom lists its parts, --platform A,B."""
    from toolkit.deploy import container_cli

    raise SystemExit(container_cli.build(project(c), check=check, sbom=sbom, platform=platform))


@task
def push(c: Context, check: bool = False, platform: str = "") -> None:
    """Push the image unless the registry has it already; print its digest."""
    from toolkit.deploy import container_cli

    raise SystemExit(container_cli.push(project(c), check=check, platform=platform))


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
) -> None:
    """Release this checkout to ENV: image, migration, roll-out, smoke test; a failed release is rolled back.

    --check only plans (--diff shows the changes, --exit-code exits with 2 if there are any); -e KEY=VALUE sets a key of
    the inventory; --explain prints the origin of each value; --render DIR writes the objects as files. --correct-drift
    reverts changes made by others, --allow-older releases an earlier commit than the running one, --allow-destructive
    runs a migration that breaks the running version.
    """
    from toolkit.deploy import cli

    flags = {"check": check, "diff": diff, "yes": yes, "exit_code": exit_code}
    flags |= {"allow_destructive": allow_destructive, "correct_drift": correct_drift, "allow_older": allow_older}
    raise SystemExit(cli.deploy_task(project(c), env, flags, e, as_json=json, explain=explain, render=render))


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
) -> None:
    """Roll back to the last release of ENV that passed its smoke test, or to release --to N.

    --allow-destructive goes back across a migration that broke the older code.
    """
    from toolkit.deploy import cli

    flags = {"check": check, "yes": yes, "allow_destructive": allow_destructive}
    raise SystemExit(cli.rollback(project(c), env, flags, e, to=to or None, as_json=json))


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


@task(iterable=["scope"])
def token(c: Context, scope: list[str], all: bool = False) -> None:
    """Print a token for development, with the given scopes or with --all."""
    from toolkit.dev import service

    raise SystemExit(service.run(project(c), "token", *scope, *(["--all"] if all else [])))


namespace = Collection(
    setup,
    dev,
    run_module,
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
namespace.add_collection(Collection("migrate", migrate, migrate_new, migrate_contract, migrate_merge, migrate_lint))
namespace.add_collection(
    Collection("resource", resource_add, resource_change, resource_rename, resource_remove, resource_sync)
)
namespace.add_collection(Collection("template", template_update, template_propose))
