"""Azure's addresses on this machine: a proxy that leads every host to one server, with certificates of the test.

The deployer sends its requests to Azure's real names: management.azure.com, Key Vault, Blob Storage, Log Analytics, and
the app's own. Tokens come from a managed identity's endpoint, which azure-identity asks.
"""

import hashlib
import json
import random
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.answering import Quiet
from tests.support.arm import Azure
from tests.support.arm_values import DOMAIN, Answer, Refused, Revision
from tests.support.certificates import Authority

HOSTS = (
    "management.azure.com",
    "*.vault.azure.net",
    "*.blob.core.windows.net",
    "api.loganalytics.azure.com",
    f"*.{DOMAIN}",
)
SCOPES = {
    "management.azure.com": "https://management.azure.com",
    "vault.azure.net": "https://vault.azure.net",
    "blob.core.windows.net": "https://storage.azure.com",
    "loganalytics.azure.com": "https://api.loganalytics.azure.com",
}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Server(Quiet):
    """Every host."""

    protocol_version = "HTTP/1.1"
    azure: Azure

    def reply(self, status: int, body: object, **headers: str) -> None:
        self.answer(status, json.dumps(body).encode() if body is not None else b"", **headers)

    def _handle(self) -> None:
        host, path = self.headers["Host"].partition(":")[0], urlsplit(self.path).path
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if host.endswith(DOMAIN):
            return self._app(host, path)
        audience = next(value for name, value in SCOPES.items() if host.endswith(name))
        if self.headers.get("Authorization") != f"Bearer token-for-{audience}":
            return self.reply(401, {"error": {"code": "InvalidAuthenticationToken", "message": "The token is wrong"}})
        if host == "management.azure.com":
            return self._arm(path, json.loads(content or b"{}"))
        if host.endswith("vault.azure.net"):
            return self._vault(host.partition(".")[0], path, json.loads(content or b"{}"))
        if host.endswith("blob.core.windows.net"):
            return self._blob(path, content)
        return self._log(json.loads(content)["query"])

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _handle

    def _arm(self, path: str, body: dict[str, Any]) -> None:
        if "api-version" not in parse_qs(urlsplit(self.path).query):
            return self.reply(400, {"error": {"code": "MissingApiVersionParameter", "message": "api-version"}})
        try:
            answer = self.azure.handle(self.command, path, body)
        except Refused as refused:
            more = {"Retry_After": "1"} if refused.status == 429 else {}
            return self.reply(refused.status, refused.body, **more)
        return self.reply(answer.status, answer.body, **self._followed(answer))

    def _followed(self, answer: Answer) -> dict[str, str]:
        if not answer.operation:
            return {}
        kind = "Statuses" if answer.by_status else "Results"
        below = f"providers/Microsoft.App/locations/westeurope/containerappOperation{kind}/{answer.operation}"
        url = f"https://management.azure.com/subscriptions/{self.azure.subscription}/{below}?api-version=2025-07-01"
        return {"Azure_AsyncOperation" if answer.by_status else "Location": url}

    def _vault(self, vault: str, path: str, body: dict[str, Any]) -> None:
        name = path.removeprefix("/secrets/").removesuffix("/versions")
        known, base = self.azure.secrets.get(f"{vault}/{name}", []), f"https://{vault}.vault.azure.net/secrets/{name}"
        if self.command == "PUT":
            version = hashlib.md5(str(len(known) + time.time()).encode(), usedforsecurity=False).hexdigest()
            self.azure.secrets[f"{vault}/{name}"] = [*known, version]
            return self.reply(200, {"id": f"{base}/{version}"})
        if not known:
            message = f"A secret with (name/id) {name} was not found in this key vault."
            return self.reply(404, {"error": {"code": "SecretNotFound", "message": message}})
        attributes = [{"enabled": True, "created": number} for number, _ in enumerate(known)]
        listed = [
            {"id": f"{base}/{version}", "attributes": each} for version, each in zip(known, attributes, strict=True)
        ]
        # One version on each page, the oldest first.
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["0"])[0])
        more = {"nextLink": f"{base}/versions?page={page + 1}"} if page + 1 < len(listed) else {}
        return self.reply(200, {"value": listed[page : page + 1], **more})

    def _blob(self, path: str, content: bytes) -> None:
        if self.command == "PUT":
            match, none_match = self.headers.get("If-Match", ""), self.headers.get("If-None-Match", "")
            status = self.azure.blobs.put(path, content, match, none_match)
            if status == 201 and path.endswith("/records"):
                self.azure.writes.append("PUT records")
                self.azure.on_write("PUT records")
            return self.answer(status, b"")
        if self.command == "DELETE":
            self.azure.blobs.found.pop(path, None)
            return self.answer(202, b"")
        if path not in self.azure.blobs.found:
            return self.answer(404, b"", x_ms_error_code="BlobNotFound")
        text, tag = self.azure.blobs.found[path]
        return self.answer(200, text, ETag=tag)

    def _log(self, query: str) -> None:
        rows = self.azure.lines(query.partition(" ")[0], re.findall(r"'([^']+)'", query))
        both = "ContainerGroupName_s, Log_s" in query
        self.reply(200, {"tables": [{"rows": [list(row) if both else [row[1]] for row in reversed(rows)]}]})

    def _app(self, host: str, path: str) -> None:
        name, _, label = host.partition(".")[0].partition("---")
        status, content = serve(self.azure, name, label, path)
        self.answer(status, content)


def serve(azure: Azure, app: str, label: str, path: str) -> tuple[int, bytes]:
    """Answer a request of a client, by the app's division of the requests."""
    with azure.lock:
        live = azure.apps.get(app)
        traffic = live["properties"]["configuration"]["ingress"]["traffic"] if live else []
        if label:
            chosen = next((item["revisionName"] for item in traffic if item.get("label") == label), "")
        else:
            weights = [item["weight"] for item in traffic]
            chosen = random.choices(traffic, weights)[0]["revisionName"] if any(weights) else ""  # noqa: S311
        revision = azure.revisions.get(app, {}).get(chosen)
        if revision is None or not revision.serves:
            return 503, b"upstream connect error"
        digest = revision.template["containers"][0]["image"].rpartition("@")[2]
        if path == "/health":
            return 200, json.dumps({"status": "ok", "image_digest": digest}).encode()
        if path == "/ready":
            return 200, json.dumps({"status": "ready", "schema": revision.image.schema}).encode()
        if path == "/metrics":
            return 200, metrics(revision).encode()
        failed = random.random() < revision.image.errors  # noqa: S311
        revision.requests, revision.errors = revision.requests + 1, revision.errors + failed
        return (500 if failed else 200), b"{}"


def metrics(revision: Revision) -> str:
    name, lines = "http_server_request_duration_seconds", ["# TYPE http_server_request_duration_seconds histogram"]
    for status, count in (("200", revision.requests - revision.errors), ("500", revision.errors)):
        labels = f'http_route="/products",http_response_status_code="{status}"'
        lines += [f'{name}_bucket{{{labels},le="{limit}"}} {count}' for limit in ("0.1", "+Inf")]
        lines += [f"{name}_count{{{labels}}} {count}", f"{name}_sum{{{labels}}} {count / 100}"]
    return "\n".join(
        [*lines, "# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {revision.began}", ""]
    )


class Plain(Quiet):
    """The proxy, the managed identity's endpoint, and a registry."""

    azure: Azure
    behind: int

    def do_CONNECT(self) -> None:
        with socket.create_connection(("127.0.0.1", self.behind)) as upstream:
            self.send_response(200)
            self.end_headers()
            pair = [self.connection, upstream]
            while True:
                for readable in select.select(pair, [], [], 60)[0]:
                    data = readable.recv(65536)
                    if not data:
                        return
                    pair[readable is self.connection].sendall(data)

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if self.path.startswith("http://"):  # as a proxy: the address of a container group
            with self.azure.lock:
                status, content = self.azure.groups.answer(urlsplit(self.path).hostname or "", path)
            return self.answer(status, content)
        if path == "/msi/token":
            found = {"access_token": f"token-for-{query['resource'][0]}", "expires_on": str(int(time.time()) + 3600)}
            return self.answer(
                200, json.dumps({**found, "token_type": "Bearer"}).encode(), Content_Type="application/json"
            )
        return self.do_HEAD()

    def do_HEAD(self) -> None:
        digest = urlsplit(self.path).path.rpartition("/")[2]
        found = self.azure.registry.get(digest)
        if found is None:
            return self.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}')
        return self.answer(200, found, Content_Type=MANIFEST, Docker_Content_Digest=digest)

    def do_POST(self) -> None:
        """Begin an upload, which shows that this user may push."""
        self.answer(202, b"", Location=f"{urlsplit(self.path).path}1")

    def do_DELETE(self) -> None:
        self.answer(204, b"")


def pushed(registry: dict[str, bytes], name: str, schema: str) -> str:
    """Push an image without layers: its configuration and its manifest. Returns the manifest's digest."""
    labels = {"service.schema-head": schema, "org.opencontainers.image.title": name}
    rootfs = {"type": "layers", "diff_ids": list[str]()}
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": labels}, "rootfs": rootfs})
    digests = []
    for content, kind in ((config, "config"), ("", "manifest")):
        if kind == "manifest":
            about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digests[0], "size": len(config)}
            content = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": []})
        digests.append(f"sha256:{hashlib.sha256(content.encode()).hexdigest()}")
        registry[digests[-1]] = content.encode()
    return digests[1]


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context:  # the handshake is done by the thread of each connection
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def azure_apis(azure: Azure, folder: Path) -> Iterator[dict[str, str]]:
    """Serve this Azure. Yields the variables of a deployer, and `REGISTRY`, the registry's address."""
    authority = Authority(folder, "azure")
    signed = authority.sign("azure", *HOSTS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.certificate, signed.key)
    server = type("OfAzure", (Server,), {"azure": azure})
    with listening(server, context) as secure:
        plain = type("PlainOfAzure", (Plain,), {"azure": azure, "behind": secure})
        with listening(plain) as port:
            yield {
                "https_proxy": f"http://127.0.0.1:{port}",
                "http_proxy": f"http://127.0.0.1:{port}",
                "no_proxy": "127.0.0.1,localhost",
                "SSL_CERT_FILE": str(authority.certificate),
                "IDENTITY_ENDPOINT": f"http://127.0.0.1:{port}/msi/token",
                "IDENTITY_HEADER": "secret-of-this-machine",
                "REGISTRY": f"127.0.0.1:{port}",
            }
