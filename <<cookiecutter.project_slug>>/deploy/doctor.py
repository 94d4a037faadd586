"""`doctor ENV`: a play of steps that only look; each line that is not ok comes with its fix."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from deploy import lint, process, quotas, registry
from deploy.model import Exit, Failed, Failure, Result, Status
from deploy.patience import NotThere

if TYPE_CHECKING:
    from deploy.target import Target

SKEW_SECONDS = 5


@dataclass(frozen=True)
class Finding:
    ok: bool
    said: str
    hint: str = ""
    skipped: bool = False


def run(target: Target) -> int:
    """0 when everything is ready for a deploy, 6 otherwise. Changes nothing."""
    target.report.play(f"doctor {target.facts.name} in {target.environment.name}")
    good = True
    with target.cluster.reading():
        for name, check in CHECKS.items():
            began = time.monotonic()
            finding = _asked(check, target)
            good = good and finding.ok
            status = Status.SKIPPED if finding.skipped else (Status.OK if finding.ok else Status.FAILED)
            target.report.result(Result(name, status, time.monotonic() - began, finding.said))
            if not finding.ok:
                target.report.note(f"fix: {finding.hint}")
    return target.report.end(Exit.OK if good else Exit.REFUSED)


def _asked(check: Callable[[Target], Finding], target: Target) -> Finding:
    try:
        return check(target)
    except Failed as error:
        return Finding(
            False,
            str(Failure(error.failure.code, error.failure.message, error.failure.evidence)).replace("\n", " "),
            error.failure.hint,
        )
    except NotThere as error:
        return Finding(False, str(error), "create the namespace")


def context(target: Target) -> Finding:
    host = target.cluster.client.configuration.host
    return Finding(True, f"{host} is {target.environment.name}, Kubernetes {target.cluster.version()}")


def permissions(target: Target) -> Finding:
    missing = lint.denied(target.cluster, target.environment)
    if missing:
        hint = f"ask for a Role in {target.environment.namespace} with: {', '.join(missing)}"
        return Finding(False, f"lacking {', '.join(missing)}", hint)
    return Finding(True, f"all {len(lint.permissions(target.environment))} that a deploy needs")


def inventory(target: Target) -> Finding:
    found = list(lint.findings(target.environment))
    return Finding(
        not found,
        "; ".join(finding.message for finding in found) or "nothing to say against it",
        "; ".join(finding.hint for finding in found),
    )


def secret(target: Target) -> Finding:
    env = target.environment
    if env.secret.name:
        lint.secret_keys(env, target.cluster.get("v1", "Secret", env.secret.name))
        return Finding(True, f"Secret {env.secret.name} has {', '.join(env.secret.keys)}")
    if env.secret.from_env:
        from deploy.release import secrets_from

        secrets_from(env, target.variables)
        return Finding(True, f"{', '.join(env.secret.from_env)} from your environment")
    return Finding(True, "made by external-secrets")


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
        said.append("helm " + process.run(["helm", "version", "--short"], seconds=20).out.strip())
    return Finding(True, f"buildx {', '.join(said)}")


def image_registry(target: Target) -> Finding:
    """Whether this user may push there: an upload is begun and called off, so nothing is written."""
    from deploy.upload import try_push

    repository = target.environment.repository
    if target.environment.image:
        registry.resolve(repository, target.environment.image)
        return Finding(True, f"{repository} has the image")
    try_push(repository)
    return Finding(True, f"{repository} takes a push")


def database(target: Target) -> Finding:
    """The service is what reaches the database: its own /ready says whether it does."""
    answer = target.cluster.proxy(target.facts.name, target.environment.port, "/ready")
    if isinstance(answer, Mapping) and answer.get("schema"):
        return Finding(True, f"reached from the pods, schema at {answer['schema']}")
    if isinstance(answer, Mapping):
        return Finding(
            False, str(answer.get("detail", answer)), "see the pods' logs: `python3 tasks.py logs --env ENV`"
        )
    return Finding(True, "nothing is deployed yet that could tell", skipped=True)


def quota(target: Target) -> Finding:
    found = list(quotas.shortages(target.environment, target.cluster.list("v1", "ResourceQuota")))
    return Finding(
        not found, "; ".join(found) or "room for the surge of a roll-out", "raise the quota, or lower `resources`"
    )


def clock(target: Target) -> Finding:
    date = target.cluster.server_date()
    if not date:
        return Finding(True, "the API server tells no time", skipped=True)
    skew = abs(parsedate_to_datetime(date).timestamp() - time.time())
    return Finding(skew < SKEW_SECONDS, f"{skew:.0f} s from the API server's", "set this machine's clock (NTP)")


CHECKS: dict[str, Callable[[Target], Finding]] = {
    "context": context,
    "permissions": permissions,
    "inventory": inventory,
    "secret": secret,
    "tools": tools,
    "registry": image_registry,
    "database": database,
    "quota": quota,
    "clock": clock,
}
