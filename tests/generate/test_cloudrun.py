"""The pipelines of a service for Cloud Run: clean, without keys, and their log-in works."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.support import linters
from tests.support.answering import Quiet, answering
from tests.support.bakery import Bakery

pytestmark = pytest.mark.drill(minutes=2)
REGISTRIES = ("docker.io/example", "europe-west3-docker.pkg.dev/project/repository")
DEPLOYS = ("staging", "production", "rollback")
VARIABLES = {
    # Without `projects/NUMBER/`, for which google-auth asks another API for the name of the project.
    "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "locations/global/workloadIdentityPools/p/providers/q",
    "GOOGLE_SERVICE_ACCOUNT": "deployer@shop.iam.gserviceaccount.com",
    "REGISTRY_USERNAME": "ada",
}
SHOW = "from toolkit.deploy.places.cloudrun.auth import Tokens; print(Tokens().access())"


class Google(Quiet):
    """The exchange of a job's identity for a token, and of that for one of the service account."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        path = urlsplit(self.path).path
        if path == "/v1/token":
            given = {name: values[0] for name, values in parse_qs(body).items()}
            provider = VARIABLES["GOOGLE_WORKLOAD_IDENTITY_PROVIDER"]
            good = (given["subject_token"], given["audience"]) == ("of-the-job", f"//iam.googleapis.com/{provider}")
            answer: dict[str, object] = {"access_token": "exchanged", "token_type": "Bearer", "expires_in": 3600}
            answer["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
        else:
            asked = f"/v1/projects/-/serviceAccounts/{VARIABLES['GOOGLE_SERVICE_ACCOUNT']}:generateAccessToken"
            good = (path, self.headers["Authorization"]) == (asked, "Bearer exchanged")
            ends = datetime.now(UTC) + timedelta(hours=1)
            answer = {"accessToken": "of-the-account", "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.answer(200 if good else 403, json.dumps(answer if good else {"error": path}).encode())


@pytest.fixture
def google() -> Iterator[str]:
    with answering(Google) as address:
        yield f"http://{address}"


def test_github(bakery: Bakery) -> None:
    service = bakery.bake(place="cloudrun", ci="github")
    assert not (service / ".gitlab-ci.yml").exists()
    assert linters.complaints(linters.zizmor(), service, "--offline", "--quiet", ".") == ""
    with suppress(LookupError):
        assert linters.complaints(linters.actionlint(), service) == ""
    jobs = yaml.safe_load((service / ".github" / "workflows" / "ci-cd.yml").read_text())["jobs"]
    for name in DEPLOYS:
        assert jobs[name]["permissions"]["id-token"] == "write"
        uses = [step for step in jobs[name]["steps"] if step.get("uses", "").startswith("google-github-actions/auth@")]
        (login,) = uses
        assert login["with"] == {
            "workload_identity_provider": "${{ vars.GOOGLE_WORKLOAD_IDENTITY_PROVIDER }}",
            "service_account": "${{ vars.GOOGLE_SERVICE_ACCOUNT }}",
        }
    text = "".join(path.read_text() for path in (service / ".github").rglob("*.yml"))
    assert "credentials_json" not in text
    assert "KUBE" not in text


def test_credentials_of_the_action_leave_the_checkout_clean(bakery: Bakery, tmp_path: Path) -> None:
    """The action writes them into the checkout, and production deploys a clean one only."""
    service = bakery.bake(place="cloudrun", ci="github")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(service), str(clone)], check=True)
    command = ["git", "status", "--porcelain"]
    (clone / "gha-creds-0123456789abcdef.json").write_text("{}")
    assert subprocess.run(command, cwd=clone, check=True, capture_output=True, text=True).stdout == ""
    (clone / "control.json").write_text("{}")
    assert subprocess.run(command, cwd=clone, check=True, capture_output=True, text=True).stdout == "?? control.json\n"


@pytest.mark.parametrize("registry", REGISTRIES)
def test_gitlab(bakery: Bakery, registry: str, google: str, tmp_path: Path) -> None:
    """The lines of a job's `before_script` make credentials with which the toolkit gets the account's token."""
    service = bakery.bake(place="cloudrun", ci="gitlab", registry=registry)
    assert not (service / ".github").exists()
    text = (service / ".gitlab-ci.yml").read_text()
    assert "KUBE" not in text
    content = yaml.safe_load(text)
    for name in ("staging", "production", "rollback:staging"):
        assert content[name]["extends"] == ".release"
    job = inherited(content, ".release")
    (identity,) = job["id_tokens"]
    assert job["id_tokens"][identity]["aud"] == "https://iam.googleapis.com/$GOOGLE_WORKLOAD_IDENTITY_PROVIDER"
    file = tmp_path / Path(job["variables"]["GOOGLE_APPLICATION_CREDENTIALS"]).name
    line = next(line for line in job["before_script"] if file.name in line).replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    subprocess.run(["sh", "-euc", line], env={**bakery.environment, **VARIABLES, identity: "of-the-job"}, check=True)
    made = file.read_text()
    for api in ("sts", "iamcredentials"):
        assert f"https://{api}.googleapis.com" in made
        made = made.replace(f"https://{api}.googleapis.com", google)
    file.write_text(made)
    shown = token(service, bakery, file)
    assert (shown.returncode, shown.stdout) == (0, "of-the-account\n"), shown.stderr
    Path(json.loads(made)["credential_source"]["file"]).write_text("of-another-job")
    refused = token(service, bakery, file)
    assert "GOOGLE_NOT_LOGGED_IN" in refused.stderr
    file.write_text(made.replace(google, "http://127.0.0.1:1"))
    silent = token(service, bakery, file)
    assert "GOOGLE_UNREACHABLE" in silent.stderr


def inherited(content: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """Return a job with what it extends, as GitLab merges them: maps by their keys, lists as a whole."""
    own = content[name]
    base = inherited(content, str(own["extends"])) if "extends" in own else {}
    return {
        key: {**base.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in {**base, **own}.items()
    }


def token(service: Path, bakery: Bakery, file: Path) -> subprocess.CompletedProcess[str]:
    variables = {**bakery.environment, "GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    command = [str(service / ".venv" / "bin" / "python"), "-c", SHOW]
    return subprocess.run(command, cwd=service, env=variables, check=False, capture_output=True, text=True)
