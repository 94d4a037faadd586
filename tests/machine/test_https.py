"""HTTPS with certificates of Caddy's own authority."""

import http.client
import json
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.machines import MachineStage, free_port
from tests.support.running import PATIENCE

pytestmark = pytest.mark.drill(minutes=2)

DOMAIN = "shop.test"
ROOT = "/data/caddy/pki/authorities/local/root.crt"


def digest(stage: MachineStage, port: int, context: ssl.SSLContext, name: str = DOMAIN) -> str:
    """Ask for /health over HTTPS, by this name: nothing resolves it."""
    address = stage.hosts[0].address
    plain = socket.create_connection((address, port), timeout=PATIENCE)
    with context.wrap_socket(plain, server_hostname=name) as stream:
        client = http.client.HTTPConnection(name)
        client.sock = stream
        client.request("GET", "/health")
        return str(json.load(client.getresponse())["image_digest"])


def test_https_with_an_internal_certificate(actor: MachineStage, tmp_path: Path) -> None:
    port = free_port()
    with actor.fresh() as fresh:
        keys = (f"proxy.domain={DOMAIN}", "proxy.tls=internal", f"proxy.https_port={port}")
        stage = replace(fresh, more=keys)
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        root = tmp_path / "root.crt"
        root.write_text(stage.hosts[0].run(f"docker exec {stage.name}-proxy cat {ROOT}"))
        trusting = ssl.create_default_context(cafile=str(root))
        assert digest(stage, port, trusting) == stage.images["v1"]
        # The controls: another authority, and another name.
        with pytest.raises(ssl.SSLCertVerificationError):
            digest(stage, port, ssl.create_default_context())
        with pytest.raises(ssl.SSLError):
            digest(stage, port, trusting, "other.test")
        plain = http.client.HTTPConnection(stage.hosts[0].address, stage.port, timeout=PATIENCE)
        plain.request("GET", "/health", headers={"Host": DOMAIN})
        answer = plain.getresponse()
        assert answer.status == 308
        assert str(answer.headers["Location"]).startswith(f"https://{DOMAIN}")
        plain.close()
        # A release leaves the proxy and its certificate alone.
        assert stage.deploy("v2").code == 0
        assert digest(stage, port, trusting) == stage.images["v2"]
        back = stage.task("rollback")
        assert back.code == 0, back
        assert digest(stage, port, trusting) == stage.images["v1"]
