"""The documentation pages: everything from here, nothing inline."""

import re

import pytest

from app.api import docs
from app.api.application import Service
from app.main import create_app
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp


@pytest.fixture
def app(make_app: MakeApp) -> Service:
    app = make_app()
    docs.install(app)
    return app


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_is_made_of_files_that_are_here(app: Service, client_of: ClientOf, page: str) -> None:
    client = client_of(app)
    answer = await client.get(page)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "http" not in answer.text.replace("http-equiv", "")
    assert not re.search(r"<script(?! src=)|<style| on\w+=|javascript:", answer.text)
    links = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(links) >= 3
    for link in links:
        file = await client.get(f"/{link}")
        assert file.status_code == 200, link
        assert len(file.content) > 50


async def test_redoc_loads_no_external_badge(app: Service, client_of: ClientOf) -> None:
    script = (await client_of(app).get("/docs/assets/redoc.standalone.js")).text
    assert "cdn.redoc.ly" not in script
    assert "docs/assets/favicon.png" in script


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_scripts_come_from_here_alone(app: Service, client_of: ClientOf, page: str) -> None:
    policy = (await client_of(app).get(page)).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fcore.py", "__init__.py"])
async def test_no_other_file_is_given_out(app: Service, client_of: ClientOf, name: str) -> None:
    assert_problem(await client_of(app).get(f"/docs/assets/{name}"), 404)


async def test_the_title_is_text(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app(project_name="<b>Shop & more")
    docs.install(app)
    assert "<title>&lt;b&gt;Shop &amp; more</title>" in (await client_of(app).get("/docs")).text


def test_without_the_package_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="fastapi-offline"):
        docs.assets_directory()


@pytest.mark.parametrize(("enabled", "status"), [("false", 404), ("true", 200)])
async def test_a_setting_turns_them_off(
    configuration: pytest.MonkeyPatch, client_of: ClientOf, enabled: str, status: int
) -> None:
    configuration.setenv("ENVIRONMENT", "test")
    configuration.setenv("DOCS_ENABLED", enabled)
    client = client_of(create_app())
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/assets/favicon.png"):
        assert (await client.get(path)).status_code == status
