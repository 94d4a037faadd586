"""Checks of a running service from outside: probes, documents, and creating and reading an object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from toolkit.deploy.outcomes import fail
from toolkit.deploy.verify.checklist import Skipped
from toolkit.dev import service
from toolkit.dev.service import Example

if TYPE_CHECKING:
    from httpx2 import Client, Response

SECONDS = 10.0
METHODS = ("get", "post", "put", "patch", "delete")
OK, CREATED, NOT_FOUND = 200, 201, 404


@dataclass(frozen=True)
class Created:
    location: str
    body: dict[str, Any]


@dataclass
class Served:
    """The service of `project` at `url`.

    `headers` are those of a caller with all scopes; None without a token. `made` are the addresses of created
    objects, `created` the objects to read back, by path.
    """

    project: Path
    url: str
    headers: Mapping[str, str] | None
    made: list[str] = field(default_factory=list)
    created: dict[str, Created] = field(default_factory=dict)

    def api(self) -> str:
        """Check liveness and readiness."""
        with self._client() as client:
            health = _expect(client.get("/health"), OK).json()
            ready = _expect(client.get("/ready"), OK).json()
        return f"{health['service']} {health['version']} at {self.url}, schema at {ready['schema'] or 'no revision'}"

    def documents(self) -> str:
        """Check /docs and /redoc with all files that they load, and the operations in the OpenAPI document."""
        with self._client() as client:
            answer = client.get("/docs")
            if answer.status_code == NOT_FOUND:
                raise Skipped("the documentation is disabled there (DOCS_ENABLED), the default in production")
            files = _assets(client, "/docs", answer) + _assets(client, "/redoc", client.get("/redoc"))
            paths: dict[str, Any] = _expect(client.get("/openapi.json"), OK).json()["paths"]
        operations = sum(method in METHODS for path in paths.values() for method in path)
        missing = [example.path for example in self._examples if example.path not in paths]
        if missing:
            raise fail(
                "DOCS_INCOMPLETE", f"the OpenAPI document lacks {', '.join(missing)}", hint="`python3 tasks.py dev`"
            )
        return f"/docs and /redoc load their {files} files; {operations} operations are listed"

    def create(self) -> str:
        """POST each resource, with its example."""
        self._writing(self._create)
        return ", ".join(f"POST {path}: 201" for path in self.created) or "the service has no resources"

    def read(self) -> str:
        """Check that GET by id returns the created object."""
        if not self.created:
            raise Skipped("nothing was created")
        self._writing(self._read)
        return ", ".join(f"GET {path}/{{id}}: as created" for path in self.created)

    def clean_up(self) -> None:
        """Delete the created objects, in reverse order of references. Best effort: the checks are complete."""
        if self.made and self.headers is not None:
            with self._client() as client:
                while self.made:
                    client.delete(self.made.pop())

    @cached_property
    def _examples(self) -> tuple[Example, ...]:
        """Return the examples. Raises Failed NO_EXAMPLE."""
        try:
            return service.examples(self.project)
        except service.ServiceError as error:
            raise fail("NO_EXAMPLE", str(error)) from None

    def _create(self, client: Client) -> None:
        for example in self._examples:
            references = {name: self.created[path].body["id"] for name, path in example.references.items()}
            answer = _expect(client.post(example.path, json={**example.body, **references}), CREATED)
            location = _location(answer)
            self.made.append(location)
            self.created[example.path] = Created(location, answer.json())

    def _read(self, client: Client) -> None:
        for path, created in self.created.items():
            found = _expect(client.get(created.location), OK).json()
            if found != created.body:
                raise fail(
                    "READ_DIFFERS", f"{path} returns a different object", json.dumps(created.body), json.dumps(found)
                )

    def _writing(self, work: Callable[[Client], None]) -> None:
        if self.headers is None:
            raise Skipped("it requires a token: set the variable TOKEN")
        with self._client() as client:
            work(client)

    def _client(self) -> Client:
        import httpx2

        return httpx2.Client(base_url=self.url, headers=dict(self.headers or {}), timeout=SECONDS)


def _assets(client: Client, page: str, answer: Response) -> int:
    """Return the number of files that a page loads, all of which exist. Raises Failed for a page without a script."""
    html = _expect(answer, OK).text
    if "<script" not in html:
        raise fail("DOCS_EMPTY", f"{page} has no script, so it would be empty")
    files = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"#]+)"', html)
    for name in files:
        if not name.startswith("data:"):
            _expect(client.get(urljoin(page, name)), OK)
    return len(files)


def _expect(answer: Response, status: int) -> Response:
    if answer.status_code != status:
        seen = answer.text[:300].replace("\n", " ")
        raise fail("UNEXPECTED_ANSWER", f"{answer.request.method} {answer.url} answers {answer.status_code}", seen)
    return answer


def _location(answer: Response) -> str:
    """Return the target of `Location` with its origin: a client appends a plain path to its base URL and prefix."""
    return str(answer.url.join(answer.headers["Location"]))
