"""`python -m app check`: validate the settings of a deployment before it is created.

Reads JSON from the standard input: `settings` (open to readers of the deployment) and `secrets`, both variable ->
value, and `hidden`, the names of variables whose values only the deployment has. `development` is true for one on a
developer's machine, where files are read, too. Writes JSON: `problems`, each with its `setting`, its `kind` (unknown,
secret, missing, missing_secret, refused) and a `text`, and `notes`. No value is repeated.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from app.core.config import ConfigurationError, load
from app.settings.base import EnvironmentSettings

# Variables that Python, TLS and HTTP libraries read themselves.
FOREIGN = re.compile(
    r"(PYTHON|MALLOC_|LC_|UV_|SSL_CERT_)\w+|LANG|TZ|TMPDIR|LD_PRELOAD|((HTTPS?|ALL|NO)_PROXY)", re.IGNORECASE
)
# Usual suffixes of the names of secrets; OTLP's headers hold API keys.
CONFIDENTIAL = re.compile(
    r"(PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS|(API|ACCESS|PRIVATE|SECRET)_?KEY|OTLP\w*_HEADERS)$"
)
# Similarity, from 0 to 1: LOGLEVEL and DATABASE_URI are mistakes, KILL_AFTER is another variable.
SIMILAR = 0.8
MANY = 3


@dataclass(frozen=True)
class Problem:
    """`missing`, `missing_secret`, `refused`: the service would not start. `secret`: readable by too many."""

    setting: str
    kind: Literal["unknown", "secret", "missing", "missing_secret", "refused"]
    text: str


@dataclass
class Findings:
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def main(_: Sequence[str]) -> int:
    import app.main  # noqa: F401 - so that every settings class is defined

    given = json.load(sys.stdin)
    os.environ.clear()
    os.environ.update(given["settings"] | given["secrets"])
    development = bool(given.get("development"))
    found = examine(given["settings"], given["secrets"], given["hidden"], development=development)
    json.dump(asdict(found), sys.stdout)
    return 0


def examine(
    settings: Mapping[str, str], secrets: Mapping[str, str], hidden: Collection[str], *, development: bool = False
) -> Findings:
    """Validate this process's environment, and the variables in `hidden`, which are missing from it."""
    found = Findings()
    models = list(_models(EnvironmentSettings))
    known = known_variables()
    prefixes = tuple(prefix for model in models if (prefix := model.model_config.get("env_prefix")))
    for name in sorted({*settings, *secrets, *hidden}):
        if name.upper() not in known and not FOREIGN.fullmatch(name) and name not in _of_opentelemetry():
            _unknown(name, known, found, ours=name.upper().startswith(prefixes))
    secret = {name for model in models for name, kind in variables(model).items() if _holds_secret(kind)}
    for name, value in settings.items():
        if _is_confidential(name.upper(), value, typed=name.upper() in secret):
            text = f"{name} is a secret, and settings are stored in a ConfigMap that many may read"
            found.problems.append(Problem(name, "secret", text))
    for text in _refused(models, hidden, development=development):
        setting, absent = _setting_in(text), " is not set" in text
        kind = "refused" if not absent else "missing_secret" if setting in secret else "missing"
        found.problems.append(Problem(setting, kind, text))
    return found


def _refused(models: Collection[type[EnvironmentSettings]], hidden: Collection[str], *, development: bool) -> list[str]:
    """Return the problems that would stop the start. An invalid value hides others: check again without it."""
    try:
        loaded = load(*models, files=development)
    except ConfigurationError as error:
        illegal = {name for name in os.environ if any(problem.startswith(f"{name}: ") for problem in error.problems)}
        for name in illegal:
            del os.environ[name]
        said = [problem for problem in error.problems if not _mentions(problem, hidden)]
        more = _refused(models, {*hidden, *illegal}, development=development) if illegal else []
        return list(dict.fromkeys([*said, *more]))
    stated = loaded[0].environment
    if development or not loaded[0].is_development or "ENVIRONMENT" in hidden:
        return []
    return [f"ENVIRONMENT is {stated}, which is for a developer's machine; set staging or production"]


def known_variables() -> set[str]:
    """Return every variable that is a setting of the imported modules."""
    return {name for model in _models(EnvironmentSettings) for name in variables(model)}


def variables(model: type[EnvironmentSettings]) -> dict[str, Any]:
    """Return the variables of a settings class, with their types."""
    prefix = model.model_config.get("env_prefix", "")
    return {
        str(info.validation_alias or f"{prefix}{name}").upper(): info.annotation
        for name, info in model.model_fields.items()
    }


def _models(base: type[EnvironmentSettings]) -> Iterator[type[EnvironmentSettings]]:
    """Return the settings classes that the service uses: those without a subclass."""
    for model in base.__subclasses__():
        if not model.__module__.startswith("app."):
            continue
        if model.__subclasses__():
            yield from _models(model)
        else:
            yield model


def _of_opentelemetry() -> set[str]:
    import opentelemetry.environment_variables as api
    import opentelemetry.sdk.environment_variables as sdk

    return {name for module in (api, sdk) for name in dir(module) if name.startswith("OTEL_")}


def _unknown(name: str, known: Collection[str], found: Findings, *, ours: bool) -> None:
    """Report an unknown variable: a near match of a setting is a mistake, any other may be read by the owner's code."""
    close = difflib.get_close_matches(name.upper(), known, n=MANY, cutoff=0.6 if ours else SIMILAR)
    if close:
        text = f"{name} is not a setting of this service; did you mean {' or '.join(close)}?"
        found.problems.append(Problem(name, "unknown", text))
    else:
        found.notes.append(f"{name} is not declared as a setting of this service (app/core/config.py)")


def _holds_secret(kind: Any) -> bool:
    return kind is SecretStr or SecretStr in get_args(kind)


def _is_confidential(name: str, value: str, *, typed: bool) -> bool:
    if "-----BEGIN" in value:
        return "PRIVATE KEY" in value
    if "://" in value:
        parts = urlsplit(value)
        return bool(parts.password) or "password" in parse_qs(parts.query)
    return bool(value) and (typed or bool(CONFIDENTIAL.search(name)))


def _setting_in(problem: str) -> str:
    """Return the variable that a message of the service begins with."""
    found = re.match(r"\w+", problem)
    return found[0] if found else ""


def _mentions(problem: str, names: Collection[str]) -> bool:
    """Return True if a problem may come from a value that is not known here."""
    return any(re.search(rf"\b{re.escape(name)}\b", problem) for name in names)
