"""`up`, `verify` and `down` as a person has them, and the suite in containers."""

import json
import os
import re
import time
import urllib.request
from pathlib import Path

import pytest

from tests.image.conftest import Checkout, docker
from tests.support import linters
from tests.support.running import wait_for

# A proxy that leads nowhere, and no exception from it: what is on this machine is reached without.
NO_WAY_OUT = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}
TEST_FILE = ("--file", "docker-compose.test.yml")
ON_THE_DATABASE = {"containers", "create", "migrations", "tables", "tests"}
WITHOUT_IT = {"api", "documents", "manifests", "settings"}
OF_THE_SERVICE = {"api", "documents", "create", "read"}
OF_THE_PROJECT = {"containers", "migrations", "tables", "tests", "pipeline", "manifests", "settings"}


def get(checkout: Checkout, path: str, port: str = "APP_PORT", token: str = "") -> str:
    return call(checkout, path, port=port, token=token)


def call(checkout: Checkout, path: str, body: bytes | None = None, *, port: str = "APP_PORT", token: str = "") -> str:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    address = f"http://127.0.0.1:{checkout.variables[port]}{path}"
    request = urllib.request.Request(address, body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        text: str = answer.read().decode()
        return text


def lines_of(said: str) -> dict[str, str]:
    """Status of each line of `verify --json`."""
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {event["step"]: event["status"] for event in events if event["event"] == "result"}


def test_up_from_nothing_then_the_checklist_by_hand(compose: Checkout, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    name = f"{compose.variables['COMPOSE_PROJECT_NAME']}-development"
    earlier = docker("build", "--quiet", "--tag", name, str(tmp_path))
    first = compose.ok("up")
    assert earlier not in docker("image", "ls", "--quiet", "--no-trunc"), "a build leaves no image without a name"
    assert ".env created from .env.example" in first.out
    assert f"http://127.0.0.1:{compose.variables['APP_PORT']}/docs" in first.out
    compose.ok("down")

    again = compose.ok("up", **NO_WAY_OUT)
    print(f"\nup: {first.seconds:.1f} s with the image's build, {again.seconds:.1f} s without")
    assert "swagger" in get(compose, "/docs").lower()
    assert "/api/v1/products" in json.loads(get(compose, "/openapi.json"))["paths"]
    body = json.dumps({"name": "Lamp", "price": "9.50"}).encode()
    token = compose.token()
    made = json.loads(call(compose, "/api/v1/products", body, token=token))
    assert json.loads(get(compose, f"/api/v1/products/{made['id']}", token=token)) == made
    assert compose.compose("exec", "-T", "app", "alembic", "upgrade", "head").strip() == ""
    query = ("exec", "-T", "db", "psql", "-U", "postgres", "-d", "shop", "-Atc", "SELECT count(*) FROM products")
    assert compose.compose(*query).strip() == "1"

    same = compose.ok("up")
    assert re.search(r"^ok +containers", same.out, re.M), str(same)
    labels = ("--filter", _label(compose))
    assert docker("image", "ls", "--quiet", "--filter", "dangling=true", *labels) == "", "one built image a service"

    path = compose.folder / "app" / "resources.py"
    path.write_text(path.read_text() + 'print("saved and served")\n')
    wait_for(lambda: "saved and served" in compose.compose("logs", "app"), "saving a file starts the service again")
    wait_for(lambda: _answers(compose), "it serves again")


def _answers(checkout: Checkout) -> bool:
    try:
        return bool(json.loads(get(checkout, "/health")))
    except OSError:
        return False


@pytest.mark.alone
@pytest.mark.drill(minutes=2)
def test_every_line_of_verify_passes(compose: Checkout) -> None:
    """Minutes, because the whole suite runs in the container."""
    began = time.monotonic()
    ended = compose.task(
        "verify", "--tests", "--json", PATH=f"{Path(linters.actionlint()).parent}{os.pathsep}{os.environ['PATH']}"
    )
    seen = lines_of(ended.out)
    print(f"\nverify: {time.monotonic() - began:.0f} s, {seen}")
    assert set(seen.values()) == {"ok"}, str(ended)
    assert seen.keys() >= OF_THE_SERVICE | OF_THE_PROJECT
    assert ended.code == 0
    assert docker("ps", "--quiet", "--filter", _label(compose)) == "", "what verify has started, it stops"


@pytest.mark.alone
@pytest.mark.drill
def test_verify_tells_what_a_stopped_database_takes_away(compose: Checkout) -> None:
    compose.ok("up")
    compose.compose("stop", "db")
    ended = compose.task("verify", "--tests", "--json")
    seen = lines_of(ended.out)
    assert ended.code == 1
    assert {name for name, status in seen.items() if status == "failed"} == ON_THE_DATABASE, str(ended)
    assert {name for name, status in seen.items() if status == "ok"} >= WITHOUT_IT, str(ended)
    assert seen["read"] == "skipped"
    assert "Traceback" not in ended.out


@pytest.mark.drill
def test_verify_of_a_deployed_service(compose: Checkout) -> None:
    compose.ok("up")
    address = f"http://127.0.0.1:{compose.variables['APP_PORT']}"
    token = compose.token()
    ended = compose.ok("verify", "--base-url", address, TOKEN=token)
    assert re.findall(r"^ok +(\w+)", ended.out, re.M) == ["api", "documents", "create", "read"]
    assert json.loads(get(compose, "/api/v1/products", token=token))["items"] == [], "verify leaves nothing behind"
    away = compose.task("verify", "--base-url", "http://127.0.0.1:1", TOKEN=token)
    assert away.code == 1
    assert "NO_ANSWER" in away.out
    assert "Traceback" not in away.out


@pytest.mark.drill
def test_verify_without_docker_skips_and_never_passes(checkout: Checkout) -> None:
    ended = checkout.task("verify", "--json", DOCKER_HOST="unix:///nowhere/docker.sock")
    seen = lines_of(ended.out)
    for name in OF_THE_SERVICE | {"containers", "migrations", "tables", "tests"}:
        assert seen[name] == "skipped"
    assert "no Docker engine answers" in ended.out


def _label(checkout: Checkout) -> str:
    return f"label=com.docker.compose.project={checkout.variables['COMPOSE_PROJECT_NAME']}"


@pytest.mark.parametrize(("command", "code"), [(["true"], 0), (["sh", "-c", "exit 3"], 3)])
def test_the_suite_in_containers_passes_its_exit_code_on(compose: Checkout, command: list[str], code: int) -> None:
    ended = _in_test_containers(compose, *command)
    assert ended == code


def test_the_suite_in_containers_runs_on_its_postgresql(compose: Checkout) -> None:
    script = "import asyncio, asyncpg, os; asyncio.run(asyncpg.connect(os.environ['DATABASE_URL']))"
    assert _in_test_containers(compose, "python", "-c", script) == 0
    assert _in_test_containers(compose, "pytest", "-q", "tests/unit/resources") == 0


@pytest.mark.alone
@pytest.mark.drill(minutes=2)
def test_the_whole_suite_passes_in_containers(compose: Checkout) -> None:
    """As the file's head says; its user has no name, its project can't be written to."""
    compose.variables["SERVICE_USER"] = "10001:10001"
    said = compose.compose(*TEST_FILE, "run", "--build", "--rm", "tests")
    assert re.search(r"^\d{4} passed", said, re.MULTILINE), said


def _in_test_containers(checkout: Checkout, *command: str) -> int:
    said = checkout.compose(
        *TEST_FILE, "run", "--build", "--rm", "tests", "sh", "-c", '"$@"; echo "ended: $?"', "-", *command
    )
    found = re.findall(r"ended: (\d+)", said)
    assert found, said
    return int(found[-1])


@pytest.mark.drill
def test_prometheus_finds_the_service(compose: Checkout) -> None:
    """Of the profile `observability` what has an image here; of the others the configuration is checked below."""
    if not docker("image", "ls", "--quiet", "prom/prometheus:latest"):
        pytest.skip("there is no image prom/prometheus:latest, and it may not be fetched")
    compose.variables["PROMETHEUS_VERSION"] = "latest"
    compose.ok("up")
    compose.compose("--profile", "observability", "up", "--detach", "--no-deps", "prometheus")

    def healthy() -> bool:
        try:
            targets = json.loads(get(compose, "/api/v1/targets", "PROMETHEUS_PORT"))["data"]["activeTargets"]
        except OSError:
            return False
        return [target["health"] for target in targets] == ["up"]

    wait_for(healthy, "Prometheus scrapes the service")


def test_the_data_have_one_place_in_every_version_of_postgresql(compose: Checkout, tmp_path: Path) -> None:
    """Images since 18 have another PGDATA and declare another volume; this one is made to be like them."""
    tag = f"{compose.variables['COMPOSE_PROJECT_NAME']}-like-18"
    (tmp_path / "Dockerfile").write_text(
        f"FROM postgres:{compose.variables['POSTGRES_VERSION']}\n"
        "ENV PGDATA=/var/lib/postgresql/18/docker\nVOLUME /var/lib/postgresql\n"
    )
    docker("build", "--quiet", "--tag", f"postgres:{tag}", str(tmp_path))
    query = ("exec", "-T", "db", "psql", "-U", "postgres", "-Atc")
    compose.variables["POSTGRES_PASSWORD"] = "of-a-test"
    try:
        compose.compose("up", "--detach", "--wait", "db")
        compose.compose(*query, "CREATE TABLE kept ()")
        compose.compose("down")
        compose.variables["POSTGRES_VERSION"] = tag
        compose.compose("up", "--detach", "--wait", "db")
        assert compose.compose(*query, "SELECT count(*) FROM kept").strip() == "0"
        mounts = docker("inspect", "--format", "{{json .Mounts}}", compose.compose("ps", "--quiet", "db").strip())
        volumes = [mount["Name"] for mount in json.loads(mounts) if mount["Type"] == "volume"]
        assert volumes == [f"{compose.variables['COMPOSE_PROJECT_NAME']}_database"], (
            "none without a name is left behind"
        )
    finally:
        compose.compose("down", "--volumes")
        docker("image", "rm", "--force", f"postgres:{tag}")


def test_every_profile_is_valid_and_mounts_what_there_is(checkout: Checkout) -> None:
    checkout.variables["POSTGRES_PASSWORD"] = "x"
    text = checkout.compose("--profile", "*", "config", "--format", "json")
    services = json.loads(text)["services"]
    assert {
        "app",
        "db",
        "migrate",
        "pgadmin",
        "prometheus",
        "grafana",
        "otel-collector",
        "jaeger",
        "loki",
        "alloy",
    } <= set(services)
    for name, service in services.items():
        for port in service.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", name
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind":
                assert Path(volume["source"]).exists(), (name, volume)


def test_no_secret_is_in_the_compose_file(checkout: Checkout) -> None:
    text = (checkout.folder / "docker-compose.yml").read_text()
    for name, value in re.findall(r"^ *(\w*PASSWORD\w*): (.+)$", text, re.M):
        assert value.startswith("${POSTGRES_PASSWORD:?"), name
