"""The smoke test: the new version answers through the Service, as for clients."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import UNKNOWN, Change, Failed, Failure, Outcome, Plan, fail

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

# A NodePort answers 0.4-0.9 s after Ready (measured): a refused connection may be temporary.
PATIENCE_SECONDS = 10.0
ANSWERS = 5


class Smoke:
    name, undoable, before_lock = "smoke", True, False

    def observe(self, target: Target) -> Any:
        if target.digest is None:
            return None
        return None if target.namespace_missing else (_health(target), _ready(target))

    def plan(self, target: Target, seen: Any) -> Plan:
        if target.digest is None:
            return UNKNOWN
        if (
            not target.plans["rollout"].empty
            or not seen
            or not isinstance(seen[0], Mapping)
            or seen[0].get("image_digest") != target.digest
            or not _is_ready(seen[1])
        ):
            return Plan((Change("check", "the deployed version answers"),))
        return Plan(note=f"{target.digest[:19]} serves")

    def apply(self, target: Target, plan: Plan) -> Outcome:
        """Run the test. Raises Failed WRONG_VERSION, NOT_SERVING, NOT_READY, URL_FAILS, or errors of an example."""
        check_version(target, target.digest or "")
        said = f"{(target.digest or '')[:19]} serves"
        if url := target.environment.url:
            check_url(url)
            if target.environment.smoke_writes:
                said += "; " + create_and_read(target.project, url, _headers(target) or {})
        return Outcome(summary=said)


def check_version(target: Target, digest: str) -> None:
    """Require several responses in a row through the Service with the digest, and readiness."""
    deadline, right, seen = time.monotonic() + PATIENCE_SECONDS, 0, None
    while right < ANSWERS:
        seen = _health(target)
        right = right + 1 if isinstance(seen, Mapping) and seen.get("image_digest") == digest else 0
        if not right:
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
    else:
        return _check_ready(target)
    if isinstance(seen, Mapping) and "image_digest" in seen:
        hint = "check that the Service selects this release's pods only, and that /health returns IMAGE_DIGEST"
        raise Failed(
            Failure(
                "WRONG_VERSION",
                "another version is serving",
                (f"expected {digest}", f"serving  {seen['image_digest']}"),
                hint,
            )
        )
    hint = f"check that the Service selects the pods: `kubectl -n {target.environment.namespace} get endpointslices`"
    raise Failed(
        Failure("NOT_SERVING", "the Service does not answer /health", (f"last answer: {str(seen)[:200]}",), hint)
    )


def _check_ready(target: Target) -> None:
    deadline, seen = time.monotonic() + PATIENCE_SECONDS, _ready(target)
    while not _is_ready(seen) and time.monotonic() < deadline:
        time.sleep(0.5)
        seen = _ready(target)
    if not _is_ready(seen):
        said = str(seen.get("detail", seen) if isinstance(seen, Mapping) else seen)[:200]
        hint = f"`python3 tasks.py doctor {target.environment.name}` shows the cause"
        raise fail("NOT_READY", "the new version answers, but is not ready for requests", f"/ready: {said}", hint=hint)


def _ready(target: Target) -> Any:
    return target.cluster.proxy(target.facts.name, target.environment.port, "/ready")


def _is_ready(answer: Any) -> bool:
    return isinstance(answer, Mapping) and answer.get("status") == "ready"


def check_url(url: str) -> None:
    """Check the address for clients: /health and /ready answer 200."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for path in ("/health", "/ready"):
        while True:
            answer = _get(url.rstrip("/") + path)
            if answer == 200:
                break
            if time.monotonic() > deadline:
                hint = "check the Ingress or load balancer in front"
                raise Failed(Failure("URL_FAILS", f"{url.rstrip('/')}{path} does not answer", (str(answer),), hint))
            time.sleep(0.5)


def require_caller(target: Target) -> None:
    """Check the prerequisites of `smoke_writes`. Raises Failed NO_URL or NO_TOKEN."""
    env = target.environment
    if env.smoke_writes and not env.url:
        hint = f"set `url` under `{env.name}:` in deploy/inventory.yaml"
        raise fail("NO_URL", "`smoke_writes` requires an address to write to", hint=hint)
    if env.smoke_writes and _headers(target) is None:
        hint = "export TOKEN=... with a token that has the scopes"
        raise fail("NO_TOKEN", "`smoke_writes` requires a caller who may create", hint=hint)


def create_and_read(project: Path, url: str, headers: Mapping[str, str]) -> str:
    """Create an example and read it back. Raises Failed UNEXPECTED_ANSWER, READ_DIFFERS, NO_EXAMPLE, NO_ANSWER."""
    import httpx2

    from toolkit.deploy.verify.served import Served

    served = Served(project, url.rstrip("/"), headers)
    try:
        return f"{served.create()}; {served.read()}"
    except httpx2.HTTPError as error:
        raise fail(
            "NO_ANSWER", f"{url} stopped answering", repr(error), hint="check the proxy in front of it"
        ) from None
    finally:
        served.clean_up()


def _headers(target: Target) -> Mapping[str, str] | None:
    from toolkit.deploy.verify.run import caller

    return caller(target.project, target.variables)


def _health(target: Target) -> Any:
    return target.cluster.proxy(target.facts.name, target.environment.port, "/health")


def _get(url: str) -> int | str:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - the inventory's own address
            json.load(response)
            return int(response.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except (OSError, ValueError) as error:
        return repr(error)
