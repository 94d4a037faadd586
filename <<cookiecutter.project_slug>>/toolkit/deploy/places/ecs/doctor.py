"""Checks of the account for `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs import prerequisites, processes, references
from toolkit.deploy.places.values import Finding

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Failure
    from toolkit.deploy.places.ecs.place import EcsPlace


def checks(place: EcsPlace) -> Mapping[str, Callable[[], Finding]]:
    calls, environment = place.calls, place.environment

    def service() -> Finding:
        live = calls.service(environment.service)
        problem = prerequisites.service(environment, live)
        if problem or live is None:
            return _finding(problem, "")
        scaled = environment.service in place.releases.autoscaled
        owner = " (its number is set by Application Auto Scaling)" if scaled else ""
        return Finding(True, f"{live.running} of {live.desired} tasks run{owner}")

    def roles() -> Finding:
        given = {"execution_role": environment.execution_role, "task_role": environment.task_role}
        known = {key: arn for key, arn in given.items() if arn}
        faults = [prerequisites.role(calls, arn, key) for key, arn in known.items()]
        return _finding(next((fault for fault in faults if fault), None), ", ".join(known))

    def subnets() -> Finding:
        return _finding(prerequisites.subnets(calls, environment, place.releases.services.web()), "have a way out")

    def secret() -> Finding:
        found = place.releases.references
        return _finding(references.missing(found), f"{', '.join(found.values)} in AWS Secrets Manager")

    def further_processes() -> Finding:
        found = processes.states(place)
        failed = [item for item in found if not item.ok]
        lines = "; ".join(f"{item.name} {item.summary}" for item in found)
        if failed:
            hint = f"see their streams in the log group {environment.log_group}"
            return Finding(False, f"{len(failed)} of {len(found)} processes failed: {lines}", hint)
        return Finding(True, lines)

    checked = {
        "cluster": lambda: _finding(prerequisites.cluster(calls, environment), environment.cluster),
        "service": service,
        "secret": secret,
        "roles": roles,
        "subnets": subnets,
        "logs": lambda: _finding(prerequisites.log_group(calls, environment.log_group), environment.log_group),
        "bucket": lambda: _finding(prerequisites.bucket(calls, environment.bucket), environment.bucket),
    }
    return {**checked, "processes": further_processes} if environment.processes else checked


def _finding(problem: Failure | None, summary: str) -> Finding:
    if problem is None:
        return Finding(True, summary)
    return Finding(False, f"{problem.code}: {problem.message}", problem.hint, lines=problem.evidence)
