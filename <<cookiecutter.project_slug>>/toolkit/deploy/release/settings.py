"""The settings of the pods, validated by the service's own code before any change.

The check runs in a separate process (`python -m app check`, in this environment): variables and .env of this machine
are not settings of a pod.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.spec import ReleaseSpec
from toolkit.dev import service
from toolkit.dev.service import Problem, Verdict

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places.values import Variables

CHECK_SECONDS = 120
MISSING = ("missing", "missing_secret")
# How variables get new values where the environment keeps its secrets: of the place.
ChangeSecret = Callable[[Sequence[str]], Sequence[str]]


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
        self._begun = self._begun or process.begin(service.command("check"), self.project, process.INHERITED)
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
    verdict = service.verdict(done.out)
    # Shared sources have variables of other services, and unreadable ones may have the missing variables.
    relevant = [item for item in verdict.problems if item.kind == "refused" or item.setting not in pods.shared]
    return Verdict(tuple(item for item in relevant if pods.complete or item.kind not in MISSING), verdict.notes)


def given(name: str, env: Environment, secrets: Mapping[str, str], of_place: Variables) -> Given:
    """The variables of this environment's pods, as far as they are known. Pure."""
    spec = ReleaseSpec(name, env, digest="")
    known = {**secrets, **of_place.own}
    hidden = tuple(name for name in spec.secret_keys if name not in known)
    # Settings and the Secret override `env_from`. Any of its values may be secret, so none is shown.
    own = spec.config()
    shared = {name: value for name, value in of_place.shared.items() if name not in {*own, *known, *hidden}}
    return Given(own, {**shared, **known}, hidden, frozenset(shared), of_place.complete)


def require(project: Path, spec: ReleaseSpec, change_secret: ChangeSecret) -> None:
    """Raises Failed SETTINGS_REFUSED for a release that no place is asked about: values of its Secret are unknown."""
    hidden = tuple(name for name in spec.secret_keys if name not in spec.secrets)
    pods = Given(spec.config(), spec.secrets, hidden, complete=not spec.environment.shares_variables)
    with closing(Check(project)) as check:
        judged = check.judge(pods)
    if judged.problems:
        raise refusal(spec.environment, pods, judged, change_secret)


def refusal(env: Environment, pods: Given, judged: Verdict, change_secret: ChangeSecret) -> Failed:
    """Return Failed SETTINGS_REFUSED, with a line for each problem."""
    lines = [f"{where(env, pods, problem)}: {problem.text}" for problem in judged.problems]
    return fail(
        "SETTINGS_REFUSED",
        f"the settings of {env.name!r} are incomplete or invalid",
        *lines,
        hint="; ".join(fixes(env, pods, judged, change_secret)),
    )


def where(env: Environment, pods: Given, problem: Problem) -> str:
    if problem.setting not in pods.secrets:
        return "settings"
    if problem.setting in pods.shared:
        return "env_from"
    if env.secret.store:
        return f"store {env.secret.store}"
    return f"Secret {env.secret.name}" if env.secret.name else "your environment" if env.secret.from_env else "store"


def fixes(env: Environment, pods: Given, judged: Verdict, change_secret: ChangeSecret) -> list[str]:
    """Yield the fixes, in order: commands, and lines for the inventory. Pure."""
    shared = [problem.setting for problem in judged.problems if problem.setting in pods.shared]
    in_secret = [
        item.setting for item in judged.problems if item.setting in pods.secrets and item.setting not in shared
    ]
    readable = [problem.setting for problem in judged.problems if problem.kind == "secret"]
    added = [item.setting for item in judged.problems if item.kind in ("secret", "missing_secret")]
    others = [item.setting for item in judged.problems if item.setting not in (*in_secret, *added, *shared)]
    place = "in deploy/inventory.yaml, under"
    found = []
    if shared:
        found.append(
            f"correct {', '.join(shared)} where `env_from` has it, or set it in `settings:`, which overrides it"
        )
    if others:
        found.append(f"{place} `settings:` of `{env.name}:`, set or correct {', '.join(dict.fromkeys(others))}")
    if readable:
        found.append(f"{place} `settings:` of `{env.name}:`, remove {', '.join(readable)}")
    if added:
        found.append(f"{place} `{env.name}:`, add  {_secret_line(env, added)}")
    if changed := list(dict.fromkeys([*in_secret, *added])):
        found += change_secret(changed)
    return found


def _secret_line(env: Environment, added: list[str]) -> str:
    if env.secret.from_env:
        return f"secret: {{from_env: [{', '.join([*env.secret.from_env, *added])}]}}"
    if env.secret.store and isinstance(env.secret.keys, Mapping):
        keys = ", ".join(f"{name}: {key}" for name, key in {**env.secret.keys, **dict.fromkeys(added, "KEY")}.items())
        return f"secret: {{store: {env.secret.store}, keys: {{{keys}}}}}"
    if external := env.secret.external:
        keys = ", ".join(f"{name}: {key}" for name, key in {**external.keys, **dict.fromkeys(added, "KEY")}.items())
        kind = f", store_kind: {external.store_kind}" if external.store_kind != "ClusterSecretStore" else ""
        return f"secret: {{external: {{store: {external.store}{kind}, keys: {{{keys}}}}}}}"
    return f"secret: {{name: {env.secret.name}, keys: [{', '.join([*env.secret.keys, *added])}]}}"
