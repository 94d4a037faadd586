"""Log in to a cloud's registry by the identity of the pipeline's job (OIDC), where no action or program does it.

AWS has one: `aws ecr get-login-password`. The requests are pure; `login` sends them.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.deploy import process
from toolkit.deploy.outcomes import fail

TOKEN = "ID_TOKEN"  # noqa: S105  # the variable's name
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SECONDS = 60
NOBODY = "00000000-0000-0000-0000-000000000000"  # Azure's user for a token
VARIABLES = {
    "google": ("GOOGLE_WORKLOAD_IDENTITY_PROVIDER", "GOOGLE_SERVICE_ACCOUNT"),
    "azure": ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
}


@dataclass(frozen=True)
class Request:
    """A POST of JSON or of a form; the answer's `member` is the next token."""

    url: str
    member: str
    json: Mapping[str, object] | None = None
    form: Mapping[str, str] | None = None
    bearer: str = ""


@dataclass(frozen=True)
class Login:
    host: str
    user: str
    password: str


Send = Callable[[Request], str]


def login(image: str, variables: Mapping[str, str] = os.environ) -> Login:
    """Log in with `docker login`. Raises Failed REGISTRY_NO_IDENTITY, REGISTRY_LOGIN."""
    made = exchanged(image, variables, _post)
    command = ["docker", "login", "--username", made.user, "--password-stdin", made.host]
    done = process.run(command, text=made.password)
    if done.code:
        raise fail("REGISTRY_LOGIN", f"{made.host} refuses the job's identity", done.cause, hint=_rights(made.host))
    return made


def exchanged(image: str, variables: Mapping[str, str], send: Send) -> Login:
    """Return what `docker login` needs, after the exchanges of tokens by `send`."""
    host = image.partition("/")[0]
    cloud = cloud_of(host)
    missing = [name for name in (TOKEN, *VARIABLES.get(cloud, ())) if not variables.get(name)]
    if not cloud or missing:
        lacks = f"not set: {', '.join(missing)}" if cloud else "expected a registry of Google or Azure"
        hint = "log in with `docker login`, or set the variables of the README, Pipeline"
        raise fail("REGISTRY_NO_IDENTITY", f"no identity for {host}", lacks, hint=hint)
    given = variables[TOKEN]
    if cloud == "google":
        provider, account = (variables[name] for name in VARIABLES["google"])
        return Login(host, "oauth2accesstoken", send(as_account(account, send(federated(provider, given)))))
    client, tenant = (variables[name] for name in VARIABLES["azure"])
    return Login(host, NOBODY, send(for_registry(host, tenant, send(signed_in(client, tenant, given)))))


def cloud_of(host: str) -> str:
    """Return google or azure; empty for another registry."""
    if host.endswith(("-docker.pkg.dev", "gcr.io")):
        return "google"
    return "azure" if host.endswith(".azurecr.io") else ""


def federated(provider: str, token: str) -> Request:
    """Google: a token of the workload identity pool for the job's token (RFC 8693)."""
    content = {
        "audience": f"//iam.googleapis.com/{provider}",
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "subjectToken": token,
        "scope": SCOPE,
    }
    return Request("https://sts.googleapis.com/v1/token", "access_token", json=content)


def as_account(account: str, token: str) -> Request:
    """Google: a token of the service account that the pool may use."""
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    return Request(url, "accessToken", json={"scope": [SCOPE]}, bearer=token)


def signed_in(client: str, tenant: str, token: str) -> Request:
    """Azure: a token of Entra ID for the job's token, as a client assertion (RFC 7523)."""
    form = {
        "client_id": client,
        "client_assertion": token,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "grant_type": "client_credentials",
        "scope": "https://containerregistry.azure.net/.default",
    }
    return Request(f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token", "access_token", form=form)


def for_registry(host: str, tenant: str, token: str) -> Request:
    """Azure: a refresh token of the registry, which is its password."""
    form = {"grant_type": "access_token", "service": host, "tenant": tenant, "access_token": token}
    return Request(f"https://{host}/oauth2/exchange", "refresh_token", form=form)


def _post(request: Request) -> str:
    """Send, and return the token. Raises Failed REGISTRY_LOGIN, without any token in it."""
    where = urllib.parse.urlsplit(request.url).netloc
    kind = "application/json" if request.json is not None else "application/x-www-form-urlencoded"
    body = json.dumps(request.json) if request.json is not None else urllib.parse.urlencode(request.form or {})
    headers = {"Content-Type": kind, **({"Authorization": f"Bearer {request.bearer}"} if request.bearer else {})}
    sent = urllib.request.Request(request.url, body.encode(), headers)  # noqa: S310  # fixed https addresses
    try:
        with urllib.request.urlopen(sent, timeout=SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)[request.member])
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(500).decode(errors="replace").strip()
        raise fail("REGISTRY_LOGIN", f"{where} answers {error.code}", said, hint=_rights(where)) from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise fail("REGISTRY_LOGIN", f"{where} gives no token", str(error), hint="try again") from None


def _rights(host: str) -> str:
    return f"check that the identity trusts this project and branch, and may use the registry ({host})"
