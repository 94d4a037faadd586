"""Tasks of resources: add, change, rename, remove, sync."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


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


namespace = Collection("resource", resource_add, resource_change, resource_rename, resource_remove, resource_sync)
