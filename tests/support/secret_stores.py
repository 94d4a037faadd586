"""Servers that answer the read calls of Vault, Google Secret Manager and Azure Key Vault, for their own clients."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.answering import Quiet, answering
from tests.support.certificates import Authority

Secrets = dict[str, str]  # key as in the inventory -> the newest value; a test may change it
TOKEN = "a-token-of-the-test"


class _Json(Quiet):
    """Answers with JSON. `status` and `body` are of the subclass."""

    def reply(self, status: int, body: object, **headers: str) -> None:
        self.answer(status, json.dumps(body).encode(), Content_Type="application/json", **headers)

    @property
    def parts(self) -> list[str]:
        return urlsplit(self.path).path.strip("/").split("/")


@contextmanager
def vault(secrets: Secrets) -> Iterator[dict[str, str]]:
    """KV version 2 at the mount that the keys begin with. Yields the variables of a deployer."""

    class Handler(_Json):
        def do_GET(self) -> None:
            if self.headers.get("X-Vault-Token") != TOKEN:
                return self.reply(403, {"errors": ["permission denied"]})
            _, mount, _, *path = self.parts  # v1/MOUNT/data/PATH
            found = secrets.get("/".join([mount, *path]))
            if found is None:
                return self.reply(404, {"errors": []})
            return self.reply(200, {"data": {"data": json.loads(found), "metadata": {"version": 1}}})

    with answering(Handler) as address:
        yield {"VAULT_ADDR": f"http://{address}", "VAULT_TOKEN": TOKEN}


@contextmanager
def google(secrets: Secrets, folder: Path) -> Iterator[dict[str, str]]:
    """A service account, and `versions/latest:access`."""

    class Handler(_Json):
        def do_GET(self) -> None:
            # A service account signs its token itself (RFC 7519: three parts).
            if self.headers.get("Authorization", "").count(".") != 2:
                return self.reply(401, {"error": {"code": 401, "message": "who", "status": "UNAUTHENTICATED"}})
            _, _, project, _, name, *_ = self.parts  # v1/projects/P/secrets/N/versions/latest:access
            found = secrets.get(f"{project}/{name}")
            if found is None:
                return self.reply(404, {"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}})
            if found == "DENIED":
                return self.reply(403, {"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}})
            return self.reply(200, {"name": "x", "payload": {"data": base64.b64encode(found.encode()).decode()}})

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with answering(Handler) as address:
        account = {
            "type": "service_account",
            "client_email": "deployer@test.example",
            "private_key": key.decode(),
            "token_uri": f"http://{address}/token",
        }
        file = folder / "account.json"
        file.write_text(json.dumps(account))
        yield {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "SECRET_MANAGER_ENDPOINT": f"http://{address}"}


@contextmanager
def azure(secrets: Secrets, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A managed identity, and a vault over TLS. Yields the vault's host, and the variables of a deployer."""

    class Identity(_Json):
        def do_GET(self) -> None:
            self.reply(
                200, {"access_token": TOKEN, "expires_on": "4102444800", "resource": "x", "token_type": "Bearer"}
            )

    class Vault(_Json):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                challenge = 'Bearer authorization="https://login.test/tenant", resource="https://vault.test"'
                return self.reply(401, {}, WWW_Authenticate=challenge)
            _, name, *_ = self.parts  # secrets/NAME/
            found = secrets.get(name)
            if found is None:
                return self.reply(404, {"error": {"code": "SecretNotFound", "message": "not found"}})
            if found == "DENIED":
                return self.reply(403, {"error": {"code": "Forbidden", "message": "denied"}})
            return self.reply(200, {"value": found, "id": f"https://vault.test/secrets/{name}/1", "attributes": {}})

    authority = Authority(folder, "authority")
    with answering(Identity) as identity, _over_tls(Vault, authority) as host:
        yield (
            host,
            {
                "IDENTITY_ENDPOINT": f"http://{identity}/token",
                "IDENTITY_HEADER": "x",
                "REQUESTS_CA_BUNDLE": str(authority.certificate),
            },
        )


@contextmanager
def _over_tls(handler: type[BaseHTTPRequestHandler], authority: Authority) -> Iterator[str]:
    own = authority.sign("vault", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
