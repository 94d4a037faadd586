"""The documents agree with the code: the tables of settings, of Compose's variables, and of endpoints."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.openapi.utils import get_openapi
from pydantic.fields import FieldInfo

from app.core import security
from app.core.config import ConfigurationError, Settings, load
from app.main import create_app
from app.resources import ROUTERS
from app.settings.base import EnvironmentSettings

PROJECT = Path(__file__).resolve().parents[3]
README, TABLES = PROJECT / "README.md", PROJECT / "docs" / "settings.md"
SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
MODELS: tuple[type[EnvironmentSettings], ...] = (Settings, *security.SETTINGS)

pytestmark = pytest.mark.skipif(not README.is_file(), reason="README.md is missing (an image has none)")


def rows(document: Path, title: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the table in a section, without its head."""
    text = next(found["text"] for found in SECTION.finditer(document.read_text("utf-8")) if found["title"] == title)
    table = [line.removeprefix("|").removesuffix("|").split("|") for line in text.splitlines() if line.startswith("|")]
    yield from ([cell.strip() for cell in cells] for cells in table[2:])


def variable(model: type[EnvironmentSettings], name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, str):
        return field.validation_alias
    return f"{model.model_config.get('env_prefix', '')}{name}".upper()


SETTINGS = {variable(model, name, field): field for model in MODELS for name, field in model.model_fields.items()}


REQUIRED = "required in staging and production"


def shown(default: Any) -> str:
    secret = getattr(default, "get_secret_value", None)
    text = ",".join(default) if isinstance(default, tuple) else secret() if secret else default
    return f"`{text}`"


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    assert sorted(cells[0].strip("`") for cells in rows(TABLES, "Settings")) == sorted(SETTINGS)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_the_default_of_a_setting_is_the_documented_one(name: str) -> None:
    cell = next(cells[1] for cells in rows(TABLES, "Settings") if cells[0] == f"`{name}`")
    default = SETTINGS[name].default
    if default is None or default in ([], (), {}):
        assert not re.fullmatch("`[^`]*`", cell), f"{name} has no default, {cell} is documented"
    else:
        assert cell.removesuffix(f"; {REQUIRED}") in (shown(default), "from `service.toml`")


def test_what_production_requires_is_documented_as_required(configuration: pytest.MonkeyPatch) -> None:
    """And the other way round: no default is documented that a deployment refuses."""
    configuration.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError) as caught:
        load(*MODELS)
    refused = {problem.split()[0] for problem in caught.value.problems}
    assert {cells[0].strip("`") for cells in rows(TABLES, "Settings") if REQUIRED in cells[1]} == refused


def example() -> dict[str, str]:
    """The variables of `.env.example` with their values."""
    text = (PROJECT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", text, re.MULTILINE))


def compose_variables() -> dict[str, str]:
    """Return the variables of the Compose files besides the service's settings, with their defaults."""
    texts = [path.read_text(encoding="utf-8") for path in PROJECT.glob("docker-compose*.yml")]
    found = {name: default for text in texts for name, default in re.findall(r"\$\{(\w+)(?::-([^}]*))?", text)}
    found["COMPOSE_PROJECT_NAME"] = re.findall(r"^name: (.+)$", texts[0], re.MULTILINE)[0].removesuffix("-test")
    return {name: default for name, default in found.items() if name not in SETTINGS}


def test_every_variable_of_the_example_is_read() -> None:
    assert example()
    assert example().keys() <= SETTINGS.keys() | compose_variables().keys()


def test_every_variable_of_compose_is_documented_with_its_default() -> None:
    variables = compose_variables()
    assert {"APP_PORT", "DB_PORT", "POSTGRES_VERSION"} <= variables.keys()
    assert {name: example().get(name) for name in variables} == variables
    assert {
        cells[0].strip("`"): cells[1].strip("`") for cells in rows(TABLES, "Variables of Docker Compose")
    } == variables


def test_the_compose_files_agree_on_every_default() -> None:
    """Both read `POSTGRES_VERSION`: the tests run on the version that the service has."""
    texts = [path.read_text(encoding="utf-8") for path in PROJECT.glob("docker-compose*.yml")]
    found = {pair for text in texts for pair in re.findall(r"\$\{(\w+):-([^}]*)\}", text)}
    assert len(texts) == 2
    assert len({name for name, _ in found}) == len(found)


def test_every_setting_of_authentication_is_in_the_example() -> None:
    names = {variable(model, name, field) for model in security.SETTINGS for name, field in model.model_fields.items()}
    assert names <= example().keys()


def test_the_table_of_endpoints_is_that_of_the_api(configuration: pytest.MonkeyPatch) -> None:
    """Every documented endpoint is served; every generated one, and every probe, is documented."""
    documented = {found for cells in rows(README, "Endpoints") for found in re.findall("`([A-Z]+ /[^`]*)`", cells[0])}
    app = create_app()
    served = {
        f"{method.upper()} {path}"
        for path, operations in get_openapi(title="", version="", routes=app.routes)["paths"].items()
        for method in operations
    }
    prefixes = [getattr(router, "prefix", "") for router in ROUTERS]
    generated = {_general(endpoint, prefixes) for endpoint in served} - served
    probes = {endpoint for endpoint in served if endpoint.endswith(("/health", "/ready"))}
    assert generated | probes <= documented
    assert documented <= generated | served or not ROUTERS


def _general(endpoint: str, prefixes: list[str]) -> str:
    """`GET /api/v1/products/{id}` as `GET /api/v1/{resource}/{id}`."""
    for prefix in prefixes:
        endpoint = re.sub(rf"^(\w+ /api/v1){re.escape(prefix)}(/|\Z)", r"\1/{resource}\2", endpoint)
    return endpoint
