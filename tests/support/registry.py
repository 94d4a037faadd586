"""A registry by its HTTP API (OCI distribution): what docker itself can't do with one."""

import hashlib
import json
import urllib.request
from typing import Any

MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


class Repository:
    """`name` as docker writes it: 127.0.0.1:5000/team/shop."""

    def __init__(self, name: str) -> None:
        host, _, path = name.partition("/")
        self.url = f"http://{host}/v2/{path}"

    def for_another_processor(self, digest: str, architecture: str) -> str:
        """The same layers under a configuration that names `architecture`. Returns the manifest's digest."""
        manifest = json.loads(self._ask("GET", f"/manifests/{digest}", Accept=MANIFESTS))
        config = json.loads(self._ask("GET", f"/blobs/{manifest['config']['digest']}"))
        content = json.dumps({**config, "architecture": architecture}).encode()
        manifest["config"] |= {"digest": self._push(content), "size": len(content)}
        body = json.dumps(manifest).encode()
        made = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self._ask("PUT", f"/manifests/{made}", body, **{"Content-Type": manifest["mediaType"]})
        return made

    def delete(self, digest: str) -> None:
        """Raises HTTPError 405 where the registry keeps everything."""
        self._ask("DELETE", f"/manifests/{digest}")

    def _push(self, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self._open("POST", f"{self.url}/blobs/uploads/", b"")
        place = begun.headers["Location"]
        mark = "&" if "?" in place else "?"
        header = {"Content-Type": "application/octet-stream"}
        self._open("PUT", f"{place}{mark}digest={digest}", content, **header)
        return digest

    def _ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        return self._open(method, self.url + path, body, **headers).read()

    def _open(self, method: str, url: str, body: bytes | None = None, **headers: str) -> Any:
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own registry
        return urllib.request.urlopen(request, timeout=60)  # noqa: S310
