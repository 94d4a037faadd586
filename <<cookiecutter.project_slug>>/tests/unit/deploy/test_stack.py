"""Compose: argument lists, ports, .env, and its errors in words of ours."""

import socket
from pathlib import Path
from typing import Any

import pytest

from deploy import compose, stack
from deploy.model import Failed

SERVICES: dict[str, Any] = {
    "app": {"ports": [{"host_ip": "127.0.0.1", "published": "8000", "target": 8000}]},
    "db": {
        "ports": [{"host_ip": "127.0.0.1", "published": "5432", "target": 5432}],
        "environment": {"POSTGRES_USER": "shop", "POSTGRES_DB": "orders", "POSTGRES_PASSWORD": "hidden"},
    },
    "grafana": {"ports": [{"published": "3000", "target": 3000}]},
    "migrate": {},
}
STACK = stack.Stack("shop", SERVICES)


def test_argument_lists() -> None:
    assert stack.command("up", "--detach", profiles=["tools", "observability"]) == [
        *("docker", "compose", "--profile", "tools", "--profile", "observability", "up", "--detach")
    ]


def test_traces_have_somewhere_to_go_only_with_a_collector() -> None:
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in stack.variables(["tools"])
    assert stack.variables(["observability"])["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector:4318"


def test_ports_and_the_variables_that_move_them() -> None:
    assert [(port.service, port.host, port.number, port.variable) for port in STACK.ports] == [
        ("app", "127.0.0.1", 8000, "APP_PORT"),
        ("db", "127.0.0.1", 5432, "DB_PORT"),
        ("grafana", "0.0.0.0", 3000, "GRAFANA_PORT"),  # noqa: S104
    ]
    assert STACK.port("db") == 5432


def test_the_addresses_name_no_password() -> None:
    lines = compose.addresses(STACK)
    assert [line.split()[0] for line in lines] == ["service", "docs", "database", "Grafana"]
    assert "shop@127.0.0.1:5432/orders" in lines[2]
    assert "hidden" not in "\n".join(lines)


class Engine:
    """Holds containers and volumes as the Docker SDK tells them."""

    def __init__(self, services: tuple[str, ...] = (), volumes: tuple[str, ...] = ()) -> None:
        self.running = [type("Container", (), {"labels": {stack.SERVICE_LABEL: name}}) for name in services]
        self.kept = volumes

    @property
    def containers(self) -> "Engine":
        return self

    @property
    def volumes(self) -> Any:
        return type("Volumes", (), {"list": lambda _, filters: self.kept})()

    def list(self, **_: Any) -> Any:
        return self.running


def taken_port() -> tuple[socket.socket, stack.Stack]:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    ports = [{"host_ip": "127.0.0.1", "published": str(holder.getsockname()[1])}]
    return holder, stack.Stack("shop", {"app": {"ports": ports}})


def test_a_port_that_another_program_has() -> None:
    holder, found = taken_port()
    with holder, pytest.raises(Failed, match="PORT_TAKEN") as caught:
        stack.check_ports(found, Engine())  # type: ignore[arg-type]
    assert "APP_PORT=" in caught.value.failure.hint


def test_a_port_that_we_have_ourselves() -> None:
    holder, found = taken_port()
    with holder:
        stack.check_ports(found, Engine(("app",)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (
            "error while interpolating services.db.environment.POSTGRES_PASSWORD: required variable POSTGRES_PASSWORD "
            "is missing a value: is not set - invoke up makes an .env with it",
            "ENV_MISSING",
            "POSTGRES_PASSWORD",
        ),
        ("failed to read /service/.env: line 34: key cannot contain a space", "ENV_MALFORMED", "line 34"),
        ("yaml: line 4: did not find expected key", "COMPOSE_INVALID", "configuration"),
        ("", "COMPOSE_INVALID", "configuration"),
    ],
)
def test_what_compose_says_of_its_input(said: str, code: str, words: str) -> None:
    failure = stack.explain(said).failure
    assert failure.code == code
    assert words in failure.message
    assert failure.hint


@pytest.mark.parametrize("password", ["a@b", "a/b", "a b", "a:b", "a%b", "ü"])
def test_a_password_that_no_address_can_carry(password: str) -> None:
    with pytest.raises(Failed, match="ENV_MALFORMED") as caught:
        stack.check_password(password)
    assert password not in str(caught.value)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("POSTGRES_PASSWORD", raising=False)
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    (tmp_path / ".env.example").write_text("# the database\n# POSTGRES_PASSWORD=\n# LOG_LEVEL=INFO\n")
    (tmp_path / "service.toml").write_text('[service]\nname = "shop"\n')
    return tmp_path


def test_an_env_file_is_made_once_and_for_its_owner_alone(checkout: Path) -> None:
    assert "made from .env.example" in stack.ensure_dotenv(checkout, Engine())  # type: ignore[arg-type]
    text = (checkout / ".env").read_text()
    password = text.split("POSTGRES_PASSWORD=")[1].split("\n")[0]
    assert len(password) >= 20
    stack.check_password(password)
    assert text.startswith(f"# the database\nPOSTGRES_PASSWORD={password}\n# LOG_LEVEL=INFO\n")
    assert (checkout / ".env").stat().st_mode & 0o777 == 0o600
    assert stack.ensure_dotenv(checkout, Engine()) == ""  # type: ignore[arg-type]
    assert (checkout / ".env").read_text() == text


def test_an_example_without_the_line_gets_one() -> None:
    assert stack.filled("# nothing\n", "x", "1000:1000") == "# nothing\nPOSTGRES_PASSWORD=x\n"


def test_compose_by_hand_knows_whose_files_these_are() -> None:
    assert "SERVICE_USER" not in stack.filled("POSTGRES_PASSWORD=\n", "x", "1000:1000")
    assert stack.filled("POSTGRES_PASSWORD=\n", "x", "0:0").endswith("\nSERVICE_USER=0:0\n")


def test_no_new_password_for_a_database_that_has_one(checkout: Path) -> None:
    with pytest.raises(Failed, match="PASSWORD_LOST"):
        stack.ensure_dotenv(checkout, Engine(volumes=("shop_database",)))  # type: ignore[arg-type]
    assert not (checkout / ".env").exists()
