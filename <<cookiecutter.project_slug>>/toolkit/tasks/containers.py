"""Tasks of containers on this machine, and of the image."""

from invoke import Collection, Context, task

from toolkit.tasks.project import project


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


namespace = Collection(up, down, logs, verify, build, push)
