"""Functions behind the tasks of previews: short-lived environments of a branch, each with a database of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import cli
from toolkit.deploy.image import ci_outputs
from toolkit.deploy.interrupts import Interrupted, Signals
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.machine import DATABASE_URL
from toolkit.deploy.inventory.preview import name_of
from toolkit.deploy.operations.preview_keys import pairs_of
from toolkit.deploy.outcomes import Exit
from toolkit.deploy.places.choose import previews_of
from toolkit.deploy.targets import guarded, with_target
from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.release.state import Target


def deploy(project: Path, branch: str, base: str, extra: Sequence[str], *, as_json: bool) -> int:
    """Release this checkout to the preview of a branch; made if it is missing, otherwise kept with its data."""
    address: list[str] = []

    def prepare(target: Target) -> int:
        env = target.environment
        target.report.play(f"preview {name_of(branch)} of {target.service} ({target.place.name})")
        previews = previews_of(target.place, env, name_of(branch))
        until = datetime.now(UTC) + timedelta(days=env.preview.days)
        target.report.note(previews.prepare(until, secrets_given(env, os.environ)))
        address.append(previews.address())
        return Exit.OK

    code = _with_preview(project, branch, base, extra, prepare, as_json=as_json)
    if code == Exit.OK:
        pairs: list[str] = []
        code = guarded(lambda: pairs.extend(_pairs(project, branch, base, extra)) or Exit.OK)
        code = code or cli.deploy(project, base, {"yes": True}, pairs, as_json=as_json)
    if code == Exit.OK:
        print(json.dumps({"event": "preview", "address": address[0]}) if as_json else f"preview: {address[0]}")
        if address[0].startswith("http"):
            ci_outputs.tell(preview=address[0])
    return code


def remove(project: Path, branch: str, base: str, extra: Sequence[str]) -> int:
    """Delete the preview of a branch with its database; nothing to do without one."""

    def delete(target: Target) -> int:
        removed = previews_of(target.place, target.environment, name_of(branch)).remove()
        target.report.note(f"preview {name_of(branch)} {'is removed' if removed else 'does not exist'}")
        return Exit.OK

    return _with_preview(project, branch, base, extra, delete)


def listed(project: Path, base: str, extra: Sequence[str]) -> int:
    """List the previews of this service."""

    def show(target: Target) -> int:
        for name, until in sorted(previews_of(target.place, target.environment, "").all()):
            print(f"{name:<32}{'expired' if until < datetime.now(UTC) else 'until'} {until.isoformat()}")
        return Exit.OK

    return with_target(project, base, extra, {}, show, living=False)


def expire(project: Path, base: str, extra: Sequence[str]) -> int:
    """Delete each preview whose time is over. A schedule of the pipeline calls this."""
    over: list[str] = []

    def look(target: Target) -> int:
        found = previews_of(target.place, target.environment, "").all()
        over.extend(expired(found, datetime.now(UTC)))
        return Exit.OK

    code = with_target(project, base, extra, {}, look, living=False)
    return code or max((remove(project, name, base, extra) for name in over), default=int(Exit.OK))


def expired(found: Sequence[tuple[str, datetime]], now: datetime) -> list[str]:
    """Pure."""
    return sorted(name for name, until in found if until < now)


def secrets_given(env: Environment, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets besides the database's: from the deployer's variables. The deploy reports missing ones."""
    names = [name for name in env.secret.names if name != DATABASE_URL]
    return {name: variables[name] for name in names if variables.get(name)}


def _pairs(project: Path, branch: str, base: str, extra: Sequence[str]) -> list[str]:
    service = load.facts(project).name
    return [*extra, *pairs_of(service, name_of(branch), load.load(project, base, extra))]


def _with_preview(
    project: Path, branch: str, base: str, extra: Sequence[str], act: Callable[[Target], int], *, as_json: bool = False
) -> int:
    """Act on the preview's own environment. An interruption leaves what is made; the next run continues."""

    def begin(target: Target) -> int:
        try:
            with Signals(), target.place.explained():
                return act(target)
        except Interrupted as interrupt:
            return SIGNALLED + interrupt.number

    def run() -> int:
        pairs = _pairs(project, branch, base, extra)
        return with_target(project, base, pairs, {}, begin, as_json=as_json)

    return guarded(run)
