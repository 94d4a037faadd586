"""Tasks of the template: take up its changes."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


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


namespace = Collection("template", template_update, template_propose)
