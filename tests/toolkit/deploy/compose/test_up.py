"""Compose: argument lists, ports, .env, whose stack it is, and its errors in our words."""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.compose import config, dotenv, first_up, owner, ports, up
from toolkit.deploy.outcomes import Failed

SERVICES: dict[str, Any] = {
    "app": {"ports": [{"host_ip": "127.0.0.1", "published": "8000", "target": 8000}]},
    "db": {
        "ports": [{"host_ip": "127.0.0.1", "published": "5432", "target": 5432}],
        "environment": {"POSTGRES_USER": "shop", "POSTGRES_DB": "orders", "POSTGRES_PASSWORD": "hidden"},
    },
    "grafana": {"ports": [{"published": "3000", "target": 3000}]},
    "migrate": {},
}
STACK = config.Stack("shop", SERVICES)


def test_argument_lists() -> None:
    assert config.command("up", "--detach", profiles=["tools", "observability"]) == [
        *("docker", "compose", "--profile", "tools", "--profile", "observability", "up", "--detach")
    ]


def test_traces_have_somewhere_to_go_only_with_a_collector() -> None:
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in config.variables(["tools"])
    assert config.variables(["observability"])["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector:4318"


def test_ports_and_the_variables_that_move_them() -> None:
    assert [(port.service, port.host, port.number, port.variable) for port in STACK.ports] == [
        ("app", "127.0.0.1", 8000, "APP_PORT"),
        ("db", "127.0.0.1", 5432, "DB_PORT"),
        ("grafana", "0.0.0.0", 3000, "GRAFANA_PORT"),  # noqa: S104
    ]
    assert STACK.port("db") == 5432


def test_the_addresses_name_no_password() -> None:
    lines = up.addresses(STACK)
    assert [line.split()[0] for line in lines] == ["service", "docs", "database", "Grafana"]
    assert "shop@127.0.0.1:5432/orders" in lines[2]
    assert "hidden" not in "\n".join(lines)


class Engine:
    """Holds containers and volumes as the Docker SDK gives them."""

    def __init__(self, containers: Sequence[Mapping[str, str]] = (), volumes: Mapping[str, Any] | None = None) -> None:
        self.running = [SimpleNamespace(labels=labels, attrs={}, name="shop-app-1") for labels in containers]
        self.kept = dict(volumes or {})

    @property
    def containers(self) -> Any:
        return SimpleNamespace(list=lambda **_: self.running)

    @property
    def volumes(self) -> Any:
        return SimpleNamespace(list=self._volumes, create=self._create)

    def _volumes(self, filters: Mapping[str, str]) -> list[Any]:
        return [
            SimpleNamespace(attrs={"Labels": labels})
            for name, labels in self.kept.items()
            if filters.get("name", f"^{name}$") == f"^{name}$"
            and filters.get("label", "") in ("", f"{config.PROJECT_LABEL}={labels.get(config.PROJECT_LABEL)}")
        ]

    def _create(self, name: str, labels: Mapping[str, str]) -> None:
        self.kept[name] = labels


def engine(*containers: Mapping[str, str], volumes: Mapping[str, Any] | None = None) -> Any:
    return Engine(containers, volumes)


def taken_port() -> tuple[socket.socket, config.Stack]:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    published = [{"host_ip": "127.0.0.1", "published": str(holder.getsockname()[1])}]
    return holder, config.Stack("shop", {"app": {"ports": published}})


def test_a_port_that_another_program_has() -> None:
    holder, found = taken_port()
    with holder, pytest.raises(Failed, match="PORT_TAKEN") as caught:
        ports.check(found, engine())
    assert "APP_PORT=" in caught.value.failure.hint
    assert "another program" in caught.value.failure.message


def test_a_port_that_another_checkout_has() -> None:
    holder, found = taken_port()
    client = engine({owner.FOLDER_LABEL: "/home/ada/shop"})
    entry = {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(found.port("app"))}], "9000/tcp": None}
    client.running[0].attrs["NetworkSettings"] = {"Ports": entry}
    with holder, pytest.raises(Failed, match="PORT_TAKEN") as caught:
        ports.check(found, client)
    assert "container shop-app-1 of /home/ada/shop" in caught.value.failure.message


def test_a_port_that_we_have_ourselves() -> None:
    holder, found = taken_port()
    with holder:
        ports.check(found, engine({config.SERVICE_LABEL: "app"}))


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
    failure = config.explain(said).failure
    assert failure.code == code
    assert words in failure.message
    assert failure.hint


@pytest.mark.parametrize("password", ["a@b", "a/b", "a b", "a:b", "a%b", "ü", "ab$cd"])
@pytest.mark.parametrize("name", dotenv.ADDRESS_PARTS)
def test_what_no_address_can_carry(name: str, password: str) -> None:
    with pytest.raises(Failed, match="ENV_MALFORMED") as caught:
        dotenv.check_address_parts({name: password})
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("POSTGRES_PASSWORD=ab$cd", True),
        ('POSTGRES_PASSWORD="ab${cd}"', True),
        ("POSTGRES_PASSWORD='ab$cd'", True),
        ("export POSTGRES_PASSWORD=ab$$cd", True),
        ("POSTGRES_USER=$USER", True),
        ("POSTGRES_DB=$shop", True),
        ("POSTGRES_PASSWORD=abcd # costs $3", False),
        ("# POSTGRES_PASSWORD=ab$cd", False),
        ("LOG_LEVEL=ab$cd", False),
    ],
)
def test_a_variable_inside_of_a_password_is_refused(checkout: Path, line: str, refused: bool) -> None:
    """Compose would put in the variable's value, or nothing, and start with what is left."""
    (checkout / ".env").write_text(f"LOG_LEVEL=INFO\n{line}\n")
    if refused:
        with pytest.raises(Failed, match="ENV_MALFORMED") as caught:
            dotenv.check_file(checkout)
        assert "cd" not in str(caught.value)
    else:
        dotenv.check_file(checkout)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*dotenv.ADDRESS_PARTS, dotenv.PROJECT):
        monkeypatch.delenv(name, raising=False)
    return _checkout(tmp_path / "mine")


def _checkout(folder: Path) -> Path:
    folder.mkdir()
    (folder / ".env.example").write_text("# the database\n# POSTGRES_PASSWORD=\n# LOG_LEVEL=INFO\n")
    (folder / "service.toml").write_text('[service]\nname = "shop"\n')
    return folder


def test_an_env_file_is_made_once_and_for_its_owner_alone(checkout: Path) -> None:
    assert "created from .env.example" in first_up.ensure_dotenv(checkout, engine())
    text = (checkout / ".env").read_text()
    password = text.split("POSTGRES_PASSWORD=")[1].split("\n")[0]
    assert len(password) >= 20
    dotenv.check_address_parts({dotenv.PASSWORD: password})
    assert text.startswith(f"# the database\nPOSTGRES_PASSWORD={password}\n# LOG_LEVEL=INFO\n")
    assert (checkout / ".env").stat().st_mode & 0o777 == 0o600
    assert first_up.ensure_dotenv(checkout, engine()) == ""
    assert (checkout / ".env").read_text() == text


def test_an_example_without_the_line_gets_one() -> None:
    assert dotenv.filled("# nothing\n", {"X": "1"}, "1000:1000") == "# nothing\nX=1\n"


def test_compose_by_hand_knows_whose_files_these_are() -> None:
    assert "SERVICE_USER" not in dotenv.filled("POSTGRES_PASSWORD=\n", {}, "1000:1000")
    assert dotenv.filled("# SERVICE_USER=1000:1000\nA=1\n", {}, "0:0") == "SERVICE_USER=0:0\nA=1\n"


def test_no_new_password_for_a_database_that_has_one(checkout: Path) -> None:
    with pytest.raises(Failed, match="PASSWORD_LOST") as caught:
        first_up.ensure_dotenv(checkout, engine(volumes={"shop_database": {}}))
    assert not (checkout / ".env").exists()
    assert "--volumes" not in str(caught.value), "whose data these are is not known"
    assert "COMPOSE_PROJECT_NAME=shop-" in caught.value.failure.hint


def test_the_database_of_this_folder_may_be_dropped(checkout: Path) -> None:
    with pytest.raises(Failed, match="down --volumes"):
        first_up.ensure_dotenv(checkout, engine(volumes={"shop_database": made_by(checkout)}))


def made_by(folder: Path) -> dict[str, str]:
    return {config.PROJECT_LABEL: "shop", owner.FOLDER_LABEL: str(folder)}


@pytest.mark.parametrize("kept", ["containers", "volume"])
def test_a_second_checkout_gets_a_stack_of_its_own(checkout: Path, tmp_path: Path, kept: str) -> None:
    other = _checkout(tmp_path / "other")
    client = engine(made_by(other)) if kept == "containers" else engine(volumes={"shop_database": made_by(other)})
    said = first_up.ensure_dotenv(checkout, client)
    own = dotenv.read(checkout, dotenv.PROJECT)
    assert own == owner.project_name(checkout) == owner.own_name(checkout) != owner.own_name(other)
    assert own in said
    assert str(other) in said


@pytest.mark.parametrize("task", ["up", "down", "logs", "verify"])
def test_a_stack_of_another_folder_is_left_alone(checkout: Path, tmp_path: Path, task: str) -> None:
    other = _checkout(tmp_path / "other")
    client = engine(made_by(checkout), made_by(other))
    with pytest.raises(Failed, match="STACK_ELSEWHERE") as caught:
        owner.require_own(client, "shop", checkout, task)
    assert str(other) in str(caught.value)
    hint = caught.value.failure.hint
    assert "--volumes" not in hint
    assert ("COMPOSE_PROJECT_NAME=" in hint) if task == "up" else (f"cd {other}" in hint)


def test_a_folder_that_is_gone_owns_nothing(checkout: Path, tmp_path: Path) -> None:
    owner.require_own(engine(made_by(tmp_path / "moved")), "shop", checkout, "up")


def test_a_folder_has_one_owner_whatever_the_way_to_it(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(checkout)
    owner.require_own(engine(made_by(link)), "shop", checkout, "up")


def test_volumes_are_made_with_the_folder_that_they_belong_to(checkout: Path, tmp_path: Path) -> None:
    services = {"db": {"volumes": [{"type": "volume", "source": "database"}]}}
    found = config.Stack("shop", services, {"database": "shop_database", "grafana": "shop_grafana"})
    client = engine()
    owner.claim(client, found, checkout)
    assert list(client.kept) == ["shop_database"]
    assert owner.other_folder(client, "shop", checkout) == ""
    assert owner.other_folder(client, "shop", _checkout(tmp_path / "other")) == str(checkout)


def test_a_mount_that_a_container_cannot_read(checkout: Path) -> None:
    folder = checkout / "observability" / "loki"
    folder.mkdir(parents=True)
    (folder / "loki.yml").write_text("")
    mount = {"type": "bind", "source": str(folder)}
    found = config.Stack(
        "shop", {"app": {"volumes": [{**mount, "source": str(checkout)}]}, "loki": {"volumes": [mount]}}
    )
    config.check_mounts(checkout, found)
    (folder / "loki.yml").chmod(0o600)
    with pytest.raises(Failed, match="MOUNT_UNREADABLE") as caught:
        config.check_mounts(checkout, found)
    assert caught.value.failure.hint == "chmod -R go+rX observability"
