"""Settings: where they come from, and what they refuse."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.config import ConfigurationError, Settings, get_settings, load
from app.settings.database_url import parse_database_url, plain_url

PROJECT = Path(__file__).resolve().parents[3]
PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://shop:s3cure-Enough@db.example.com/shop",
}


def read() -> Settings:
    settings = load(Settings)[0]
    assert isinstance(settings, Settings)
    return settings


def problems_of(configuration: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        configuration.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        read()
    return caught.value.problems


def test_nothing_needs_to_be_set_on_a_developers_machine(configuration: pytest.MonkeyPatch) -> None:
    settings = get_settings()
    assert settings.environment == "local"
    assert settings.drain == 0
    assert settings.docs
    assert settings.bind_host == "127.0.0.1"
    assert settings.sqlalchemy_url.drivername == "postgresql+asyncpg"


def test_production_has_the_defaults_of_production(configuration: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        configuration.setenv(name, value)
    settings = read()
    assert settings.drain == 15
    assert not settings.docs
    assert settings.bind_host == "0.0.0.0"  # noqa: S104
    configuration.setenv("DOCS_ENABLED", "true")
    configuration.setenv("DRAIN_SECONDS", "3")
    assert read().docs
    assert read().drain == 3


def test_files_win_over_the_environment_which_wins_over_dotenv(
    configuration: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=dotenv\nPOSTGRES_DB=dotenv\nPOSTGRES_SERVER=dotenv\n")
    configuration.setenv("POSTGRES_USER", "environment")
    configuration.setenv("POSTGRES_DB", "environment")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "POSTGRES_USER").write_text("file\n")
    settings = read()
    assert (settings.postgres_user, settings.postgres_db, settings.postgres_server) == ("file", "environment", "dotenv")


def test_tests_do_not_read_dotenv(configuration: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=dotenv\n")
    configuration.setenv("ENVIRONMENT", "test")
    assert read().postgres_user == "postgres"


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_dotenv_is_not_read_where_it_has_no_business(
    configuration: pytest.MonkeyPatch, tmp_path: Path, environment: str
) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={PRODUCTION['DATABASE_URL']}\n")
    assert any("POSTGRES_SERVER" in problem for problem in problems_of(configuration, ENVIRONMENT=environment))


def test_the_environment_may_be_named_by_a_secret_file(configuration: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "ENVIRONMENT").write_text("production\n")
    (tmp_path / ".env").write_text(f"DATABASE_URL={PRODUCTION['DATABASE_URL']}\n")
    assert problems_of(configuration)


@pytest.mark.parametrize("source", ["environment", "file", "dotenv"])
@pytest.mark.parametrize("blank", ["\n", "\r\n", " ", "\t\n"])
def test_every_value_is_stripped(configuration: pytest.MonkeyPatch, tmp_path: Path, source: str, blank: str) -> None:
    """`echo` and editors leave a line break, and so do Secrets that are made from files."""
    url = "postgresql://shop:s3cure-Enough@db/shop"
    given = {"DATABASE_URL": url, "POSTGRES_PASSWORD": "s3cure-Enough", "LOG_LEVEL": "debug", "PORT": "8001"}
    (tmp_path / "secrets").mkdir()
    for name, value in given.items():
        if source == "environment":
            configuration.setenv(name, f" {value}{blank}")
        elif source == "file":
            (tmp_path / "secrets" / name).write_text(f"{value}{blank}")
    if source == "dotenv":
        (tmp_path / ".env").write_text(
            "".join(f"{name}='{value}{blank.strip(chr(10))}'\n" for name, value in given.items())
        )
    settings = read()
    assert settings.sqlalchemy_url.database == "shop"
    assert settings.postgres_password.get_secret_value() == "s3cure-Enough"
    assert (settings.log_level, settings.port) == ("DEBUG", 8001)


def test_a_blank_variable_counts_as_unset(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("DATABASE_URL", " \n")
    configuration.setenv("POSTGRES_DB", "\n")
    assert read().database_url is None
    assert read().postgres_db == Settings().postgres_db != ""


def test_the_environment_is_stripped_before_dotenv_is_read(configuration: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=dotenv\n")
    configuration.setenv("ENVIRONMENT", "local\n")
    assert read().postgres_user == "dotenv"
    configuration.setenv("ENVIRONMENT", "test\n")
    assert read().postgres_user == "postgres"


def test_an_empty_variable_counts_as_unset(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("DATABASE_URL", "")
    assert read().database_url is None


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_defaults_are_refused_in_one_message_that_names_each(
    configuration: pytest.MonkeyPatch, environment: str
) -> None:
    problems = problems_of(configuration, ENVIRONMENT=environment, BACKEND_CORS_ORIGINS="*")
    for name in ("POSTGRES_SERVER", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "BACKEND_CORS_ORIGINS"):
        assert any(problem.startswith(name) for problem in problems), name


@pytest.mark.parametrize("password", ["postgres", "changethis", "password"])
def test_a_publicly_known_password_is_refused(configuration: pytest.MonkeyPatch, password: str) -> None:
    url = f"postgresql://shop:{password}@db/shop"
    found = problems_of(configuration, ENVIRONMENT="production", DATABASE_URL=url)
    assert "DATABASE_URL has a publicly known password" in found[0]
    configuration.delenv("DATABASE_URL")
    for name in ("SERVER", "USER", "DB"):
        configuration.setenv(f"POSTGRES_{name}", "shop")
    assert "POSTGRES_PASSWORD has" in problems_of(configuration, POSTGRES_PASSWORD=password)[0]


def test_no_password_is_no_default(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("ENVIRONMENT", "production")
    configuration.setenv("DATABASE_URL", "postgresql://shop@db/shop")  # a certificate, or .pgpass
    assert read().sqlalchemy_url.password is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("ENVIRONMENT", "prod"),
        ("LOG_LEVEL", "LOUD"),
        ("API_V1_STR", "api"),
        ("DRAIN_SECONDS", "-1"),
        ("MAX_CONCURRENCY", "0"),
        ("BACKEND_CORS_ORIGINS", "https://shop.example.com/path"),
        ("BACKEND_CORS_ORIGINS", "shop.example.com"),
        ("DATABASE_URL", "mysql://u:hidden-word@db/shop"),
        ("DATABASE_URL", "postgresql://u:hidden-word@db:port/shop"),
        ("DATABASE_URL", "hidden-word"),
    ],
)
def test_a_malformed_setting_is_named_and_not_repeated(
    configuration: pytest.MonkeyPatch, name: str, value: str
) -> None:
    problems = problems_of(configuration, **{name: value})
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}: ")
    assert "hidden-word" not in str(ConfigurationError(problems))


def test_all_problems_are_reported_at_once(configuration: pytest.MonkeyPatch) -> None:
    assert len(problems_of(configuration, PORT="x", LOG_LEVEL="y", DATABASE_URL="z")) == 3


def test_origins_are_a_list_by_commas(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("BACKEND_CORS_ORIGINS", "https://a.example, http://localhost:3000/")
    assert read().backend_cors_origins == ["https://a.example", "http://localhost:3000"]
    configuration.setenv("BACKEND_CORS_ORIGINS", " ")
    assert read().backend_cors_origins == []


def test_secrets_do_not_show(configuration: pytest.MonkeyPatch) -> None:
    settings = Settings(database_url=SecretStr("postgresql://u:hidden-word@db/shop"))
    assert "hidden-word" not in repr(settings)
    assert "hidden-word" not in str(settings.sqlalchemy_url)


def test_parts_with_odd_characters_make_one_url(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("POSTGRES_PASSWORD", "p@ss/w:rd?#%")
    url = read().sqlalchemy_url
    assert url.password == "p@ss/w:rd?#%"
    assert parse_database_url(url.render_as_string(hide_password=False)).password == url.password


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:6432/d", "postgresql+asyncpg://u:p@h:6432/d"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("postgresql://u:p@h/d?sslmode=verify-full", "postgresql+asyncpg://u:p@h/d?ssl=verify-full"),
        ("postgresql://u:p@/d?host=/run/pg", "postgresql+asyncpg://u:p@/d?host=%2Frun%2Fpg"),
    ],
)
def test_database_urls_as_providers_write_them(given: str, expected: str) -> None:
    assert parse_database_url(given).render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40@h/d?sslmode=verify-full&sslrootcert=%2Fca.crt",
        "postgresql://u:p@/d?host=%2Frun%2Fpg",
    ],
)
def test_an_address_goes_back_to_libpqs_form(url: str) -> None:
    assert plain_url(parse_database_url(url)) == url


def test_a_file_that_is_not_here_is_named(configuration: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For the process that connects; whoever checks the settings elsewhere has no such file."""
    configuration.setenv("DATABASE_URL", "postgresql://u:p@h/d?sslmode=verify-full&sslrootcert=/nowhere/ca.crt")
    configuration.setenv("POSTGRES_SSLKEY", str(tmp_path))
    assert load(Settings, files=False)
    with pytest.raises(ConfigurationError) as caught:
        get_settings()
    assert caught.value.problems == [
        "DATABASE_URL: sslrootcert: /nowhere/ca.crt does not exist",
        f"POSTGRES_SSLKEY: {tmp_path} cannot be read: Is a directory",
    ]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "is not a URL"),
        ("postgresql+psycopg://u:p@h/d", "scheme"),
        ("postgresql://u:p@h", "names no database"),
        ("postgresql://u:p@h/d?sslmode=always", "sslmode"),
        ("postgresql://u:p@h/d?channel_binding=require", "channel_binding"),
        ('"postgresql://u:p@h/d"', "quotation mark"),
        ("postgresql://u:p@h/d?sslmode=prefer&sslrootcert=/ca.crt", "verifies nothing"),
    ],
)
def test_database_urls_that_cannot_work(given: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_database_url(given)
