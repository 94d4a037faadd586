"""`python -m app check`: settings of a deployment that does not exist yet, judged without this machine's own."""

import os
from collections.abc import Mapping

import pytest

from app.commands import check
from tests.support import identity

GOOD = {
    "ENVIRONMENT": "staging",
    "LOG_LEVEL": "INFO",
    # % if cookiecutter.auth == "jwt"
    "JWT_JWKS_URL": "https://identity.example.com/jwks.json",
    "JWT_ISSUER": "https://identity.example.com/",
    "JWT_AUDIENCE": "shop",
    # % endif
    # % if cookiecutter.auth == "accounts"
    "ACCOUNTS_ISSUER": "https://accounts.example.com",
    "ACCOUNTS_AUDIENCE": "shop",
    # % endif
}
SECRETS = {"DATABASE_URL": "postgresql://shop:s3cure-Enough@db.example.com/shop", **identity.SECRETS}
POSTGRES = {"POSTGRES_PASSWORD": "", "POSTGRES_SERVER": "db", "POSTGRES_DB": "shop", "POSTGRES_USER": "shop"}


@pytest.fixture(autouse=True)
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """The classes of settings of the whole application are known."""
    import app.main  # noqa: F401

    monkeypatch.setattr(os, "environ", {})


def judged(
    settings: Mapping[str, str], secrets: Mapping[str, str] = SECRETS, hidden: tuple[str, ...] = ()
) -> check.Findings:
    os.environ.update({**settings, **secrets})
    return check.examine(settings, secrets, hidden)


def test_good_settings_have_no_problem() -> None:
    assert judged(GOOD) == check.Findings()


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"LOG_LEVL": "INFO"}, "unknown", "LOG_LEVL is not a setting of this service; did you mean LOG_LEVEL?"),
        ({"LOGLEVEL": "INFO"}, "unknown", "did you mean LOG_LEVEL?"),
        ({"DATABASE_URI": "x"}, "unknown", "did you mean DATABASE_URL?"),
        ({"LOG_LEVEL": "VERBOSE"}, "refused", "LOG_LEVEL: Input should be 'DEBUG'"),
        ({"DRAIN_SECONDS": "abc"}, "refused", "DRAIN_SECONDS: "),
        ({"ENVIRONMENT": "stagign"}, "refused", "ENVIRONMENT: "),
        ({"ENVIRONMENT": "local"}, "refused", "ENVIRONMENT is local"),
        ({"BACKEND_CORS_ORIGINS": "*"}, "refused", "BACKEND_CORS_ORIGINS"),
        ({"POSTGRES_PASSWORD": "s3cure-Enough"}, "secret", "POSTGRES_PASSWORD is a secret"),
        ({"DATABASE_URL": "postgresql://shop:hidden-word@db/shop"}, "secret", "DATABASE_URL is a secret"),
        ({"DATABASE_URL": "postgresql://db/shop?password=hidden-word"}, "secret", "DATABASE_URL is a secret"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:hidden-word@otel"}, "secret", "OTEL_EXPORTER_OTLP_ENDPOINT is a"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key=hidden-word"}, "secret", "OTEL_EXPORTER_OTLP_HEADERS is a secret"),
        ({"MAIL_API_KEY": "hidden-word"}, "secret", "MAIL_API_KEY is a secret"),
        ({"DATABASE_URL": "", **POSTGRES}, "missing_secret", "POSTGRES_PASSWORD is not set"),
        # % if cookiecutter.auth == "accounts"
        ({"ACCOUNTS_KEY": ""}, "missing_secret", "ACCOUNTS_KEY is not set"),
        # % endif
        # % if cookiecutter.auth == "jwt"
        ({"JWT_AUD": "shop"}, "unknown", "did you mean JWT_AUDIENCE?"),
        ({"JWT_ISSUER": ""}, "missing", "JWT_ISSUER is not set"),
        ({"JWT_JWKS_URL": "http://identity.example.com/jwks.json"}, "refused", "JWT_JWKS_URL is not encrypted"),
        ({"JWT_KEY": "hidden-word" * 4, "JWT_ALGORITHMS": "HS256", "JWT_JWKS_URL": ""}, "secret", "JWT_KEY is a"),
        # % endif
    ],
)
def test_a_setting_is_refused_by_name(changes: dict[str, str], kind: str, said: str) -> None:
    found = judged({**GOOD, **changes}, {name: value for name, value in SECRETS.items() if name not in changes})
    assert any(problem.kind == kind and said in problem.text for problem in found.problems), found
    assert all(problem.setting in changes for problem in found.problems), found
    assert "hidden-word" not in str(found)


def test_variables_of_libraries_are_accepted_and_others_noted() -> None:
    foreign = {"TZ": "UTC", "NO_PROXY": "db", "SSL_CERT_FILE": "/ca.pem", "OTEL_BSP_SCHEDULE_DELAY": "1"}
    assert judged({**GOOD, **foreign}) == check.Findings()
    found = judged({**GOOD, "FEATURE_COLOURS": "blue"})
    assert not found.problems
    assert found.notes == ["FEATURE_COLOURS is not declared as a setting of this service (app/core/config.py)"]


def test_a_known_password_and_an_invalid_value_are_both_reported() -> None:
    found = judged(
        {**GOOD, "LOG_LEVEL": "VERBOSE"}, {**SECRETS, "DATABASE_URL": "postgresql://USER:PASSWORD@HOST:5432/D"}
    )
    assert {problem.setting for problem in found.problems} == {"LOG_LEVEL", "DATABASE_URL"}


def test_a_value_that_only_the_deployment_knows_counts_as_set() -> None:
    assert judged(GOOD, {}, tuple(SECRETS)) == check.Findings()
    assert {problem.setting for problem in judged(GOOD, {}).problems} >= {"POSTGRES_PASSWORD", "POSTGRES_SERVER"}
