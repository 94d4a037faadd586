"""Validation of the answers to the template's questions, before a file is written. Pure; standard library only.

The answers end up in TOML, YAML, Markdown, container labels and shell lines. Instead of escaping for each of them, an
answer may not contain any character with a special meaning in one of them.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from toolkit.resources.line.authentication import refusal
from toolkit.resources.line.errors import quote
from toolkit.resources.line.parser import ResourceErrors, parse

CHOICES: Mapping[str, tuple[str, ...]] = {
    "place": ("kubernetes", "machine", "ecs", "cloudrun", "containerapps"),
    "driver": ("manifests", "helm"),
    "auth": ("jwt", "accounts", "none"),
    "license": ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"),
    "python_version": ("3.11", "3.12", "3.13", "3.14"),
    "ci": ("github", "gitlab", "none"),
    "infra": ("none", "aws", "google", "azure"),
}

# Helm's limit for a release; Kubernetes and DNS allow 63, and other names are derived from it.
SLUG_LENGTH = 53
NAME_LENGTH, PROSE_LENGTH, REGISTRY_LENGTH = 60, 200, 150
SPECIAL = '"\\`$<>{}'

# Existing databases, namespaces and host names that the slug would collide with.
TAKEN_SLUGS: Mapping[str, str] = {
    **dict.fromkeys(("postgres", "template0", "template1"), "PostgreSQL has a database of that name"),
    "default": "Kubernetes has a namespace of that name",
    "localhost": "it is the name of every machine itself",
    **dict.fromkeys(("y", "n", "yes", "no", "on", "off", "true", "false", "null"), "YAML does not read it as text"),
}

_SLUG = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_HOST = r"(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)(?::[0-9]{1,5})?"
_PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(rf"{_HOST}(?:/{_PATH})*/?")
_MAIL = re.compile(r" <[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+>\Z")

# What infra/ creates is in the account, region or project that the registry's name has.
CLOUD_REGISTRIES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "aws": (
        re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(/.*)?"),
        "of AWS ECR, such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/team",
    ),
    "google": (
        re.compile(r"[a-z0-9-]+-docker\.pkg\.dev/[^/]+/[^/]+/?"),
        "of Google Artifact Registry, such as europe-west3-docker.pkg.dev/PROJECT/REPOSITORY",
    ),
    "azure": (
        re.compile(r"[a-z0-9]{5,50}\.azurecr\.io(/.*)?"),
        "of Azure Container Registry, such as example.azurecr.io/team",
    ),
}

# What infra/ creates is an empty service of that cloud's own place; Kubernetes and machines run everywhere.
CLOUDS_OF_PLACES: Mapping[str, str] = {"ecs": "aws", "cloudrun": "google"}

_DERIVED = ("description", "author")


def check_answers(answers: Mapping[str, object]) -> list[str]:
    """Return the faults of the answers, one text each with the question, the given value and the valid ones."""
    faults: list[str] = []
    name = str(answers.get("project_name", "")) or "\0"
    for question, judge in _JUDGES.items():
        given = answers.get(question, "")
        if not isinstance(given, str):
            faults.append(f"{question} is {quote(repr(given))}; expected text")
            continue
        if question in _DERIVED and faults and name in given:
            given = given.replace(name, "it")  # by default they contain the name, whose faults are reported once
        faults += [f"{question} {fault}" for fault in judge(given)]
    for question, choices in CHOICES.items():
        given = answers.get(question, "")
        if given not in choices:
            faults.append(f"{question} is {quote(str(given))}; expected one of {', '.join(choices)}")
    faults += _fit(str(answers.get("resources", "")), str(answers.get("auth", "")))
    return [*faults, *_infra(answers)]


def _infra(answers: Mapping[str, object]) -> Iterator[str]:
    infra, registry = str(answers.get("infra", "")), str(answers.get("registry", ""))
    if infra in CLOUD_REGISTRIES:
        pattern, example = CLOUD_REGISTRIES[infra]
        if not pattern.fullmatch(registry):
            yield f"infra is `{infra}` with the registry {quote(registry)}; expected a registry {example}"
        place = str(answers.get("place", ""))
        if (cloud := CLOUDS_OF_PLACES.get(place, infra)) != infra:
            yield f"infra is `{infra}` with the place `{place}`; expected `{cloud}`, or `none`"


def _project_name(given: str) -> Iterator[str]:
    yield from _prose(given, NAME_LENGTH)
    if given.strip() and not any(sign.isalnum() for sign in given):
        yield f"is {quote(given)}; expected at least one letter or digit"


def _slug(given: str) -> Iterator[str]:
    rule = f"1 to {SLUG_LENGTH} lower-case letters a-z, digits and hyphens, a letter first and no hyphen last"
    if not given:
        yield f"is empty; expected {rule}, such as `product-catalogue`"
    elif not _SLUG.fullmatch(given):
        yield f"is {quote(given)}; expected {rule} (it becomes the folder, the image and host names){_near(given)}"
    elif len(given) > SLUG_LENGTH:
        yield f"has {len(given)} characters; expected {rule} (Helm's limit); shorten it"
    elif reason := TAKEN_SLUGS.get(given):
        yield f"is {quote(given)}; expected another name, because {reason}; try `{given}-service`"
    elif given.startswith("kube-"):
        yield f"is {quote(given)}; expected another name, because Kubernetes reserves names that begin with `kube-`"


def _near(given: str) -> str:
    made = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-").lstrip("0123456789-")[:SLUG_LENGTH].rstrip("-")
    return f"; did you mean `{made}`?" if _SLUG.fullmatch(made) else ""


def _description(given: str) -> Iterator[str]:
    yield from _prose(given, PROSE_LENGTH)


def _author(given: str) -> Iterator[str]:
    yield from _prose(_MAIL.sub("", given), PROSE_LENGTH, ", `Name <mail@example.com>` apart")


def _prose(given: str, most: int, besides: str = "") -> Iterator[str]:
    """Check one printable line, without special characters of TOML, YAML, Markdown, a shell or a Dockerfile."""
    rule = f"one line of 1 to {most} characters"
    if not given.strip():
        yield f"is empty; expected {rule}"
        return
    if len(given) > most:
        yield f"has {len(given)} characters; expected {rule}"
    if given != given.strip():
        yield f"is {quote(given)}; expected no leading or trailing white space"
    elif hidden := [sign for sign in given if not sign.isprintable()]:
        named = ", ".join(f"U+{ord(sign):04X}" for sign in dict.fromkeys(hidden[:5]))
        yield f"has the invisible character {named}; expected {rule} of printable ones"
    if found := [sign for sign in SPECIAL if sign in given]:
        listed = " ".join(found)
        yield f"is {quote(given)} and contains {listed}; expected none of {' '.join(SPECIAL)}{besides}; remove them"


def _registry(given: str) -> Iterator[str]:
    rule = "a host and a path in lower-case letters, such as docker.io/NAME, localhost:5000 or ghcr.io/NAME/TEAM"
    if len(given) > REGISTRY_LENGTH:
        yield f"has {len(given)} characters; expected at most {REGISTRY_LENGTH}"
    elif not _REGISTRY.fullmatch(given):
        yield f"is {quote(given)}; expected {rule}{_registry_hint(given)}"
    elif (port := re.search(r":([0-9]+)", given)) and not 0 < int(port[1]) < 2**16:
        yield f"is {quote(given)} with the port {port[1]}; expected 1 to 65535"
    elif given.rstrip("/") == "docker.io":
        yield f"is {quote(given)}; expected your name on Docker Hub too, such as docker.io/NAME"


def _registry_hint(given: str) -> str:
    made = re.sub(r"^[a-z]+://", "", given.strip().lower()).strip("/")
    if re.fullmatch(_PATH, made) and "." not in made:
        made = f"docker.io/{made}"
    return f"; did you mean `{made}`?" if _REGISTRY.fullmatch(made) else ""


def _resources(given: str) -> Iterator[str]:
    try:
        parse(given)
    except ResourceErrors as errors:
        for block in errors.blocks():
            yield f"in {block}"


def _fit(given: str, auth: str) -> Iterator[str]:
    try:
        reason = refusal(parse(given), auth)
    except ResourceErrors:
        return  # reported above
    if reason:
        yield f"resources and auth do not fit: {reason}"


_JUDGES: Mapping[str, Callable[[str], Iterator[str]]] = {
    "project_name": _project_name,
    "project_slug": _slug,
    "description": _description,
    "author": _author,
    "registry": _registry,
    "resources": _resources,
}
