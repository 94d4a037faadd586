"""Probes: alive, and willing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.api.application import Service
from app.api.v1.endpoints import health
from app.db.revisions import RevisionError
from app.db.schema import Undecided, is_recent_enough, older_than, require_one_head
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp


class Database:
    """Answers with a schema's heads, or with an error."""

    def __init__(self, head: str | BaseException | None) -> None:
        self.head = head
        self.asked = 0

    async def schema_heads(self) -> list[str]:
        self.asked += 1
        if isinstance(self.head, BaseException):
            raise self.head
        return self.head.split(",") if self.head else []


def revision(directory: Path, name: str, down: str) -> None:
    (directory / f"{name}.py").write_text(
        f'"""x\n\nRevision ID: {name}\n"""\n\nrevision: str = "{name}"\ndown_revision: str | None = {down}\n'
    )


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """Revisions a <- b <- c."""
    revision(tmp_path, "a", "None")
    revision(tmp_path, "b", '"a"')
    revision(tmp_path, "c", "'b'")
    (tmp_path / "note.py").write_text("# no revision")
    return tmp_path


@pytest.mark.parametrize(
    ("head", "minimum", "enough"),
    [
        (None, None, False),
        ("a", None, False),
        ("b", None, False),
        ("c", None, True),
        ("of a newer deployment", None, True),
        ("a", "b", False),
        ("b", "b", True),
        ("c", "b", True),
        ("of a newer deployment", "b", True),
        (None, "a", False),
        ("a", "unknown", True),
    ],
)
def test_at_or_above_the_minimum(versions: Path, head: str | None, minimum: str | None, enough: bool) -> None:
    assert is_recent_enough(head.split(",") if head else [], minimum, versions) is enough


def test_merges_of_branches(tmp_path: Path) -> None:
    revision(tmp_path, "a", "None")
    revision(tmp_path, "b1", '"a"')
    revision(tmp_path, "b2", '"a"')
    revision(tmp_path, "c", '("b1", "b2")')
    assert older_than(None, tmp_path) == {"a", "b1", "b2"}
    assert older_than("c", tmp_path) == {"a", "b1", "b2"}
    assert not is_recent_enough(["b1", "b2"], None, tmp_path)
    assert not is_recent_enough(["b1", "of a newer deployment"], None, tmp_path)
    assert is_recent_enough(["b1", "b2"], "b1", tmp_path)


def test_two_heads_refuse_a_start_and_readiness_names_both(tmp_path: Path) -> None:
    revision(tmp_path, "a", "None")
    revision(tmp_path, "b1", '"a"')
    require_one_head(tmp_path)
    revision(tmp_path, "b2", '"a"')
    with pytest.raises(Undecided, match=r"two heads: b1 \(x\) and b2 \(x\).*migrate.merge") as refused:
        require_one_head(tmp_path)
    assert "\n" not in str(refused.value)
    with pytest.raises(RevisionError, match="two heads"):
        is_recent_enough(["b1"], None, tmp_path)
    assert is_recent_enough(["b1"], "b1", tmp_path)


def test_a_service_without_revisions_requires_none(tmp_path: Path) -> None:
    assert is_recent_enough([], None, tmp_path)


@pytest.fixture
def app(make_app: MakeApp, versions: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(health, "is_recent_enough", lambda schema, minimum: is_recent_enough(schema, minimum, versions))
    app = make_app(image_digest="sha256:abc")
    health.install(app)
    app.state.lifecycle.started = True
    return app


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
async def test_health_touches_nothing_and_names_what_runs(app: Service, client_of: ClientOf, path: str) -> None:
    answer = await client_of(app).get(path)
    assert answer.status_code == 200
    assert answer.json()["image_digest"] == "sha256:abc"
    assert answer.json().keys() == {"status", "service", "version", "image_digest"}


async def test_ready_names_the_schema(app: Service, client_of: ClientOf) -> None:
    app.state.database = Database("c")
    answer = await client_of(app).get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "schema": "c"})


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (ConnectionRefusedError(), "database_unavailable"),
        (RuntimeError("any other"), "database_unavailable"),
        (None, "schema_too_old"),
        ("b", "schema_too_old"),
    ],
)
async def test_not_ready_before_the_database_is(app: Service, client_of: ClientOf, head: Any, code: str) -> None:
    app.state.database = Database(head)
    client = client_of(app)
    answer = await client.get("/ready")
    assert_problem(answer, 503, code)
    assert "Retry-After" in answer.headers
    app.state.database.head = "c"
    assert (await client.get("/ready")).status_code == 200


async def test_two_heads_are_not_ready_and_named(app: Service, client_of: ClientOf, versions: Path) -> None:
    app.state.database = Database("c")
    revision(versions, "c2", '"b"')
    older_than.cache_clear()
    problem = assert_problem(await client_of(app).get("/ready"), 503, "revisions_unusable")
    assert "two heads: c (x) and c2 (x). Merge them: `python3 tasks.py migrate.merge`" in problem["detail"]
    (versions / "c2.py").unlink()  # the control
    assert (await client_of(app).get("/ready")).status_code == 200


async def test_a_database_that_hangs_is_not_waited_for(
    app: Service, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def schema_heads(self) -> list[str]:
            await asyncio.sleep(60)
            return ["c"]

    monkeypatch.setattr(health, "DATABASE_SECONDS", 0.01)
    app.state.database = Hanging()
    assert_problem(await client_of(app).get("/ready"), 503, "database_unavailable")


async def test_a_later_outage_does_not_take_readiness_back(app: Service, client_of: ClientOf) -> None:
    app.state.database = Database("c")
    client = client_of(app)
    await client.get("/ready")
    app.state.database.head = ConnectionRefusedError()
    assert (await client.get("/ready")).status_code == 200
    assert app.state.database.asked == 1


async def test_not_ready_before_the_start_and_after_the_signal(app: Service, client_of: ClientOf) -> None:
    app.state.database = Database("c")
    client = client_of(app)
    app.state.lifecycle.started = False
    assert_problem(await client.get("/ready"), 503, "starting")
    app.state.lifecycle.started = True
    assert (await client.get("/ready")).status_code == 200
    app.state.lifecycle.draining = True
    assert_problem(await client.get("/ready"), 503, "draining")
    assert (await client.get("/health")).status_code == 200
