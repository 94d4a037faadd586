"""`doctor ENV`: a play of read-only checks; each line that is not ok has a fix."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.deploy import migrations, process
from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import Exit, Failed, Result, Status
from toolkit.deploy.places.values import Finding
from toolkit.deploy.records import last_good
from toolkit.deploy.release import commits, settings

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

# The place's own lines stand where they are named here; those that are not, at the end.
ORDER = ("context", "namespace", "permissions", "checkout", "revisions", "inventory", "secret", "settings", "tools",
         "registry")  # fmt: skip


def run(target: Target) -> int:
    """Return 0 if everything is ready for a deploy, 6 otherwise. Changes nothing."""
    place = target.place
    target.report.play(f"doctor {target.service} in {target.environment.name}")
    good, unasked, of_place = True, place.unconnected, place.checks(target.unbuilt)
    own = {name: (lambda check=check: check(target)) for name, check in CHECKS.items()}
    checks = {"context": place.identify, **own, **of_place}
    with place.reading():
        for name in dict.fromkeys([*ORDER, *checks]):
            if name not in checks:
                continue
            if unasked and name in of_place:
                target.report.result(Result(name, Status.SKIPPED, 0.0, unasked))
                continue
            began = time.monotonic()
            finding = _asked(checks[name])
            good, unasked = good and finding.ok, unasked or finding.ends
            status = Status.SKIPPED if finding.skipped else (Status.OK if finding.ok else Status.FAILED)
            target.report.result(Result(name, status, time.monotonic() - began, finding.summary))
            for line in finding.lines:
                target.report.note(f"  {line}")
            for hint in filter(None, (finding.hint, *finding.hints)) if not finding.ok else ():
                target.report.note(f"fix: {hint}")
    return target.report.end(Exit.OK if good else Exit.REFUSED)


def _asked(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Failed as error:
        failure = error.failure
        return Finding(False, f"{failure.code}: {failure.message}", failure.hint, lines=failure.evidence)


def _secrets(target: Target) -> Mapping[str, str]:
    try:
        return target.secrets
    except Failed:  # reported by the place's own check of its secrets
        return {}


def service_settings(target: Target) -> Finding:
    """Check the pods' settings with the service's own code."""
    pods = settings.given(target.service, target.environment, _secrets(target), target.place.variables())
    judged = target.check.judge(pods)
    if not judged.problems:
        unknown = f"; not known yet: {', '.join(pods.hidden)}" if pods.hidden else ""
        return Finding(True, f"accepted by the service{unknown}", lines=judged.notes)
    failure = settings.refusal(target.environment, pods, judged, target.place.change_secret).failure
    hints = tuple(settings.fixes(target.environment, pods, judged, target.place.change_secret))
    return Finding(False, failure.message, lines=(*failure.evidence, *judged.notes), hints=hints)


def checkout(target: Target) -> Finding:
    """Show the commit that a deploy would release."""
    if target.environment.clean_checkout:
        commits.require_clean(target.checkout)
    if target.checkout is None:
        return Finding(True, "no commit found", skipped=True)
    changes = (target.checkout.changes,) if target.checkout.changed else ()
    return Finding(True, f"commit {target.checkout.commit}", lines=changes)


def inventory(target: Target) -> Finding:
    faults = target.place.findings()
    return Finding(
        not faults, "; ".join(fault.message for fault in faults) or "valid", "; ".join(fault.hint for fault in faults)
    )


def tools(target: Target) -> Finding:
    wanted = ["docker", *target.place.programs]
    missing = [name for name in wanted if shutil.which(name) is None]
    if missing:
        return Finding(False, f"not installed: {', '.join(missing)}", f"install {', '.join(missing)}")
    buildx = process.run(["docker", "buildx", "version"], seconds=20)
    if buildx.code:
        return Finding(False, "docker has no buildx", "install the docker-buildx plugin")
    versions = [f"buildx {buildx.out.split()[1]}"]
    if target.place.programs:
        versions.append(f"{target.place.programs[0]} {target.place.require_programs()}")
    return Finding(True, ", ".join(versions))


def image_registry(target: Target) -> Finding:
    """Check that this user may push: an upload is begun and cancelled, so nothing is written."""
    from toolkit.deploy.image.push_permission import try_push

    repository = target.environment.repository
    last = last_good(target.place.records())
    if last and registry.gone([last.image]):
        return Finding(
            False,
            f"{last.image} of release {last.number} is missing: a replaced pod could not start",
            "`python3 tasks.py push`, then deploy",
        )
    if target.environment.image:
        registry.resolve(repository, target.environment.image)
        return Finding(True, f"{repository} has the image")
    try_push(repository)
    return Finding(True, f"{repository} accepts a push")


def schema_revisions(target: Target) -> Finding:
    """Check the revisions as a deploy does. Raises Failed SEVERAL_HEADS, REVISIONS_UNUSABLE."""
    head = migrations.head(target.project)
    return Finding(True, f"head {head}" if head else "no revisions")


CHECKS: dict[str, Callable[[Target], Finding]] = {
    "checkout": checkout,
    "revisions": schema_revisions,
    "inventory": inventory,
    "settings": service_settings,
    "tools": tools,
    "registry": image_registry,
}
