"""The image as an orchestrator runs it: read-only, without rights, with signals; it migrates, and it ends well."""

import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.image.conftest import Checkout, Database, Run, docker, state
from tests.support.load import Load
from tests.support.provider import Provider
from tests.support.running import free_port, wait_for

NOWHERE = "postgresql://shop:a-long-password@db.invalid/shop"
GRACE = 40


def ask(container: str, path: str) -> tuple[int, dict[str, object]]:
    """From inside: it has no network."""
    script = (
        "import http.client; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=10); "
        f"c.request('GET', '{path}'); r = c.getresponse(); print(r.status); print(r.read().decode())"
    )
    status, _, body = docker("exec", container, "python", "-c", script, check=False).partition("\n")
    return int(status) if status.isdigit() else 0, json.loads(body) if status.isdigit() else {}


def test_read_only_without_rights_and_without_a_network(image: str, run: Run) -> None:
    container = run(image, options=("--network", "none"), DATABASE_URL=NOWHERE, HOST="::")
    wait_for(lambda: ask(container, "/health")[0] == 200, "/health answers")
    status, ready = ask(container, "/ready")
    assert status == 503
    assert ready["code"] == "database_unavailable"
    assert "database" in str(ready["detail"])
    assert docker("exec", container, "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline") == "python -m app"
    assert docker("exec", container, "id", "-u") == "10001"
    wait_for(lambda: state(container)["Health"]["Status"] == "healthy", "the health check passes")  # type: ignore[index]


def test_without_settings_it_says_which_ones(image: str, run: Run) -> None:
    container = run(image, JWT_KEY="", JWT_ISSUER="", JWT_AUDIENCE="")
    wait_for(lambda: state(container)["Status"] == "exited", "it gives up")
    said = docker("logs", container)
    assert state(container)["ExitCode"] == 78
    for name in ("POSTGRES_PASSWORD", "JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"):
        assert name in said
    assert "Traceback" not in said


def test_it_migrates_once_and_has_nothing_to_do_then(image: str, run: Run, database: Database) -> None:
    for _ in range(2):
        container = run(image, "migrate", options=("--network", database.network), DATABASE_URL=database.url)
        wait_for(lambda: state(container)["Status"] == "exited", "it ends")  # noqa: B023
        assert state(container)["ExitCode"] == 0, docker("logs", container)
    tables = docker("exec", database.container, "psql", "-U", "postgres", "-Atc", r"\dt")
    assert "products" in tables


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        (NOWHERE, 69, "no connection to PostgreSQL at db.invalid:5432"),
        ("", 78, "POSTGRES_SERVER is not set"),
        ("postgresql://nobody:wrong-password@{host}/postgres", 78, "password authentication failed"),
    ],
    ids=["unreachable", "no settings", "wrong password"],
)
def test_a_migration_that_can_not_begin_says_why(
    image: str, run: Run, database: Database, url: str, code: int, words: str
) -> None:
    url = url.format(host=database.container)
    container = run(image, "migrate", options=("--network", database.network), **({"DATABASE_URL": url} if url else {}))
    wait_for(lambda: state(container)["Status"] == "exited", "it ends")
    said = docker("logs", container)
    assert state(container)["ExitCode"] == code, said
    assert words in said
    assert "Traceback" not in said


def _serving(image: str, run: Run, database: Database, drain: int) -> tuple[str, int]:
    port = free_port()
    options = ("--network", database.network, "--publish", f"127.0.0.1:{port}:8000")
    container = run(
        image,
        options=options,
        DATABASE_URL=database.url,
        DRAIN_SECONDS=str(drain),
        GRACEFUL_SECONDS="10",
        LOG_LEVEL="WARNING",
    )
    wait_for(lambda: _ready(port), "/ready")
    return container, port


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=60) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _follow(load: Load, first: int, second: int, stopped: threading.Event) -> None:
    """A load balancer in one line: who is not ready gets no new connections."""
    while not stopped.wait(0.3):  # is to run out
        load.port = first if _ready(first) else second


def _stop_under_load(image: str, run: Run, database: Database, token: str, drain: int) -> tuple[Load, int, float]:
    migrated = run(image, "migrate", options=("--network", database.network), DATABASE_URL=database.url)
    wait_for(lambda: state(migrated)["Status"] == "exited", "it is migrated")
    assert state(migrated)["ExitCode"] == 0
    first, port = _serving(image, run, database, drain)
    _, other = _serving(image, run, database, drain)
    load, stopped = Load(f"http://127.0.0.1:{port}", rate=80, token=token), threading.Event()
    balancer = threading.Thread(target=_follow, args=(load, port, other, stopped), daemon=True)
    with load:
        balancer.start()
        wait_for(lambda: load.sent > 100, "there is load")
        began = time.monotonic()
        docker("stop", "--time", str(GRACE), first)
        seconds = time.monotonic() - began
        sent = load.sent
        wait_for(lambda: load.sent > sent + 50, "the other one has it")
    stopped.set()
    balancer.join()
    return load, int(str(state(first)["ExitCode"])), seconds


@pytest.mark.alone
def test_docker_stop_under_load_fails_no_request(image: str, run: Run, database: Database, provider: Provider) -> None:
    load, code, seconds = _stop_under_load(image, run, database, provider.token(), drain=4)
    print(f"\ndocker stop: {sum(load.failures.values())} of {load.sent} failed, exit {code} after {seconds:.1f} s")
    assert not load.failures
    assert code == 0


@pytest.mark.alone
def test_without_the_drain_requests_do_fail(image: str, run: Run, database: Database, provider: Provider) -> None:
    """The control: the same load sees the difference."""
    load, code, _ = _stop_under_load(image, run, database, provider.token(), drain=0)
    assert load.failures
    assert not any("401" in what for what in load.failures), "the control fails for another reason"
    assert code == 0


def test_hadolint_finds_nothing(shop: Path) -> None:
    done = subprocess.run(
        [str(shop / ".venv" / "bin" / "hadolint"), "Dockerfile"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    text = (shop / "Dockerfile").read_text()
    bad = re.sub(r"^USER 10001.*\n", "USER root\n", text, flags=re.M).replace("--no-cache-dir ", "")
    control = subprocess.run(
        [str(shop / ".venv" / "bin" / "hadolint"), "-"], input=bad, capture_output=True, text=True, check=False
    )
    assert control.returncode != 0


def test_a_plain_docker_build_makes_the_same_service(checkout: Checkout, own_registry_path: str) -> None:
    """Nothing of it hangs on `invoke build`: the last target is the one for production."""
    docker("build", "--quiet", "--tag", f"{own_registry_path}:plain", str(checkout.folder))
    assert (
        docker("image", "inspect", "--format", "{{.Config.User}} {{.Config.Cmd}}", f"{own_registry_path}:plain")
        == "10001:10001 [serve]"
    )
