"""The kubeconfig as kubectl reads it, and its credentials; faults are found before a request is sent."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from yaml import YAMLError

from toolkit.deploy.outcomes import Failed, fail

# All exceptions of the client for an invalid file.
FAULTS = (ConfigException, OSError, YAMLError, ValueError, LookupError, TypeError, AttributeError)
CONTEXTS = "set KUBECONFIG, or `context` in deploy/inventory.yaml; `kubectl config get-contexts` lists them"


class _Loader(KubeConfigLoader):
    """Loader that stops on a plugin's failure like kubectl; the client's own continues without credentials."""

    def _load_from_exec_plugin(self) -> Literal[True] | None:
        """Run the plugin. Raises Failed NO_CREDENTIALS with its output, also when a token expires later."""
        user: Any = self._user
        if "exec" not in user:
            return None
        plugin, folder, kept = user["exec"], self._get_base_path(user.path), self._config_base_path
        command = str(plugin.value.get("command") or "")
        if os.sep in command:
            plugin.value["command"] = str(Path(folder, command))
        # Like kubectl: the command is relative to the kubeconfig, but runs in the caller's folder.
        self._config_base_path = str(Path.cwd())
        try:
            with _logged_errors() as output:
                loaded = super()._load_from_exec_plugin()
        finally:
            self._config_base_path = kept
        if not loaded:
            raise fail(
                "NO_CREDENTIALS",
                f"the kubeconfig's credential plugin `{command}` failed",
                *" ".join(output or ["it printed nothing"]).strip().splitlines()[-8:],
                hint="run the plugin manually, or log in with its tool; then run the same command again",
            )
        return loaded


def load(paths: str, context: str | None) -> Configuration:
    """Return the client's configuration for a context. `paths`: as in KUBECONFIG, separated by colons.

    Raises Failed NO_KUBECONFIG, NO_CONTEXT, KUBECONFIG_INVALID, NO_CREDENTIALS.
    """
    files = [Path(path).expanduser() for path in paths.split(os.pathsep) if path]
    if not any(path.exists() for path in files):
        raise fail("NO_KUBECONFIG", "no kubeconfig found", f"looked for: {paths}", hint=CONTEXTS)
    configuration = Configuration()
    try:
        merged: Any = KubeConfigMerger(paths).config
        names = [entry["name"] for entry in (merged.value.get("contexts") or ())]
        chosen = context or merged.value.get("current-context")
        if chosen not in names:
            message = f"the kubeconfig has no context {chosen!r}" if chosen else "the kubeconfig has no current context"
            raise fail("NO_CONTEXT", message, f"contexts: {', '.join(names) or 'none'}", hint=CONTEXTS)
        user = next(entry["context"].safe_get("user") for entry in merged.value["contexts"] if entry["name"] == chosen)
        if user and user not in [entry["name"] for entry in merged.value["users"]]:
            raise ValueError(f"context {chosen!r} names the user {user!r}, which is not in the file")
        loader = _Loader(config_dict=merged, active_context=chosen, config_base_path=None)
        loader.load_and_set(configuration)
        _check_files(configuration)
    except Failed:
        raise
    except FAULTS as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        hint = "correct the file, or fetch it again; `kubectl config view` shows its content"
        raise fail("KUBECONFIG_INVALID", f"the kubeconfig {paths} cannot be used", reason, hint=hint) from None
    return configuration


def _check_files(configuration: Configuration) -> None:
    """Check the certificates. Raises OSError (ssl.SSLError) or ValueError for unusable ones."""
    if not configuration.host.startswith("https"):
        return
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority, certificate, key = configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file
    name = authority
    try:
        if authority:
            found.load_verify_locations(authority)
        name = certificate
        if certificate:
            found.load_cert_chain(certificate, key)
    except OSError as error:
        raise ValueError(f"{name} is invalid: {error}") from None


@contextmanager
def _logged_errors() -> Iterator[list[str]]:
    """Collect the client's error log instead of printing it."""
    output: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: output.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    kept, root.handlers = root.handlers, [handler]
    try:
        yield output
    finally:
        root.handlers = kept
