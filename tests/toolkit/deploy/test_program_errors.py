"""The cause in what a failed program has printed. The outputs are those of docker, Compose, uv and Alembic."""

import pytest

from toolkit.deploy import program_errors

NO_NETWORK = """\
 pgadmin Pulling
 pgadmin Error Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host
Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: no such host"""
LIMIT = """\
 db Pulling
Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit.
For more information, see https://www.docker.com/increase-rate-limit"""
FULL = """\
 db Pulling
failed to register layer: write /usr/lib/postgresql/18/bin/postgres: no space left on device
See 'docker compose up --help'."""
DENIED = """\
Error response from daemon: pull access denied for shop, repository does not exist or may require 'docker login': denied
For more help on how to use Docker, head to https://docs.docker.com/go/guides/"""
PLAIN_HTTP = 'Error: Get "https://registry.corp:5000/v2/": http: server gave HTTP response to HTTPS client'
UNTRUSTED = 'Error response from daemon: Get "https://registry.corp/v2/": x509: certificate signed by unknown authority'
MISSING = "Error response from daemon: manifest for postgres:99 not found: manifest unknown: manifest unknown"
GONE = 'Failed to initialize: unable to resolve docker endpoint: context "gone": context not found: open /ada/meta.json'
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.mark.parametrize(
    ("said", "code", "cause"),
    [
        (NO_NETWORK, "REGISTRY_UNREACHABLE", "no such host"),
        (LIMIT, "RATE_LIMITED", "toomanyrequests"),
        ("429 Too Many Requests - Server message: slow down", "RATE_LIMITED", "slow down"),
        ('429 {"errors": []}', "RATE_LIMITED", "429"),
        (FULL, "DISK_FULL", "failed to register layer"),
        (DENIED, "IMG_DENIED", "pull access denied"),
        (PLAIN_HTTP, "REGISTRY_INSECURE", "HTTP response"),
        (UNTRUSTED, "REGISTRY_INSECURE", "x509"),
        (MISSING, "IMG_NOT_FOUND", "postgres:99"),
        (GONE, "NO_CONTEXT", 'context "gone"'),
        (DOWN, "NO_ENGINE", "Cannot connect"),
        ('Get "https://ghcr.io/v2/": net/http: TLS handshake timeout', "REGISTRY_UNREACHABLE", "TLS handshake"),
        (
            'Get "https://ghcr.io/v2/": proxyconnect tcp: dial tcp 10.0.0.1:3128: i/o timeout',
            "REGISTRY_UNREACHABLE",
            "3128",
        ),
    ],
)
def test_a_known_fault_has_its_code_its_line_and_a_next_step(said: str, code: str, cause: str) -> None:
    found = program_errors.classify(said)
    assert found is not None
    assert found.failure.code == code
    assert cause in found.failure.evidence[0]
    assert found.failure.hint
    assert cause in program_errors.cause_line(said)


@pytest.mark.parametrize(
    "said", ["", "exit status 1", "#5 1.2 npm ERR! missing script: build", "listening on port 4290"]
)
def test_anything_else_is_no_known_fault(said: str) -> None:
    assert program_errors.classify(said) is None


UV = """\
error: Failed to fetch: `https://index.example/simple/idna/`
  Caused by: dns error
hint: network connectivity may be down"""
ALEMBIC = """\
Traceback (most recent call last):
  File "/service/alembic/env.py", line 3, in <module>
    raise RuntimeError("failed on purpose")
sqlalchemy.exc.ProgrammingError: column "nonsense" does not exist"""
WARNED = """\
time="2026-01-01T00:00:00Z" level=warning msg="the attribute `version` is obsolete"
service "shell" is not running"""


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (UV, "error: Failed to fetch: `https://index.example/simple/idna/`"),
        (ALEMBIC, 'sqlalchemy.exc.ProgrammingError: column "nonsense" does not exist'),
        (WARNED, 'service "shell" is not running'),
        ("app-1  | FATAL: out of shared memory\nHINT: increase it", "FATAL: out of shared memory"),
        ("first\nlast", "last"),
        ("", ""),
    ],
)
def test_the_line_that_states_the_cause(said: str, line: str) -> None:
    assert program_errors.cause_line(said) == line


def test_the_warnings_of_docker_are_kept_each_once() -> None:
    said = r'''time="2026" level=warning msg="The \"cd\" variable is not set. Defaulting to a blank string."
time="2027" level=warning msg="The \"cd\" variable is not set. Defaulting to a blank string."
time="2026-01-01T00:00:01Z" level=error msg="no"'''
    assert program_errors.warnings_of(said) == ['The "cd" variable is not set. Defaulting to a blank string.']
