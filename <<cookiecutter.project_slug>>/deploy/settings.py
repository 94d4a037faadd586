"""The settings that the pods will have, judged by the service's own code before anything is touched.

The check runs as a process of its own (`python -m app check`, in this environment): what this machine has set, in
variables or in .env, is no setting of a pod.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import process, references
from deploy.model import Failed, fail
from deploy.release import Release

if TYPE_CHECKING:
    from deploy.environment import Environment
    from deploy.objects import Object
    from deploy.target import Target

# Without these Python may not find its libraries; none of them is a setting.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
CHECK_SECONDS = 120


@dataclass(frozen=True)
class Given:
    """The variables of a pod: those of the ConfigMap, those of the Secret, and names whose values are not known yet."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()  # of the secrets, those that `env_from` brings


@dataclass(frozen=True)
class Problem:
    """One setting that is refused: `kind` is unknown, secret or refused, `text` a sentence about it."""

    setting: str
    kind: str
    text: str


@dataclass(frozen=True)
class Judged:
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def judged(target: Target, secret: Object | None) -> tuple[Given, Judged]:
    """What the pods would get and the service's verdict on it; asked once for the same variables."""
    pods = given(target, secret)
    if target.judged is None or target.judged[0] != pods:
        target.judged = pods, judge(target.project, pods)
    return target.judged


def given(target: Target, secret: Object | None) -> Given:
    """The variables of this environment's pods. `secret`: see `live_secret`."""
    env, release = target.environment, Release(target.facts.name, target.environment, digest="")
    shared = {} if target.namespace_missing else references.shared_variables(target.cluster, env)
    known = {name: target.variables[name] for name in env.secret.from_env if target.variables.get(name)}
    stored = (secret or {}).get("data") or {}
    for name in release.secret_keys:
        if name in stored:
            known[name] = base64.b64decode(stored[name]).decode(errors="replace")
    hidden = tuple(name for name in release.secret_keys if name not in known)
    # Settings and the Secret win over `env_from`. Any of its values may be secret, so none is shown.
    own = release.config()
    shared = {name: value for name, value in shared.items() if name not in {*own, *known, *hidden}}
    return Given(own, {**shared, **known}, hidden, frozenset(shared))


def live_secret(target: Target) -> Object | None:
    """The Secret that the pods read and the toolkit does not write; None where there is none, or it may not be read."""
    if target.environment.secret.from_env or target.namespace_missing:
        return None
    release = Release(target.facts.name, target.environment, digest="")
    try:
        return target.cluster.get("v1", "Secret", release.values()["secret_name"])
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return None


def judge(project: Path, pods: Given) -> Judged:
    """The service's verdict. Raises Failed SETTINGS_UNCHECKED when its code does not run."""
    asked = {"settings": dict(pods.settings), "secrets": dict(pods.secrets), "hidden": list(pods.hidden)}
    command = [sys.executable, "-m", "app", "check"]
    done = process.run(command, cwd=project, inherit=INHERITED, text=json.dumps(asked), seconds=CHECK_SECONDS)
    if done.code:
        raise fail(
            "SETTINGS_UNCHECKED",
            "the service's own check of its settings failed, as the service itself may do",
            done.cause,
            hint="correct the code; `python3 tasks.py test.unit` shows where",
        )
    told = json.loads(done.out)
    found = tuple(Problem(**problem) for problem in told["problems"])
    # What is shared has variables of other services.
    problems = tuple(item for item in found if item.kind == "refused" or item.setting not in pods.shared)
    return Judged(problems, tuple(told["notes"]))


def refusal(env: Environment, pods: Given, judged: Judged) -> Failed:
    """Failed SETTINGS_REFUSED, with a line for each problem."""
    lines = [f"{where(env, pods, problem)}: {problem.text}" for problem in judged.problems]
    return fail(
        "SETTINGS_REFUSED",
        f"the pods of {env.name!r} would not get the settings that the service requires",
        *lines,
        hint="; ".join(fixes(env, pods, judged)),
    )


def where(env: Environment, pods: Given, problem: Problem) -> str:
    if problem.setting not in pods.secrets:
        return "settings"
    if problem.setting in pods.shared:
        return "env_from"
    return f"Secret {env.secret.name}" if env.secret.name else "your environment" if env.secret.from_env else "store"


def fixes(env: Environment, pods: Given, judged: Judged) -> list[str]:
    """What to do, in the order in which it works: commands, and lines for the inventory. Pure."""
    shared = [problem.setting for problem in judged.problems if problem.setting in pods.shared]
    in_secret = [
        item.setting for item in judged.problems if item.setting in pods.secrets and item.setting not in shared
    ]
    moved = [problem.setting for problem in judged.problems if problem.kind == "secret"]
    others = [item.setting for item in judged.problems if item.setting not in (*in_secret, *moved, *shared)]
    place = "in deploy/inventory.yaml, under"
    found = []
    if shared:
        found.append(f"correct {', '.join(shared)} where `env_from` has it, or set it in `settings:`, which wins")
    if others:
        found.append(f"{place} `settings:` of `{env.name}:`, set or correct {', '.join(dict.fromkeys(others))}")
    if moved:
        found.append(f"{place} `settings:` of `{env.name}:`, remove {', '.join(moved)}")
        found.append(f"{place} `{env.name}:`, add  {_secret_line(env, moved)}")
    if changed := list(dict.fromkeys([*in_secret, *moved])):
        found += change_secret(env, changed)
    return found


def change_secret(env: Environment, names: list[str]) -> list[str]:
    """How these variables get new values where the environment keeps its secrets. Pure."""
    if env.secret.from_env:
        return [f"export {name}='{example(name)}'" for name in names]
    if env.secret.external:
        return [f"store {', '.join(names)} in {env.secret.external.store}"]
    patch = json.dumps({"stringData": {name: example(name) for name in names}})
    return [f"kubectl -n {env.namespace} patch secret {env.secret.name} --type=merge --patch '{patch}'"]


def example(name: str) -> str:
    """A value to replace, in the form that it has to have."""
    return "postgresql://USER:PASSWORD@HOST:5432/DATABASE" if name == "DATABASE_URL" else "VALUE"


def _secret_line(env: Environment, moved: list[str]) -> str:
    if env.secret.from_env:
        return f"secret: {{from_env: [{', '.join([*env.secret.from_env, *moved])}]}}"
    if external := env.secret.external:
        keys = ", ".join(f"{name}: {key}" for name, key in {**external.keys, **dict.fromkeys(moved, "KEY")}.items())
        kind = f", store_kind: {external.store_kind}" if external.store_kind != "ClusterSecretStore" else ""
        return f"secret: {{external: {{store: {external.store}{kind}, keys: {{{keys}}}}}}}"
    return f"secret: {{name: {env.secret.name}, keys: [{', '.join([*env.secret.keys, *moved])}]}}"
