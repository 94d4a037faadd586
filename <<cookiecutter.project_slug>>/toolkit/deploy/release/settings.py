"""The settings of the pods, validated by the service's own code before any change.

The check runs in a separate process (`python -m app check`, in this environment): variables and .env of this machine
are not settings of a pod.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes import sources
from toolkit.deploy.release.spec import Release
from toolkit.dev import service
from toolkit.dev.service import Problem, Verdict

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places.kubernetes.sources import Found
    from toolkit.deploy.release.state import Target

# Python may need these to find its libraries; none of them is a setting.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
CHECK_SECONDS = 120


@dataclass(frozen=True)
class Given:
    """The variables of a pod: from the release's ConfigMap, from Secrets, and names whose values are not known yet.

    `complete`: False if unreadable sources may have more of them.
    """

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()  # the secrets from `env_from`
    complete: bool = True


class Check:
    """The service's check of settings. Its process is started early: it spends most of its second on imports."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self._begun: process.Begun | None = None
        self._last: tuple[Given, Verdict] | None = None

    def begin(self) -> process.Begun:
        self._begun = self._begun or process.begin(service.command("check"), self.project, INHERITED)
        return self._begun

    def judge(self, pods: Given) -> Verdict:
        """Return the result, cached for the same variables. Raises Failed SETTINGS_UNCHECKED if it cannot run."""
        if self._last is None or self._last[0] != pods:
            asked = service.question(pods.settings, pods.secrets, pods.hidden)
            done, self._begun = self.begin().finish(asked, CHECK_SECONDS), None
            self._last = pods, _judged(pods, done)
        return self._last[1]

    def close(self) -> None:
        if self._begun:
            self._begun.end()


def _judged(pods: Given, done: process.Done) -> Verdict:
    if done.code:
        raise fail(
            "SETTINGS_UNCHECKED",
            "the service's check of its settings failed; the service itself may fail too",
            done.cause,
            hint="correct the code; `python3 tasks.py test.unit` shows where",
        )
    said = service.verdict(done.out)
    # Shared sources have variables of other services, and unreadable ones may have the missing variables.
    seen = [item for item in said.problems if item.kind == "refused" or item.setting not in pods.shared]
    return Verdict(tuple(item for item in seen if pods.complete or item.kind != "missing"), said.notes)


def judged(target: Target, found: Found) -> tuple[Given, Verdict]:
    """Return the settings of the pods, and the service's check of them."""
    pods = given(target, found)
    return pods, target.check.judge(pods)


def given(target: Target, found: Found) -> Given:
    """Return the variables of this environment's pods, as far as known."""
    env, release = target.environment, Release(target.facts.name, target.environment, digest="")
    known = {name: target.variables[name] for name in env.secret.from_env if target.variables.get(name)}
    shared: dict[str, str] = {}
    complete = True
    for source in sources.sources(target.facts.name, env):
        brought = sources.variables(source, found.get(source))
        if source.shared:
            complete = complete and source in found
            shared |= brought
        else:
            known |= brought
    hidden = tuple(name for name in release.secret_keys if name not in known)
    # Settings and the Secret override `env_from`. Any of its values may be secret, so none is shown.
    own = release.config()
    shared = {name: value for name, value in shared.items() if name not in {*own, *known, *hidden}}
    return Given(own, {**shared, **known}, hidden, frozenset(shared), complete)


def require(project: Path, release: Release) -> None:
    """Check settings without a cluster, so without values of its Secret. Raises Failed SETTINGS_REFUSED."""
    env = release.environment
    hidden = tuple(name for name in release.secret_keys if name not in release.secrets)
    complete = not any(source.shared for source in sources.sources(release.service, env))
    pods = Given(release.config(), release.secrets, hidden, complete=complete)
    with closing(Check(project)) as check:
        judged = check.judge(pods)
    if judged.problems:
        raise refusal(env, pods, judged)


def refusal(env: Environment, pods: Given, judged: Verdict) -> Failed:
    """Return Failed SETTINGS_REFUSED, with a line for each problem."""
    lines = [f"{where(env, pods, problem)}: {problem.text}" for problem in judged.problems]
    return fail(
        "SETTINGS_REFUSED",
        f"the settings of {env.name!r} are incomplete or invalid",
        *lines,
        hint="; ".join(fixes(env, pods, judged)),
    )


def where(env: Environment, pods: Given, problem: Problem) -> str:
    if problem.setting not in pods.secrets:
        return "settings"
    if problem.setting in pods.shared:
        return "env_from"
    return f"Secret {env.secret.name}" if env.secret.name else "your environment" if env.secret.from_env else "store"


def fixes(env: Environment, pods: Given, judged: Verdict) -> list[str]:
    """Yield the fixes, in order: commands, and lines for the inventory. Pure."""
    shared = [problem.setting for problem in judged.problems if problem.setting in pods.shared]
    in_secret = [
        item.setting for item in judged.problems if item.setting in pods.secrets and item.setting not in shared
    ]
    moved = [problem.setting for problem in judged.problems if problem.kind == "secret"]
    others = [item.setting for item in judged.problems if item.setting not in (*in_secret, *moved, *shared)]
    place = "in deploy/inventory.yaml, under"
    found = []
    if shared:
        found.append(
            f"correct {', '.join(shared)} where `env_from` has it, or set it in `settings:`, which overrides it"
        )
    if others:
        found.append(f"{place} `settings:` of `{env.name}:`, set or correct {', '.join(dict.fromkeys(others))}")
    if moved:
        found.append(f"{place} `settings:` of `{env.name}:`, remove {', '.join(moved)}")
        found.append(f"{place} `{env.name}:`, add  {_secret_line(env, moved)}")
    if changed := list(dict.fromkeys([*in_secret, *moved])):
        found += change_secret(env, changed)
    return found


def change_secret(env: Environment, names: list[str]) -> list[str]:
    """Yield the commands that set these variables in the environment's secret store. Pure."""
    if env.secret.from_env:
        return [f"export {name}='{example(name)}'" for name in names]
    if env.secret.external:
        return [f"store {', '.join(names)} in {env.secret.external.store}"]
    patch = json.dumps({"stringData": {name: example(name) for name in names}})
    return [f"kubectl -n {env.namespace} patch secret {env.secret.name} --type=merge --patch '{patch}'"]


def example(name: str) -> str:
    """Return a placeholder in the required form."""
    return "postgresql://USER:PASSWORD@HOST:5432/DATABASE" if name == "DATABASE_URL" else "VALUE"


def _secret_line(env: Environment, moved: list[str]) -> str:
    if env.secret.from_env:
        return f"secret: {{from_env: [{', '.join([*env.secret.from_env, *moved])}]}}"
    if external := env.secret.external:
        keys = ", ".join(f"{name}: {key}" for name, key in {**external.keys, **dict.fromkeys(moved, "KEY")}.items())
        kind = f", store_kind: {external.store_kind}" if external.store_kind != "ClusterSecretStore" else ""
        return f"secret: {{external: {{store: {external.store}{kind}, keys: {{{keys}}}}}}}"
    return f"secret: {{name: {env.secret.name}, keys: [{', '.join([*env.secret.keys, *moved])}]}}"
