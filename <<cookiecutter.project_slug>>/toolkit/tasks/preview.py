"""Tasks of previews: short-lived environments of a branch."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


@task(default=True, name="up", iterable=["e"], help={"base": "the environment whose keys it takes"})
def preview(c: Context, name: str, e: list[str], base: str = "staging", json: bool = False) -> None:
    """Release this checkout to a preview, NAME after its branch: with a database of its own and an address."""
    from toolkit.deploy.operations import previews

    raise SystemExit(previews.deploy(project(c), name, base, e, as_json=json))


@task(name="remove", iterable=["e"])
def preview_remove(c: Context, name: str, e: list[str], base: str = "staging") -> None:
    """Delete a preview with its database."""
    from toolkit.deploy.operations import previews

    raise SystemExit(previews.remove(project(c), name, base, e))


@task(name="list", iterable=["e"])
def preview_list(c: Context, e: list[str], base: str = "staging") -> None:
    """List the previews with their ends."""
    from toolkit.deploy.operations import previews

    raise SystemExit(previews.listed(project(c), base, e))


@task(name="expire", iterable=["e"])
def preview_expire(c: Context, e: list[str], base: str = "staging") -> None:
    """Delete the previews whose time is over (`preview.days` in the inventory); for a schedule of the pipeline."""
    from toolkit.deploy.operations import previews

    raise SystemExit(previews.expire(project(c), base, e))


namespace = Collection("preview", preview, preview_remove, preview_list, preview_expire)
