"""The smoke test: the new version answers through the Service, as for clients."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Failure, Outcome, Plan, fail
from toolkit.deploy.release.steps import Undecided

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Known, Target

# A NodePort answers 0.4-0.9 s after Ready (measured): a refused connection may be temporary.
PATIENCE_SECONDS = 10.0
ANSWERS = 5


@dataclass(frozen=True)
class Answers:
    """Current responses of /health and /ready; None without one."""

    known: Known
    health: object
    ready: object

    def plan(self) -> Plan:
        if (
            not self.known.plan_of("rollout").empty
            or not isinstance(self.health, Mapping)
            or self.health.get("image_digest") != self.known.digest
            or not _is_ready(self.ready)
        ):
            return Plan((Change("check", "the deployed version answers"),))
        return Plan(note=f"{(self.known.digest or '')[:19]} serves")

    def learned(self) -> Known:
        return self.known


class Smoke:
    name, undoable, touches, before_lock = "smoke", True, False, False

    def observe(self, target: Target, known: Known) -> Answers | Undecided:
        if known.digest is None:
            return Undecided(known)
        return Answers(known, target.place.ask("/health"), target.place.ask("/ready"))

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        """Run the test. Raises Failed WRONG_VERSION, NOT_SERVING, NOT_READY, URL_FAILS, or errors of an example."""
        digest = known.digest or ""
        check_version(target, digest)
        summary = f"{digest[:19]} serves"
        if url := target.environment.url:
            check_url(url)
            if target.environment.smoke_writes:
                summary += "; " + create_and_read(target.project, url, _headers(target) or {})
        return Outcome(summary=summary), known


def check_version(target: Target, digest: str, ask: Callable[[str], object] | None = None) -> None:
    """Require several responses in a row with the digest, and readiness; `ask`: of a canary, not of the place."""
    ask = ask or target.place.ask
    deadline, right, answer = time.monotonic() + PATIENCE_SECONDS, 0, None
    while right < ANSWERS:
        answer = ask("/health")
        right = right + 1 if isinstance(answer, Mapping) and answer.get("image_digest") == digest else 0
        if not right:
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
    else:
        return _check_ready(target, ask)
    if isinstance(answer, Mapping) and "image_digest" in answer:
        hint = "check that the Service selects this release's pods only, and that /health returns IMAGE_DIGEST"
        lines = (f"expected {digest}", f"serving  {answer['image_digest']}")
        raise fail("WRONG_VERSION", "another version is serving", *lines, hint=hint)
    hint, last = target.place.unanswered_hint, f"last answer: {str(answer)[:200]}"
    raise fail("NOT_SERVING", "the Service does not answer /health", last, hint=hint)


def _check_ready(target: Target, ask: Callable[[str], object]) -> None:
    deadline, answer = time.monotonic() + PATIENCE_SECONDS, ask("/ready")
    while not _is_ready(answer) and time.monotonic() < deadline:
        time.sleep(0.5)
        answer = ask("/ready")
    if not _is_ready(answer):
        detail = str(answer.get("detail", answer) if isinstance(answer, Mapping) else answer)[:200]
        hint = f"`python3 tasks.py doctor {target.environment.name}` shows the cause"
        raise fail(
            "NOT_READY", "the new version answers, but is not ready for requests", f"/ready: {detail}", hint=hint
        )


def _is_ready(answer: object) -> bool:
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


def _get(url: str) -> int | str:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - the inventory's own address
            json.load(response)
            return int(response.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except (OSError, ValueError) as error:
        return repr(error)
