"""Tasks of migrations: upgrade a database, write and check revisions."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


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
    from toolkit.dev.alone import alone
    from toolkit.dev.migrations import upgrade

    with alone(project(c)):
        written = upgrade.merge(project(c))
    print(written or "There is only one head; nothing to merge.")


@task(name="lint")
def migrate_lint(c: Context, since: str = "", all: bool = False) -> None:
    """Check the SQL of unreleased revisions for statements that would block or break a running service.

    Unreleased are those that the default branch lacks, or with --since those after a revision or commit; --all checks
    every revision.
    """
    from toolkit.dev.migrations import lint as revision_lint

    revision_lint.lint(project(c), since, every=all)


namespace = Collection("migrate", migrate, migrate_new, migrate_contract, migrate_merge, migrate_lint)
