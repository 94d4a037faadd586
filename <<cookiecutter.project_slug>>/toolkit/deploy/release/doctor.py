"""`doctor ENV`: a play of read-only checks; each line that is not ok has a fix."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NoReturn

from toolkit.deploy import process
from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import Exit, Failed, Result, Status
from toolkit.deploy.places.kubernetes import admission, connect, namespaces, quota_room, quotas, sources, unready
from toolkit.deploy.places.kubernetes.pod_failures import is_ready
from toolkit.deploy.places.kubernetes.retry import NotThere
from toolkit.deploy.release import checks, commits, migrations, settings
from toolkit.deploy.release import history as records_of
from toolkit.deploy.release.steps import rollout
from toolkit.deploy.release.steps.preflight import namespace_of

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

SKEW_SECONDS = 5


@dataclass(frozen=True)
class Finding:
    """One line. `lines`: its details. `hint`, then `hints`: the fixes, in order."""

    ok: bool
    said: str
    hint: str = ""
    skipped: bool = False
    lines: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    code: str = ""


class Unconnected:
    """Placeholder for an unreachable cluster: every request raises the reason."""

    def __init__(self, error: Failed) -> None:
        self._error = error

    @contextmanager
    def reading(self) -> Iterator[None]:
        yield

    def __getattr__(self, name: str) -> NoReturn:
        raise self._error


def run(target: Target) -> int:
    """Return 0 if everything is ready for a deploy, 6 otherwise. Changes nothing."""
    target.report.play(f"doctor {target.facts.name} in {target.environment.name}")
    good = True
    unasked = "no cluster" if isinstance(target.cluster, Unconnected) else ""
    target.namespace_missing = bool(unasked)
    with target.cluster.reading():
        for name, check in CHECKS.items():
            if unasked and name in OF_THE_CLUSTER:
                target.report.result(Result(name, Status.SKIPPED, 0.0, unasked))
                continue
            began = time.monotonic()
            finding = _asked(check, target)
            good = good and finding.ok
            unasked = unasked or ("the namespace is being deleted" if finding.code == namespaces.CODE else "")
            status = Status.SKIPPED if finding.skipped else (Status.OK if finding.ok else Status.FAILED)
            target.report.result(Result(name, status, time.monotonic() - began, finding.said))
            for line in finding.lines:
                target.report.note(f"  {line}")
            for hint in filter(None, (finding.hint, *finding.hints)) if not finding.ok else ():
                target.report.note(f"fix: {hint}")
    return target.report.end(Exit.OK if good else Exit.REFUSED)


def _asked(check: Callable[[Target], Finding], target: Target) -> Finding:
    try:
        return check(target)
    except Failed as error:
        failure = error.failure
        return Finding(
            False, f"{failure.code}: {failure.message}", failure.hint, lines=failure.evidence, code=failure.code
        )
    except NotThere as error:
        return Finding(False, str(error), "create the namespace")


def context(target: Target) -> Finding:
    configuration = target.cluster.client.configuration
    connect.check_pin(target.environment, configuration.host, connect.fingerprint(configuration))
    return Finding(True, f"{configuration.host} is {target.environment.name}, Kubernetes {target.cluster.version()}")


def namespace(target: Target) -> Finding:
    """Check for a namespace that is being deleted, without other checks. Raises Failed NAMESPACE_TERMINATING."""
    env = target.environment
    target.namespace_missing = True  # in effect: its contents are being deleted
    namespaces.refuse_terminating(target.cluster)
    target.namespace_missing = namespace_of(target) is None
    if not target.namespace_missing:
        return Finding(True, f"{env.namespace} exists")
    if env.create_namespace and not env.secret.name:
        return Finding(True, f"{env.namespace} does not exist; a deploy creates it", skipped=True)
    return Finding(False, f"{env.namespace} does not exist", f"kubectl create namespace {env.namespace}")


def permissions(target: Target) -> Finding:
    missing = checks.denied(target.cluster, target.environment)
    if missing and target.namespace_missing:
        return Finding(True, "roles can be granted once the namespace exists", skipped=True)
    if missing:
        hint = f"ask for a Role in {target.environment.namespace} with: {', '.join(missing)}"
        return Finding(False, f"missing: {', '.join(missing)}", hint)
    everywhere = ", in every namespace" if target.namespace_missing else ""
    return Finding(True, f"all {len(checks.permissions(target.environment))} that a deploy needs{everywhere}")


def service_settings(target: Target) -> Finding:
    """Check the pods' settings with the service's own code."""
    pods, judged = settings.judged(target, sources.read(target))
    if not judged.problems:
        unknown = f"; not known yet: {', '.join(pods.hidden)}" if pods.hidden else ""
        return Finding(True, f"accepted by the service{unknown}", lines=judged.notes)
    failure = settings.refusal(target.environment, pods, judged).failure
    hints = tuple(settings.fixes(target.environment, pods, judged))
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
    found = list(checks.findings(target.environment))
    return Finding(
        not found,
        "; ".join(finding.message for finding in found) or "valid",
        "; ".join(finding.hint for finding in found),
    )


def secret(target: Target) -> Finding:
    env = target.environment
    if env.secret.name:
        checks.secret_keys(env, sources.secret_of(env, sources.read(target)))
        return Finding(True, f"Secret {env.secret.name} has {', '.join(env.secret.keys)}")
    if env.secret.from_env:
        from toolkit.deploy.release.spec import secrets_from

        secrets_from(env, target.variables)
        return Finding(True, f"{', '.join(env.secret.from_env)} from your environment")
    return Finding(True, "created by external-secrets")


def tools(target: Target) -> Finding:
    wanted = ["docker", *(["helm"] if target.environment.driver == "helm" else [])]
    missing = [name for name in wanted if shutil.which(name) is None]
    if missing:
        return Finding(False, f"not installed: {', '.join(missing)}", f"install {', '.join(missing)}")
    buildx = process.run(["docker", "buildx", "version"], seconds=20)
    if buildx.code:
        return Finding(False, "docker has no buildx", "install the docker-buildx plugin")
    said = [buildx.out.split()[1]]
    if "helm" in wanted:
        said.append(f"helm {target.driver.require()}")
    return Finding(True, f"buildx {', '.join(said)}")


def image_registry(target: Target) -> Finding:
    """Check that this user may push: an upload is begun and cancelled, so nothing is written."""
    from toolkit.deploy.image.push_permission import try_push

    repository = target.environment.repository
    last = records_of.last_good(target.records)
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


def database(target: Target) -> Finding:
    """Check the database from the service's view: its /ready shows whether it is reached, and its log why not."""
    seen = rollout.view(target.cluster, target.facts.name, events=False) if not target.namespace_missing else None
    if seen is None or seen.deployment is None:
        return Finding(True, "nothing is deployed yet", skipped=True)
    again = f"python3 tasks.py deploy {target.environment.name}"
    if sources.stale(seen.deployment, sources.mark(sources.read(target))):
        return Finding(False, "the Secret has changed since the pods started; a deploy replaces them", again)
    if cause := unready.cause(target, seen.pods):
        hints = (*settings.change_secret(target.environment, ["DATABASE_URL"]), again)
        said = f"{cause.pod} is not ready: {cause.reason}"
        if cause.refused:
            return Finding(False, said, lines=(cause.advice,), hints=hints)
        return Finding(False, said, f"python3 tasks.py logs --env {target.environment.name}")
    answer = target.cluster.proxy(target.facts.name, target.environment.port, "/ready")
    if isinstance(answer, Mapping) and answer.get("schema") and all(map(is_ready, seen.pods)):
        return Finding(True, f"reached from the pods, schema at {answer['schema']}")
    said = f"{sum(map(is_ready, seen.pods))} of {len(seen.pods)} pods are ready"
    return Finding(False, said, f"python3 tasks.py logs --env {target.environment.name}")


def quota(target: Target) -> Finding:
    """Check the quotas for one more pod and the objects of a release, and the admission of the pods."""
    if target.namespace_missing:
        return Finding(True, "quotas can be checked once the namespace exists", skipped=True)
    pods = list(quotas.shortages(target.environment, target.cluster.list("v1", "ResourceQuota")))
    found = [*pods, *quota_room.shortages(target)]
    if found:
        return Finding(False, "; ".join(found), "raise the quota, lower `resources`, or remove unused objects")
    if refused := admission.pods_refused(target.cluster, target.rendered_for(quota_room.NO_DIGEST)):
        raise refused
    return Finding(True, "quotas allow a roll-out, and its pods are admitted")


def clock(target: Target) -> Finding:
    date = target.cluster.server_date()
    if not date:
        return Finding(True, "the API server sends no time", skipped=True)
    skew = abs(parsedate_to_datetime(date).timestamp() - time.time())
    return Finding(skew < SKEW_SECONDS, f"{skew:.0f} s from the API server's", "set this machine's clock (NTP)")


def schema_revisions(target: Target) -> Finding:
    """Check the revisions as a deploy does. Raises Failed SEVERAL_HEADS, REVISIONS_UNUSABLE."""
    head = migrations.head(target.project)
    return Finding(True, f"head {head}" if head else "no revisions")


CHECKS: dict[str, Callable[[Target], Finding]] = {
    "context": context,
    "namespace": namespace,
    "permissions": permissions,
    "checkout": checkout,
    "revisions": schema_revisions,
    "inventory": inventory,
    "secret": secret,
    "settings": service_settings,
    "tools": tools,
    "registry": image_registry,
    "database": database,
    "quota": quota,
    "clock": clock,
}
# These checks only query the cluster.
OF_THE_CLUSTER = frozenset({"namespace", "permissions", "secret", "database", "quota", "clock"})
