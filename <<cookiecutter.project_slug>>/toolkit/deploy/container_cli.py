"""Functions behind the tasks on containers, each with its exit code; `tasks.py` calls one for each task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from toolkit.deploy import report
from toolkit.deploy.targets import guarded


def build(project: Path, *, check: bool, sbom: bool, platform: str) -> int:
    from toolkit.deploy.image import build as image

    shown = report.make()

    def run() -> int:
        image.build(project, shown, check=check, platforms=_platforms(platform))
        return image.write_sbom(project, shown) if sbom and not check else 0

    return guarded(run, shown)


def push(project: Path, *, check: bool, platform: str) -> int:
    from toolkit.deploy.image import build as image

    shown = report.make()
    return guarded(lambda: image.push(project, shown, check=check, platforms=_platforms(platform)), shown)


def up(project: Path, *, profiles: Sequence[str]) -> int:
    from toolkit.deploy.compose import up as compose

    shown = report.make()
    return guarded(lambda: compose.up(project, shown, profiles), shown)


def down(project: Path, *, volumes: bool) -> int:
    from toolkit.deploy.compose import up as compose

    shown = report.make()
    return guarded(lambda: compose.down(project, shown, volumes=volumes), shown)


def logs(project: Path, service: str, *, follow: bool, lines: int, env: str, extra: Sequence[str]) -> int:
    from toolkit.deploy import cli
    from toolkit.deploy.compose import up as compose

    if env:
        return cli.logs(project, env, extra, lines=lines)
    return guarded(lambda: compose.logs(project, service, follow=follow, lines=lines))


def verify(project: Path, *, url: str, tests: bool, as_json: bool) -> int:
    from toolkit.deploy.verify import run as checklist

    shown = report.make(as_json=as_json)

    def run() -> int:
        return checklist.verify_served(project, shown, url) if url else checklist.verify(project, shown, tests=tests)

    return guarded(run, shown)


def _platforms(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
