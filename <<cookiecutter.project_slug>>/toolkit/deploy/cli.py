"""Functions behind the tasks; each returns the exit code of the process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import report
from toolkit.deploy.inventory import load
from toolkit.deploy.outcomes import Exit, Failed
from toolkit.deploy.release import history as releases
from toolkit.deploy.targets import guarded, note_near_misses, with_target

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places import Place
    from toolkit.deploy.release.state import Target


def deploy_task(
    project: Path,
    name: str,
    flags: Mapping[str, bool],
    extra: Sequence[str],
    *,
    as_json: bool,
    explain: bool,
    render: str,
    page: str = "",
) -> int:
    """The task `deploy`; --explain and --render do not need a cluster."""
    if explain:
        return explained(project, name, extra)
    return (
        rendered(project, name, Path(render), extra)
        if render
        else deploy(project, name, flags, extra, as_json=as_json, page=page)
    )


def deploy(
    project: Path,
    name: str,
    flags: Mapping[str, bool],
    extra: Sequence[str] = (),
    *,
    as_json: bool = False,
    page: str = "",
) -> int:
    """Release this checkout to the environment. `page`: a file for the deploy page."""
    from toolkit.deploy.release import runner
    from toolkit.deploy.release.state import Known
    from toolkit.deploy.release.steps.apply import Apply
    from toolkit.deploy.release.steps.canary import Canary
    from toolkit.deploy.release.steps.config import Config
    from toolkit.deploy.release.steps.image import Image
    from toolkit.deploy.release.steps.migrate import Migrate
    from toolkit.deploy.release.steps.preflight import Preflight
    from toolkit.deploy.release.steps.record import Record
    from toolkit.deploy.release.steps.rollout import Rollout
    from toolkit.deploy.release.steps.smoke import Smoke
    from toolkit.deploy.release.undo import undo

    def run(target: Target) -> int:
        target.report.play(f"deploy {target.service} to {name} ({target.environment.driver})")
        if target.checkout:
            commit = (f"commit {target.checkout.commit}", target.checkout.changes)
            target.report.note("; ".join(filter(None, commit)))
        canary = [Canary()] if target.environment.canary_weights else []
        steps = [Preflight(), Image(), Config(), Migrate(), *canary, Apply(), Rollout(), Smoke(), Record()]
        return runner.run(target, Known(), steps, undo)

    def beside(environment: Environment) -> AbstractContextManager[None]:
        from toolkit.deploy.image import build

        given = environment.image or flags.get("check")
        return nullcontext() if given else build.layers_ahead(project, environment.platforms)

    return with_target(project, name, extra, flags, run, as_json=as_json, page=page, beside=beside, judges=True)


def rollback(
    project: Path,
    name: str,
    flags: Mapping[str, bool],
    extra: Sequence[str] = (),
    *,
    to: int | None = None,
    as_json: bool = False,
    page: str = "",
) -> int:
    """Roll back to an earlier release, without changing the schema: an older image does not have newer revisions."""
    from toolkit.deploy.release import runner, schemas
    from toolkit.deploy.release.kept_images import require_image
    from toolkit.deploy.release.state import Known
    from toolkit.deploy.release.steps.apply import Apply
    from toolkit.deploy.release.steps.config import Config
    from toolkit.deploy.release.steps.preflight import Preflight
    from toolkit.deploy.release.steps.record import Record
    from toolkit.deploy.release.steps.rollout import Rollout
    from toolkit.deploy.release.steps.smoke import Smoke
    from toolkit.deploy.release.undo import undo

    def run(target: Target) -> int:
        chosen = releases.rollback_target(target.place.records(), target.place.running_digest(), to)
        require_image(target, chosen)
        schema = schemas.of_database(target)
        fit = schemas.require_fitting(target, f"the code of release {chosen.number}", chosen.image_schema, schema)
        target.report.play(f"rollback {target.service} in {name} to release {chosen.number} ({chosen.digest[:19]})")
        if fit:
            target.report.note(fit)
        known = Known(
            digest=chosen.digest,
            image_schema=chosen.image_schema,
            schema_before=schema,
            again=chosen,
            revision=chosen.helm_revision,
        )
        return runner.run(target, known, [Preflight(), Config(), Apply(), Rollout(), Smoke(), Record()], undo)

    return with_target(project, name, extra, flags, run, as_json=as_json, page=page)


def history(project: Path, name: str, extra: Sequence[str] = (), *, as_json: bool = False) -> int:
    """List the releases in the history, the newest last."""
    from toolkit.deploy.release.status import history_lines

    def run(target: Target) -> int:
        from toolkit.deploy.image import registry

        lost = registry.gone(record.image for record in target.place.records() if record.good)
        return _print(history_lines(target.place.records(), lost, as_json=as_json))

    return with_target(project, name, extra, {}, run, living=False)


def status(project: Path, name: str, extra: Sequence[str] = (), *, as_json: bool = False) -> int:
    """Show the running version, and whether it is the last release."""
    from toolkit.deploy.release.status import status_lines

    return with_target(project, name, extra, {}, lambda target: _print(status_lines(target, as_json=as_json)))


def logs(project: Path, name: str, extra: Sequence[str] = (), *, lines: int = 50) -> int:
    """Print the newest log lines of every pod, each with its pod's name."""
    return with_target(project, name, extra, {}, lambda target: _print(target.place.logs(lines)), living=False)


def doctor(project: Path, name: str, extra: Sequence[str] = (), *, as_json: bool = False) -> int:
    """Check all requirements of a deploy without changing anything; without a cluster, those that do not need one."""
    from toolkit.deploy.places.choose import closed_place, open_place
    from toolkit.deploy.release import doctor as checks

    def look(service: str, environment: Environment, shown: report.Report) -> Place:
        try:
            return open_place(project, service, environment, shown, pinned=False)
        except Failed as error:
            return closed_place(project, service, environment, shown, error)

    return with_target(project, name, extra, {}, checks.run, as_json=as_json, place_of=look, living=False, judges=True)


def rendered(project: Path, name: str, folder: Path, extra: Sequence[str] = ()) -> int:
    """Write the objects as files, for `kubectl apply -k` and GitOps. Needs an image by digest, but no cluster."""
    from toolkit.deploy.places.choose import closed_place
    from toolkit.deploy.release.render import write

    shown = report.make()
    note_near_misses(shown)

    def run() -> int:
        environment, service = load.load(project, name, extra), load.facts(project).name
        place = closed_place(project, service, environment, shown)
        return _print(write(project, service, environment, place, folder, os.environ))

    return guarded(run)


def provision(project: Path, name: str, extra: Sequence[str] = (), *, yes: bool = False) -> int:
    """Print or install what the hosts of an environment lack. Raises Failed NO_HOSTS for one without."""
    from toolkit.deploy.places import choose

    shown = report.make()
    return guarded(lambda: choose.provision(project, load.load(project, name, extra), shown, yes=yes), shown)


def explained(project: Path, name: str, extra: Sequence[str] = ()) -> int:
    """Print every key of the environment with its origin."""
    note_near_misses(report.make())
    return guarded(lambda: _print([load.explain(project, name, extra)]))


def logged_in(project: Path) -> int:
    """Log in to the registry of the image by the identity of the pipeline's job."""
    from toolkit.deploy.image import identity_login

    def run() -> int:
        made = identity_login.login(load.facts(project).image)
        return _print([f"logged in to {made.host} by the identity of this job"])

    return guarded(run)


def _print(lines: Sequence[str]) -> int:
    for line in lines:
        print(line)
    return Exit.OK
