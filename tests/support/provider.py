"""An identity provider for the cluster: a key set over HTTPS, and tokens signed with its key.

The service refuses a key set that is not https, so the provider has a CA of this run; images of the tests trust it
(SSL_CERT_FILE), as a company's base image trusts the company's CA.
"""

import datetime
import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "identity"  # the name of its Service, in each namespace
ISSUER = f"https://{HOST}/"
AUDIENCE = "shop"
JWKS_URL = f"https://{HOST}/jwks.json"
CA_IN_IMAGE = "/etc/identity-ca.pem"
KEY_ID = "first"
SCOPES = ("products:read", "products:write")
HOURS_VALID = 8
# What the settings of a service have to say to take its tokens.
VARIABLES = {"JWT_JWKS_URL": JWKS_URL, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
SETTINGS = tuple(f"settings.{name}={value}" for name, value in VARIABLES.items())
DOCKERFILE = """
FROM python:3.13-slim
COPY server.py server.pem jwks.json /identity/
WORKDIR /identity
CMD ["python", "server.py"]
"""
# The handshake is done by the thread of each connection: one that never ends must not stop the others.
SERVER = """
import http.server, ssl

class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, address):
        super().finish_request(context.wrap_socket(request, server_side=True), address)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.pem")
Server(("", 443), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
# It listens on 443 itself: a NetworkPolicy counts the port of the pod, not that of the Service.
OBJECTS = """
apiVersion: v1
kind: Pod
metadata: {name: identity, labels: {app: identity}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: identity
      image: IMAGE
      readinessProbe: {tcpSocket: {port: 443}, periodSeconds: 1}
      resources: {requests: {cpu: 20m}}
---
apiVersion: v1
kind: Service
metadata: {name: identity}
spec: {selector: {app: identity}, ports: [{port: 443}]}
"""


@dataclass(frozen=True)
class Provider:
    """`folder` holds its keys, and the build context of its image."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, *names: str) -> "Provider":
        """New keys in a new folder. `names`: under which it is reached besides HOST."""
        folder.mkdir()
        made = cls(folder)
        signing = rsa.generate_private_key(65537, 2048)
        folder.joinpath("signing.pem").write_bytes(_pem(signing))
        folder.joinpath("public.pem").write_bytes(
            signing.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        key = jwt.algorithms.RSAAlgorithm.to_jwk(signing.public_key(), as_dict=True)
        key |= {"kid": KEY_ID, "alg": "RS256", "use": "sig"}
        folder.joinpath("jwks.json").write_text(json.dumps({"keys": [key]}))
        folder.joinpath("server.py").write_text(SERVER)
        folder.joinpath("Dockerfile").write_text(DOCKERFILE)
        made._make_certificates(HOST, *names)
        return made

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def public_key(self) -> str:
        """The signing key's public half in PEM, for a service that is given a key and no key set."""
        return self.folder.joinpath("public.pem").read_text()

    def token(self, *scopes: str) -> str:
        """A token that a service with SETTINGS accepts for some hours; all of SCOPES when none are named."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "tester",
            "iat": now,
            "exp": now + HOURS_VALID * 3600,
            "scope": " ".join(scopes or SCOPES),
        }
        key = self.folder.joinpath("signing.pem").read_text()
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": KEY_ID})

    def _make_certificates(self, *names: str) -> None:
        ca_key, ca_name = ec.generate_private_key(ec.SECP256R1()), _name("Test CA")
        server_key = ec.generate_private_key(ec.SECP256R1())
        ca = (
            _certificate(ca_name, ca_name, ca_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
            .sign(ca_key, hashes.SHA256())
        )
        server = (
            _certificate(_name(HOST), ca_name, server_key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        self.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        self.folder.joinpath("server.pem").write_bytes(
            _pem(server_key) + server.public_bytes(serialization.Encoding.PEM)
        )


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    return x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now - day, now + day)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
