"""An identity provider: signs tokens, and publishes its keys over HTTP on this machine."""

import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER, AUDIENCE = "https://id.example.com/", "shop"


@cache
def private_key(kid: str) -> rsa.RSAPrivateKey:
    """The key with this id, made when it is first asked for."""
    return rsa.generate_private_key(65537, 2048)


def document(*kids: str, **more: Any) -> bytes:
    """A key set (RFC 7517) with the public keys of `kids`, each with the members `more`."""
    publics = ((kid, jwt.algorithms.RSAAlgorithm.to_jwk(private_key(kid).public_key())) for kid in kids)
    return json.dumps({"keys": [{**json.loads(public), "kid": kid, **more} for kid, public in publics]}).encode()


def sign(signer: str, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token with good claims and `claims`; its `kid` is the signer's, unless `headers` are given."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + 3600}
    given = {"kid": signer} if headers is None else headers
    return jwt.encode({**good, **claims}, private_key(signer), "RS256", headers=given)


def bearer(signer: str, headers: dict[str, Any] | None = None, **claims: Any) -> bytes:
    return f"Bearer {sign(signer, headers, **claims)}".encode()


class KeyServer:
    """Publishes `content` at `url` between `start` and `stop`, as often as these are called.

    `asked` counts requests. While `pause` is not zero, each byte of an answer takes so many seconds.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0
        self.pause = 0.0
        self._server = self._listen(0)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/jwks.json"

    def publish(self, *kids: str) -> None:
        self.content = document(*kids)

    def start(self) -> None:
        self._server = self._listen(self.port)

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()

    def _listen(self, port: int) -> ThreadingHTTPServer:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(owner.content)))
                self.end_headers()
                owner.write(self)

            def log_message(self, format: str, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    def write(self, handler: BaseHTTPRequestHandler) -> None:
        if not self.pause:
            handler.wfile.write(self.content)
            return
        try:
            for byte in self.content:
                handler.wfile.write(bytes([byte]))
                time.sleep(self.pause)
        except OSError:  # the client has given up
            handler.close_connection = True
