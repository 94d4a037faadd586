"""The settings of the pods as the toolkit has them judged: by the service's own process, and with fixes that work."""

from functools import partial
from typing import Any

import pytest

from tests.support.template import SERVICE
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.places.kubernetes.secrets import change_secret
from toolkit.deploy.release import settings
from toolkit.deploy.release.settings import Given
from toolkit.dev.service import Problem, Verdict

HELD: tuple[str, ...] = ()
HELD = ("JWT_KEY",)
SECRETS = {"DATABASE_URL": "postgresql://shop:hidden-word@db.example.com/shop"}


def environment(**secret: Any) -> KubernetesEnvironment:
    return KubernetesEnvironment.model_validate(
        {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": secret or {"name": "s"}}
    )


def fixes(env: KubernetesEnvironment, pods: Given, judged: Verdict) -> list[str]:
    return settings.fixes(env, pods, judged, partial(change_secret, env))


def test_the_service_judges_the_pods_settings_and_not_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("POOL_SIZE", "none")
    pods = Given({"ENVIRONMENT": "staging", "LOG_LEVL": "INFO", "DRAIN_SECONDS": "abc"}, SECRETS, HELD)
    check = settings.Check(SERVICE)
    judged = check.judge(pods)
    assert check.judge(pods) is judged
    found = {problem.setting: problem.kind for problem in judged.problems}
    assert found.pop("LOG_LEVL") == "unknown"
    assert found.pop("DRAIN_SECONDS") == "refused"
    assert set(found) == {"JWT_ISSUER", "JWT_AUDIENCE"}, judged  # not the key set: the Secret holds a key
    found.clear()
    assert found == {}, judged
    assert "hidden-word" not in f"{pods} {judged}"


def test_shared_variables_are_judged_where_they_are_settings() -> None:
    """`env_from`: what other services have in it is no mistake, and what this one refuses is."""
    shared = {"LOG_LEVL": "INFO", "DRAIN_SECONDS": "hidden-word"}
    pods = Given({"ENVIRONMENT": "staging"}, {**SECRETS, **shared}, HELD, frozenset(shared))
    judged = settings.Check(SERVICE).judge(pods)
    found = {problem.setting: settings.where(environment(), pods, problem) for problem in judged.problems}
    assert "LOG_LEVL" not in found
    assert found["DRAIN_SECONDS"] == "env_from"
    assert any("correct DRAIN_SECONDS where `env_from` has it" in fix for fix in fixes(environment(), pods, judged))
    assert "hidden-word" not in str(judged)


def test_what_sources_that_cannot_be_read_may_bring_is_not_missing() -> None:
    pods = Given({"ENVIRONMENT": "staging", "LOG_LEVEL": "LOUD"}, {}, complete=False)
    assert {problem.setting for problem in settings.Check(SERVICE).judge(pods).problems} == {"LOG_LEVEL"}


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (
            {"name": "s"},
            [
                "in deploy/inventory.yaml, under `settings:` of `staging:`, remove MAIL_KEY",
                "in deploy/inventory.yaml, under `staging:`, add  secret: {name: s, keys: [DATABASE_URL, MAIL_KEY]}",
                "kubectl -n n patch secret s --type=merge --patch '"
                '{"stringData": {"DATABASE_URL": "postgresql://USER:PASSWORD@HOST:5432/DATABASE", "MAIL_KEY": "VALUE"}}'
                "'",
            ],
        ),
        (
            {"from_env": ["DATABASE_URL"]},
            [
                "in deploy/inventory.yaml, under `settings:` of `staging:`, remove MAIL_KEY",
                "in deploy/inventory.yaml, under `staging:`, add  secret: {from_env: [DATABASE_URL, MAIL_KEY]}",
                "export DATABASE_URL='postgresql://USER:PASSWORD@HOST:5432/DATABASE'",
                "export MAIL_KEY='VALUE'",
            ],
        ),
        (
            {"external": {"store": "vault", "keys": {"DATABASE_URL": "a/b"}}},
            [
                "in deploy/inventory.yaml, under `settings:` of `staging:`, remove MAIL_KEY",
                "in deploy/inventory.yaml, under `staging:`, add  "
                "secret: {external: {store: vault, keys: {DATABASE_URL: a/b, MAIL_KEY: KEY}}}",
                "store DATABASE_URL, MAIL_KEY in vault",
            ],
        ),
        (
            {"store": "vault", "keys": {"DATABASE_URL": "kv/shop#url"}},
            [
                "in deploy/inventory.yaml, under `settings:` of `staging:`, remove MAIL_KEY",
                "in deploy/inventory.yaml, under `staging:`, add  "
                "secret: {store: vault, keys: {DATABASE_URL: kv/shop#url, MAIL_KEY: KEY}}",
                "store a new value in vault: DATABASE_URL (kv/shop#url), MAIL_KEY (KEY)",
            ],
        ),
    ],
    ids=["existing", "from_env", "external", "store"],
)
def test_each_problem_has_its_fix(secret: dict[str, Any], expected: list[str]) -> None:
    judged = Verdict((Problem("DATABASE_URL", "refused", "..."), Problem("MAIL_KEY", "secret", "...")))
    assert fixes(environment(**secret), Given({"MAIL_KEY": "x"}, SECRETS), judged) == expected


def test_a_missing_secret_goes_where_secrets_are_and_not_into_the_settings() -> None:
    judged = Verdict((Problem("ACCOUNTS_KEY", "missing_secret", "..."), Problem("JWT_ISSUER", "missing", "...")))
    assert fixes(environment(name="s"), Given({}, SECRETS), judged) == [
        "in deploy/inventory.yaml, under `settings:` of `staging:`, set or correct JWT_ISSUER",
        "in deploy/inventory.yaml, under `staging:`, add  secret: {name: s, keys: [DATABASE_URL, ACCOUNTS_KEY]}",
        "python3 tasks.py keys.new | python3 tasks.py secrets.set staging ACCOUNTS_KEY",
    ]


def test_a_line_a_problem_says_where_the_value_is() -> None:
    judged = Verdict((Problem("LOG_LEVL", "unknown", "LOG_LEVL is ..."), Problem("DATABASE_URL", "refused", "has ...")))
    env = environment()
    failure = settings.refusal(env, Given({"LOG_LEVL": "x"}, SECRETS), judged, partial(change_secret, env)).failure
    assert failure.code == "SETTINGS_REFUSED"
    assert failure.evidence == ("settings: LOG_LEVL is ...", "Secret s: has ...")
    assert "set or correct LOG_LEVL; kubectl -n n patch secret s" in failure.hint
